import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Folder, temporaryFolder } from '../../../test/helpers/collection.ts';
import { say } from '../../../test/helpers/program.ts';
import { loadCaptioner, refuseRegions } from '../load.ts';
import { trainRelations } from '../relations/train.ts';
import { type TrainGraphCaptionerOptions, trainGraphCaptioner } from './train.ts';
import type { GraphTrainEvent } from './train-events.ts';

let folder: Folder;
const at = (name: string) => join(folder.path, name);
const common = { regions: 'world', vision: [] as string[], seed: 3, device: 'cpu' as const, resume: false, signal: new AbortController().signal }; // biome-ignore format: one line

beforeAll(async () => {
  folder = await temporaryFolder();
  vi.stubEnv('RECAPTION_CACHE', join(folder.path, 'cache'));
  for (const [name, count, seed] of [['train', 60, 1], ['val', 12, 2]]) // biome-ignore format: one line
    await say('world', '--count', `${count}`, '--size', '32', '--seed', `${seed}`, '--objects', '2-3', '--out', at(`${name}`)); // biome-ignore format: one line
  const training = { batch: 16, leastTold: 1 };
  for await (const _ of trainRelations({ ...common, data: [at('train')], out: at('relations'), config: { training }, steps: 8 })); // biome-ignore format: one line
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await folder.remove();
});

const config = (model: object = {}, training: object = {}) => ({
  model: { width: 16, wordWidth: 12, attentionWidth: 8, heads: 2, depth: 1, vocabulary: 300, maxTokens: 14, dropout: 0.1, ...model }, // biome-ignore format: one line
  training: { batch: 8, captionsPerImage: 2, learningRate: 5e-3, warmup: 2, ema: 0.5, beam: 2, ...training },
});
const options = (out: string, changes: Partial<TrainGraphCaptionerOptions> = {}): TrainGraphCaptionerOptions => ({ ...common, data: [at('train')], out: at(out), config: config(), relations: at('relations'), steps: 6, ...changes }); // biome-ignore format: one line

/** Runs to its end, or until the step after which somebody presses Ctrl-C. */
async function run(given: TrainGraphCaptionerOptions, stopAfter = Number.POSITIVE_INFINITY) {
  const abort = new AbortController();
  const events: GraphTrainEvent[] = [];
  for await (const event of trainGraphCaptioner({ ...given, signal: abort.signal })) {
    events.push(event);
    if (event.kind === 'step' && event.step === stopAfter) abort.abort();
  }
  return events;
}
const last = (events: GraphTrainEvent[]) => events.at(-1) as Extract<GraphTrainEvent, { kind: 'done' }>;
const stepsOf = (events: GraphTrainEvent[]) =>
  events.filter((event): event is Extract<GraphTrainEvent, { kind: 'step' }> => event.kind === 'step');
const bytes = (out: string, file: string) => readFile(join(at(out), file));

describe.each(['lstm', 'transformer'])('a graph captioner with the body of a %s', (body) => {
  it('learns, and captions pictures like any other captioner', async () => {
    const events = await run(
      options(`model-${body}`, { config: config({ body }), val: at('val'), steps: 60 }),
    );
    const losses = stepsOf(events).map(({ loss }) => loss);
    expect(losses.at(-1)!).toBeLessThan(0.8 * losses[0]);
    const validation = events.find((event) => event.kind === 'validation')!;
    expect(validation.kinds!.accuracy).toBeGreaterThan(0);
    const { code, stdout, stderr } = await say('caption', at('val'), '--captioner', at(`model-${body}`), '--explain', '--out', at(`${body}.jsonl`), '--json'); // biome-ignore format: one line
    expect(code, stdout + stderr).toBe(0);
    const rows = (await readFile(at(`${body}.jsonl`), 'utf8')).trim().split('\n').map((line) => JSON.parse(line)); // biome-ignore format: one line
    expect(rows).toHaveLength(12);
    for (const { kind, captioner, caption, explanation } of rows) {
      expect([kind, captioner]).toEqual(['human', expect.stringContaining(`model-${body}`)]);
      const { graph, words } = explanation;
      expect(graph.regions.length).toBeGreaterThanOrEqual(2);
      for (const { subject, object } of graph.relations) expect(Math.max(subject, object)).toBeLessThan(graph.regions.length); // biome-ignore format: one line
      expect(words.map(({ text }: { text: string }) => text).join('')).toBe(caption.replace(/\s+/g, ''));
      for (const { kind } of words) expect(['object', 'predicate', 'other']).toContain(kind);
    }
  });

  it('goes on after a stop as if there had been none', async () => {
    const given = { config: config({ body }) };
    await run(options(`whole-${body}`, given));
    expect(last(await run(options(`cut-${body}`, given), 2))).toMatchObject({ stopped: true, step: 2 });
    await run(options(`cut-${body}`, { ...given, resume: true }));
    for (const file of ['model.safetensors', 'config.json', 'tokenizer.json'])
      expect((await bytes(`cut-${body}`, file)).equals(await bytes(`whole-${body}`, file)), file).toBe(true);
  });
});

