/** Two sides of a comparison, each a process of its own that is asked line by line. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface Side {
  name: string;
  /** Sends a line and waits for the line of JSON that answers it. */
  ask(request: string): Promise<number>;
  close(): void;
}

const FOLDER = join(import.meta.dirname, '..');

/** Our side: `bench/ours/NAME.ts` in a process of its own. */
export const ours = (script: string, first: object): Side =>
  side('ours', process.execPath, [join(FOLDER, 'ours', `${script}.ts`)], first, 'See what it wrote above.');

/** PyTorch's side: `bench/peers/NAME.py`, on the same number of threads. */
export const pytorch = (script: string, threads: number, first: object): Side =>
  side(
    'PyTorch',
    process.env.RECAPTION_PYTHON ?? '/usr/bin/python3',
    [join(FOLDER, 'peers', `${script}.py`)],
    first,
    'PyTorch is needed to compare with. On Debian and Ubuntu: apt-get install python3-torch libopenblas0-pthread. ' +
      'If it is in another Python, name that in RECAPTION_PYTHON.',
    { OMP_NUM_THREADS: `${threads}`, OPENBLAS_NUM_THREADS: `${threads}`, ...bestKernels() },
  );

/** An OpenBLAS that is older than the processor takes kernels for a much older one, at a quarter of their speed: it is told what to take. */
function bestKernels(): { OPENBLAS_CORETYPE?: string } {
  const flags = existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : '';
  if (process.env.OPENBLAS_CORETYPE !== undefined || !/\bavx512f\b/.test(flags)) return {};
  return { OPENBLAS_CORETYPE: 'SkylakeX' };
}

/** A script in plain Python: `bench/peers/NAME.py`. */
export const python = (script: string, first: object): Side =>
  side(
    'Python',
    process.env.RECAPTION_PYTHON ?? 'python3',
    [join(FOLDER, 'peers', `${script}.py`)],
    first,
    'Python 3 is needed to compare with; name it in RECAPTION_PYTHON if it is called otherwise.',
  );

function side(name: string, command: string, args: string[], first: object, hint: string, env = {}): Side {
  const child: ChildProcess = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const failed = new Promise<never>((_, reject) => {
    child.on('error', () => reject(new Error(`${name}: cannot start ${command}. ${hint}`)));
    child.on('exit', (code) => reject(new Error(`${name}: ${command} ended with status ${code}. ${hint}`)));
  });
  failed.catch(() => {}); // told to whoever asks
  child.stdin!.on('error', () => {});
  const answers = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  child.stdin!.write(`${JSON.stringify(first)}\n`);
  return {
    name,
    async ask(request) {
      child.stdin!.write(`${request}\n`);
      const line = await Promise.race([answers.next(), failed]);
      if (line.done) return failed;
      return JSON.parse(line.value) as number;
    },
    close: () => child.stdin!.end(),
  };
}

/** Compares two sides, and lets both go however it ends; what goes wrong is told in its own words, with status 1. */
export async function compare(sides: readonly Side[], work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  } finally {
    for (const side of sides) side.close();
  }
}

/** Answers every line of stdin with what `answer` makes of it; the first line is the sizes. */
export async function serve<Sizes>(
  prepare: (sizes: Sizes) => Promise<(request: string) => Promise<number>>,
): Promise<void> {
  let answer: ((request: string) => Promise<number>) | undefined;
  for await (const line of createInterface({ input: process.stdin })) {
    if (answer) console.log(JSON.stringify(await answer(line)));
    else answer = await prepare(JSON.parse(line) as Sizes);
  }
  process.exit(); // sessions hold threads
}

/** Largest resident memory of this process so far, in MB. */
export function peakMemory(): number {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024;
  } catch {
    return process.resourceUsage().maxRSS / 1024;
  }
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};

/**
 * Asks both for the same thing in turns, `pairs` times after `warmups`; who is first changes, as whoever is second finds
 * the processor warmer.
 */
export async function inPairs(
  [one, other]: [Side, Side],
  request: string,
  { pairs, warmups }: { pairs: number; warmups: number },
  onPair: (one: number, other: number) => void = () => {},
): Promise<{ one: number[]; other: number[] }> {
  const answers = { one: [] as number[], other: [] as number[] };
  for (let pair = -warmups; pair < pairs; pair++) {
    const order = pair % 2 === 0 ? [one, other] : [other, one];
    const got = new Map<Side, number>();
    for (const side of order) got.set(side, await side.ask(request));
    if (pair < 0) continue;
    answers.one.push(got.get(one)!);
    answers.other.push(got.get(other)!);
    onPair(got.get(one)!, got.get(other)!);
  }
  return answers;
}

/** "bar at most 0.75: holds". */
export function verdict(value: number, bar: { most: number } | { least: number }): string {
  const holds = 'most' in bar ? value <= bar.most : value >= bar.least;
  const words = 'most' in bar ? `at most ${bar.most}` : `at least ${bar.least}`;
  if (!holds) process.exitCode = 1;
  return `bar ${words}: ${holds ? 'holds' : 'MISSED'}`;
}
