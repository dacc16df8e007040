import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Folder, temporaryFolder } from '../../../test/helpers/collection.ts';
import { say } from '../../../test/helpers/program.ts';
import { type TrainRelationsOptions, trainRelations } from './train.ts';
import type { RelationTrainEvent } from './train-events.ts';

let folder: Folder;
beforeAll(async () => {
  folder = await temporaryFolder();
  vi.stubEnv('RECAPTION_CACHE', join(folder.path, 'cache'));
  for (const [name, count, seed] of [['train', 240, 1], ['val', 60, 2]]) // biome-ignore format: one line
    await say('world', '--count', `${count}`, '--size', '48', '--seed', `${seed}`, '--objects', '2-3', '--out', at(`${name}`)); // biome-ignore format: one line
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await folder.remove();
});
const at = (name: string) => join(folder.path, name);

const options = (out: string, changes: Partial<TrainRelationsOptions> = {}): TrainRelationsOptions => ({
  data: [at('train')],
  out: at(out),
  config: { model: { width: 32 }, training: { batch: 16, leastTold: 2, learningRate: 4e-3, warmup: 5, ema: 0.9 } },
  regions: 'world',
  vision: [],
  steps: 30,
  seed: 3,
  device: 'cpu',
  resume: false,
  signal: new AbortController().signal,
  ...changes,
}); // biome-ignore format: one line

/** Runs to its end, or until the step after which somebody presses Ctrl-C. */
async function run(given: TrainRelationsOptions, stopAfter = Number.POSITIVE_INFINITY) {
  const abort = new AbortController();
  const events: RelationTrainEvent[] = [];
  for await (const event of trainRelations({ ...given, signal: abort.signal })) {
    events.push(event);
    if (event.kind === 'step' && event.step === stopAfter) abort.abort();
  }
  return events;
}
const scores = async (out: string, ...more: string[]) => {
  const { stdout, code, stderr } = await say('evaluate', 'relations', '--model', at(out), '--data', at('val'), '--json', ...more); // biome-ignore format: one line
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as { truth: string; recall: { k: number; rate: number }[]; auc: number };
};
const recallAt = ({ recall }: { recall: { k: number; rate: number }[] }, k: number) =>
  recall.find((one) => one.k === k)!.rate;

describe('a relation graph learnt from captions', () => {
  it('finds what holds in scenes of which it has seen no relation marked, and more than labels alone tell', async () => {
    const events = await run(options('weak', { val: at('val'), steps: 200 }));
    const done = events.at(-1) as Extract<RelationTrainEvent, { kind: 'done' }>;
    expect(done.recall).toBeGreaterThan(0.4);
    const [network, prior] = [await scores('weak'), await scores('weak', '--by', 'prior')];
    expect(network.truth).toBe('scenes');
    expect(recallAt(network, 10)).toBeGreaterThan(recallAt(prior, 10) + 0.1);
    expect(network.auc).toBeGreaterThan(prior.auc);
    const supervised = await run(options('truth', { supervised: true, steps: 200 }));
    expect(supervised.at(-1)).toMatchObject({ kind: 'done', stopped: false });
    expect(recallAt(await scores('truth'), 10)).toBeGreaterThan(recallAt(network, 10));
    expect(await readFile(join(at('weak'), 'README.md'), 'utf8')).toContain('weak supervision');
  });

  it('goes on after a stop as if there had been none', async () => {
    await run(options('whole'));
    const first = await run(options('cut'), 11);
    expect(first.at(-1)).toMatchObject({ kind: 'done', stopped: true, step: 11 });
    await run(options('cut', { resume: true }));
    for (const file of ['model.safetensors', 'config.json'])
      expect((await readFile(join(at('cut'), file))).equals(await readFile(join(at('whole'), file)))).toBe(true); // biome-ignore format: one line
  });

  it('is drawn on pictures and printed for programs', async () => {
    const { stdout, code } = await say(
      'graph',
      at('val'),
      '--model',
      at('weak'),
      '--out',
      at('drawn'),
      '--json',
    );
    expect(code).toBe(0);
    const pictures = stdout.trim().split('\n').map((line) => JSON.parse(line)); // biome-ignore format: one line
    const first = pictures.find(({ relations }) => relations.length > 0);
    expect(first.regions[0]).toMatchObject({
      label: expect.any(String),
      score: 1,
      box: { x: expect.any(Number) },
    });
    const [{ subject, predicate, object, score }] = first.relations;
    expect([subject, object].every((i) => i < first.regions.length)).toBe(true);
    expect(score).toBeGreaterThan(0);
    const svg = await readFile(join(at('drawn'), `${first.key}.svg`), 'utf8');
    expect(svg).toContain(`>${predicate}`);
    expect(svg).toContain(first.regions[subject].label);
  });
});

describe('what a relation graph cannot be learnt from', () => {
  const learn = (...args: string[]) => say('train', 'relations', '--out', at('never'), ...args);

  it('is captions that relate nothing, a grid without labels, photos without truth: each is said', async () => {
    await folder.write({ 'plain/a.png': await readFile(await onePicture()), 'plain/a.txt': 'a red circle' });
    const cases: [string[], RegExp][] = [
      [['--data', at('plain'), '--regions', 'world'], /no-triplets.*two regions|relations/],
      [['--data', at('train'), '--regions', 'grid'], /no-triplets.*labels/],
      [['--data', at('plain'), '--regions', 'world', '--supervised'], /no-truth/],
    ];
    for (const [args, wanted] of cases) {
      const { code, stdout } = await learn(...args, '--json');
      expect(code).toBe(1);
      const { error } = JSON.parse(stdout.trim().split('\n').at(-1)!);
      expect(`${error.code}: ${error.message}`).toMatch(wanted);
      expect(error.hint).toBeTruthy();
    }
  });

  it('is no folder, and a model of another detector is refused', async () => {
    const missing = await say('graph', at('val'), '--model', at('nothing'));
    expect(missing.stderr).toMatch(/no relation graph/);
    const other = await say('graph', at('val'), '--model', at('weak'), '--regions', 'grid');
    expect(other.stderr).toMatch(/was trained with world, this is grid/);
    const none = await say('graph', at('val'));
    expect(none.code).toBe(2);
  });
});

/** A picture of the world, unpacked. */
async function onePicture(): Promise<string> {
  await say('world', '--count', '1', '--size', '48', '--objects', '1', '--out', at('one'), '--format', 'sidecars'); // biome-ignore format: one line
  const { readdir } = await import('node:fs/promises');
  const name = (await readdir(at('one'))).find((file) => file.endsWith('.png'))!;
  return join(at('one'), name);
}
