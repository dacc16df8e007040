/** Comparing captions by the generators that they make, as a user types it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeDataset } from '../src/data/index.ts';
import type { CompareReport } from '../src/experiments/report.ts';
import { worldDataset } from '../src/world/index.ts';
import { type Folder, temporaryFolder } from './helpers/collection.ts';
import { jsonLines, PROGRAM, say } from './helpers/program.ts';

const TINY = {
  model: {
    size: 32,
    patch: 8,
    width: 16,
    layers: 1,
    heads: 2,
    text: { width: 8, layers: 1, heads: 2, window: 1, vocabulary: 300, maxTokens: 96 },
  },
  training: { batch: 4, warmup: 2, previews: 0 },
  draw: { steps: 2 },
};

let temporary: Folder;
let folder: string;
let config: string;
let scenes: string;
beforeAll(async () => {
  temporary = await temporaryFolder();
  folder = temporary.path;
  process.env.RECAPTION_CACHE = join(folder, 'cache');
  [scenes, config] = ['scenes', 'tiny.json'].map((name) => join(folder, name));
  await writeDataset(worldDataset({ count: 24, size: 32, seed: 1 }), { to: scenes, format: 'webdataset' });
  await writeFile(config, JSON.stringify(TINY));
});
afterAll(() => temporary.remove());

const args = (out: string, ...more: string[]) => [
  'compare',
  ...['--data', scenes, '--captions', 'A=alt', '--captions', 'B=descriptive:0.9,alt:0.1'],
  ...['--steps', '5', '--held-out', '5', '--prompts', 'short,descriptive', '--config', config],
  ...['--out', join(folder, out), ...more],
];
const reportOf = async (out: string): Promise<CompareReport> =>
  JSON.parse(await readFile(join(folder, out, 'report.json'), 'utf8'));

describe('recaption compare', () => {
  test('prints who met more, and writes the report with the command that repeats it', async () => {
    const { code, stdout } = await say(...args('plain'));
    expect(code).toBe(0);
    expect(stdout).toMatch(/A against B: 2 trainings of 5 steps on \d+ pictures/);
    expect(stdout).toContain('prompts fully met');
    expect(stdout).toMatch(/Of the descriptive prompts, B meets .* and A .* %: /);
    expect(stdout).toContain('report.html');
    const report = await reportOf('plain');
    expect(report.command).toContain('--captions A=alt');
    expect(await readFile(join(folder, 'plain', 'report.html'), 'utf8')).toContain(
      'Where the figures come from',
    );
  });

  test('killed with -9 in the middle of a training, it ends with the figures of one that never was', async () => {
    const child = spawn(process.execPath, [PROGRAM, ...args('killed', '--json')], { stdio: ['ignore', 'pipe', 'ignore'] }); // biome-ignore format: one line
    for await (const line of createInterface({ input: child.stdout })) {
      const event = JSON.parse(line);
      if (event.kind !== 'run' || event.arm !== 'B' || event.event.kind !== 'step' || event.event.step < 2)
        continue;
      child.kill('SIGKILL');
      break;
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    const { code, stdout } = await say(...args('killed', '--json', '--resume'));
    expect(code).toBe(0);
    const runs = jsonLines(stdout).filter(({ kind }) => kind === 'run');
    expect(runs.some(({ arm }) => arm === 'A')).toBe(false);
    const [killed, plain] = [await reportOf('killed'), await reportOf('plain')];
    expect(killed.results).toEqual(plain.results);
    expect(killed.differences).toEqual(plain.differences);
  });

  test.each([
    [['--captions', 'A=alt,short'], 'bad-blend'],
    [['--captions', 'A'], 'bad-arm'],
    [['--prompts', 'poems'], 'usage'],
    [['--prompts', 'human'], 'no-prompts'],
    [['--prompts', 'upsampled', '--upsampler', 'nobody'], 'no-prompt-writer'],
    [['--held-out', '23'], 'too-few-pictures'],
    [['--clip', 'nobody-knows-it'], 'bad-model'],
    [['--minutes', '3', '--steps', '4'], 'usage'],
  ])('bad input %s is told: %s', async (more, wanted) => {
    const { code, stdout } = await say(...args('bad', '--json', ...more));
    expect(code).toBeGreaterThan(0);
    expect(jsonLines(stdout).at(-1)?.error?.code).toBe(wanted);
  });

  test('captions of one kind are no comparison', async () => {
    const { code, stdout } = await say('compare', '--data', scenes, '--captions', 'A=alt', '--out', join(folder, 'one'), '--json'); // biome-ignore format: one line
    expect(code).toBe(1);
    expect(jsonLines(stdout).at(-1)?.error?.code).toBe('bad-arm');
  });
});

test('an experiment draws its scenes, has them captioned by our captioners, compares, and goes on where it was', async () => {
  const run = (...more: string[]) =>
    say('experiment', 'caption-kind', '--quick', '--scenes', '30', '--steps', '3', '--most', '4', '--config', config, '--out', join(folder, 'kinds'), ...more); // biome-ignore format: one line
  const { code, stdout } = await run();
  expect(code).toBe(0);
  expect(stdout).toContain('alt against short against descriptive: 3 trainings');
  const report = await reportOf('kinds');
  expect(report.comparison.clip).toMatch(/^world@/);
  const [alt, short, descriptive] = report.arms.map(({ style }) => style.length.mean);
  expect(descriptive).toBeGreaterThan(3 * Math.max(alt, short));
  const again = await run('--resume', '--json');
  expect(again.code).toBe(0);
  expect(jsonLines(again.stdout).some(({ kind }) => kind === 'run')).toBe(false);
});