describe('rewards', () => {
  it('go on from a captioner that has learnt what people wrote, and tell how fast they are', async () => {
    await run(options('base'));
    const rewarded = config({}, { selfCritical: 3 });
    const events = await run(options('rewarded', { init: at('base'), relations: undefined, val: at('val'), config: { training: rewarded.training }, steps: 2 })); // biome-ignore format: one line
    expect(events.find((event) => event.kind === 'validation')).toMatchObject({ step: 0, best: true }); // what it starts from is measured first
    for (const { reward, rewardsPerSecond } of stepsOf(events)) {
      expect(reward).toBeGreaterThanOrEqual(0);
      expect(rewardsPerSecond).toBeGreaterThan(0);
    }
    const [before, after] = await Promise.all(['base', 'rewarded'].map(async (out) => JSON.parse(`${await bytes(out, 'config.json')}`))); // biome-ignore format: one line
    expect(after.model).toEqual(before.model);
    expect(after.graph).toEqual(before.graph);
  });
});

describe('where edges come from', () => {
  it.each([
    ['nowhere: regions alone', { relations: undefined }],
    ['the labels of pairs', { edges: 'prior' as const }],
    ['what scenes say', { relations: undefined, edges: 'truth' as const }],
  ])('may be %s', async (name, changes) => {
    const out = `edges ${name.slice(0, 10)}`;
    expect(last(await run(options(out, { ...changes, steps: 1 }))).stopped).toBe(false);
    const captioner = await loadCaptioner(at(out));
    const [{ text }] = await captioner.caption([{ width: 32, height: 32, data: new Uint8Array(3072).fill(200) }]); // biome-ignore format: one line
    await captioner.close();
    expect(typeof text).toBe('string'); // of a picture without any region
  });

  it('is checked: a relation graph of other regions is refused', async () => {
    await expect(run(options('other', { regions: 'grid:2' }))).rejects.toMatchObject({ code: 'bad-model' });
    await expect(run(options('none', { relations: at('nothing') }))).rejects.toMatchObject({ code: 'no-relations' });
    await expect(run(options('none', { relations: undefined, edges: 'network' }))).rejects.toMatchObject({ code: 'bad-config' });
    await expect(run(options('none', { relations: undefined, edges: 'truth', regions: 'grid:2' }))).rejects.toMatchObject({ code: 'bad-config' });
  }); // biome-ignore format: one line

  it('may be what samples say: captioning reads it, too', async () => {
    const out = 'edges what scene';
    const { code } = await say(
      'caption',
      at('val'),
      '--captioner',
      at(out),
      '--explain',
      '--out',
      at('true.jsonl'),
    );
    expect(code).toBe(0);
    const rows = (await readFile(at('true.jsonl'), 'utf8')).trim().split('\n').map((line) => JSON.parse(line)); // biome-ignore format: one line
    expect(rows.some(({ explanation: { graph } }) => graph.relations.length > 0)).toBe(true);
  });

  it('is told of where the folder holds something else', async () => {
    await expect(run(options('kind', { relations: at('edges nowhere: r') }))).rejects.toMatchObject({ code: 'no-relations', message: expect.stringContaining('a graph captioner') }); // biome-ignore format: one line
    await expect(loadCaptioner(at('relations'))).rejects.toMatchObject({ code: 'no-captioner', message: expect.stringContaining('a relation graph') }); // biome-ignore format: one line
    await expect(refuseRegions(['starter'], 'world')).rejects.toMatchObject({ code: 'bad-config' });
  });

  it('must have the predicates of the captioner that a run goes on from', async () => {
    const other = {
      ...options('base-of-other'),
      relations: undefined,
      edges: 'truth' as const,
      init: at('base'),
    };
    await expect(run(other)).rejects.toMatchObject({ code: 'bad-model', message: expect.stringContaining('predicates') }); // biome-ignore format: one line
  });
});
