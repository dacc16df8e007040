/** The command line as a user meets it: in a process of its own, or in this one where that makes no difference. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { main } from '../../src/cli/main.ts';

export const PROGRAM = join(import.meta.dirname, '../../bin/recaption.js');

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end. */
export function runProgram(
  program: string,
  args: string[],
  { cwd, env = {} }: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Ran> {
  return new Promise((done) => {
    const child = spawn(program, args, { cwd, env: { ...process.env, ...env } });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (text) => {
      stdout += text;
    });
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    child.on('error', () => done({ code: null, stdout, stderr }));
    child.on('close', (code) => done({ code, stdout, stderr }));
  });
}

/** `recaption …` in this process: quick, but relative paths are those of the test run. */
export async function say(...args: string[]): Promise<Ran> {
  const told = { stdout: '', stderr: '' };
  const sink = (name: keyof typeof told) => ({
    write: (text: string) => {
      told[name] += text;
    },
  });
  const around = { stdout: sink('stdout'), stderr: sink('stderr'), env: {}, now: () => performance.now() };
  return { code: await main(args, around), ...told };
}

export const jsonLines = (text: string) => text.trimEnd().split('\n').map((line) => JSON.parse(line)); // biome-ignore format: one line
