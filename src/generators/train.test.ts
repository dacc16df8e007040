import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Folder, temporaryFolder } from '../../test/helpers/collection.ts';
import { writeTinyT5 } from '../../test/helpers/tiny-t5.ts';
import { writeTinyTaesd } from '../../test/helpers/tiny-taesd.ts';
import { parseBlend } from '../data/blend.ts';
import { decodeImage } from '../image/index.ts';
import { loadState } from '../models/model-folder.ts';
import { readSafetensors, toFloat32 } from '../tensor/safetensors.ts';
import { worldDataset } from '../world/index.ts';
import { loadGenerator } from './load.ts';
import { type TrainGeneratorOptions, trainGenerator } from './train.ts';
import type { GeneratorEvent } from './train-events.ts';

let folder: Folder;
beforeAll(async () => {
  folder = await temporaryFolder();
  vi.stubEnv('RECAPTION_CACHE', join(folder.path, 'cache'));
  const rows: Record<string, string[]> = { train: [], val: [] };
  for await (const { key, image, captions } of worldDataset({ count: 14, size: 16, seed: 1 })) {
    const set = Number(key.slice(-6)) < 10 ? 'train' : 'val';
    await folder.write({ [`${set}/${key}.png`]: await image.bytes() });
    rows[set].push(JSON.stringify({ file_name: `${key}.png`, captions }));
  }
  for (const [set, lines] of Object.entries(rows))
    await folder.write({ [`${set}/metadata.jsonl`]: lines.join('\n') });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await folder.remove();
});

const config = {
  model: {
    size: 16,
    patch: 8,
    width: 16,
    layers: 1,
    heads: 2,
    text: { width: 8, layers: 1, heads: 2, window: 1, vocabulary: 280, maxTokens: 64 },
  },
  training: { batch: 4, warmup: 2, ema: 0.5, validateEvery: 3, previews: 3, snapshots: true },
  draw: { steps: 3 },
};
const options = (out: string, changes: Partial<TrainGeneratorOptions> = {}): TrainGeneratorOptions => ({
  data: [join(folder.path, 'train')],
  val: join(folder.path, 'val'),
  captions: parseBlend('descriptive:0.75,alt:0.25'),
  out: join(folder.path, out),
  config,
  steps: 7,
  seed: 3,
  device: 'cpu',
  resume: false,
  signal: new AbortController().signal,
  ...changes,
});

/** Runs to its end, or until the step after which somebody presses Ctrl-C. */
async function run(
  given: TrainGeneratorOptions,
  stopAfter = Number.POSITIVE_INFINITY,
): Promise<GeneratorEvent[]> {
  const abort = new AbortController();
  const events: GeneratorEvent[] = [];
  for await (const event of trainGenerator({ ...given, signal: abort.signal })) {
    events.push(event);
    if (event.kind === 'step' && event.step === stopAfter) abort.abort();
  }
  return events;
}
const of = <K extends GeneratorEvent['kind']>(events: GeneratorEvent[], kind: K) =>
  events.filter((event): event is Extract<GeneratorEvent, { kind: K }> => event.kind === kind);
const weightsOf = (out: string, name = 'model.safetensors') => readFile(join(folder.path, out, name));

describe('a run', () => {
  test('leaves a folder that draws, with previews, snapshots and metrics', async () => {
    const events = await run(options('whole'));
    expect(of(events, 'step').map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(of(events, 'validation').map(({ step }) => step)).toEqual([3, 6, 7]);
    expect(of(events, 'plan')[0]).toMatchObject({ images: 10, captions: 20, tokens: { picture: 4 } });
    expect(events.at(-1)).toMatchObject({ kind: 'done', step: 7, failed: 0, stopped: false });
    expect((await readdir(join(folder.path, 'whole'))).sort()).toEqual([
      'README.md',
      'config.json',
      'metrics.jsonl',
      'model.safetensors',
      'preview.png',
      'previews',
      'snapshots',
      'tokenizer.json',
      'training-state.safetensors',
    ]);
    expect(await readdir(join(folder.path, 'whole', 'previews'))).toHaveLength(3);
    expect(await readdir(join(folder.path, 'whole', 'snapshots'))).toHaveLength(3);
    expect(await decodeImage(join(folder.path, 'whole', 'preview.png'))).toMatchObject({ width: 2 * 18 + 2 });
    const generator = await loadGenerator(join(folder.path, 'whole'));
    const [image] = await generator.generate(['a red circle']);
    expect(image).toMatchObject({ width: 16, height: 16 });
    await generator.close();
  });

  test('learns: the loss falls, and the best weights are kept', { timeout: 60_000 }, async () => {
    const training = {
      ...config.training,
      validateEvery: 20,
      previews: 0,
      learningRate: 3e-3,
      snapshots: false,
    };
    const events = await run(options('longer', { config: { ...config, training }, steps: 120 }));
    const losses = of(events, 'validation').map(({ loss }) => loss);
    const steps = of(events, 'step').map(({ loss }) => loss);
    const mean = (some: number[]) => some.reduce((a, b) => a + b) / some.length;
    expect(mean(steps.slice(-20))).toBeLessThan(0.7 * mean(steps.slice(0, 5)));
    expect(of(events, 'done')[0].loss).toBe(Math.min(...losses));
  });

  test('with the same seed is the same to the last byte, with another it is not', async () => {
    await run(options('again'));
    await run(options('other', { seed: 4 }));
    expect((await weightsOf('again')).equals(await weightsOf('whole'))).toBe(true);
    expect((await weightsOf('other')).equals(await weightsOf('whole'))).toBe(false);
  });
});

describe('a run that is stopped and resumed', () => {
  test.each([1, 4, 6])('after step %i ends with the weights of one left alone', async (step) => {
    const out = `stopped-${step}`;
    expect((await run(options(out), step)).at(-1)).toMatchObject({ stopped: true, step });
    const events = await run(options(out, { resume: true }));
    expect(of(events, 'plan')[0].resumedFrom).toBe(step);
    for (const name of ['model.safetensors', 'preview.png']) expect((await weightsOf(out, name)).equals(await weightsOf('whole', name)), name).toBe(true); // biome-ignore format: one line
    const [one, other] = await Promise.all(
      [out, 'whole'].map((name) => loadState(join(folder.path, name, 'training-state.safetensors'))),
    );
    expect(one.state).toEqual(other.state);
  });

  test('goes on only when asked, and only as it was started', async () => {
    await expect(run(options('whole'))).rejects.toMatchObject({ code: 'run-exists' });
    await expect(run(options('whole', { resume: true, seed: 9 }))).rejects.toMatchObject({
      code: 'run-differs',
    });
  });
});

describe('captions', () => {
  test('of no kind of the mix are told, with the kinds that are there', async () => {
    await expect(run(options('human', { captions: parseBlend('human') }))).rejects.toMatchObject({
      code: 'no-captions',
      hint: expect.stringContaining('alt, short, descriptive'),
    });
  });

  test('of a kind that some pictures lack are told, and another is drawn', async () => {
    const events = await run(
      options('lacking', { captions: parseBlend('descriptive:0.5,human:0.5'), steps: 1 }),
    );
    const told = of(events, 'warning').filter(({ code }) => code === 'kind-missing');
    expect(told).toMatchObject([{ message: expect.stringContaining('10 of 10') }]);
  });

  test('of the mix decide what is learnt', async () => {
    await run(options('alt', { captions: parseBlend('alt') }));
    expect((await weightsOf('alt')).equals(await weightsOf('whole'))).toBe(false);
  });
});

test('pictures that do not divide into patches are refused with what would fit', async () => {
  await expect(run(options('odd', { size: 20 }))).rejects.toMatchObject({ code: 'bad-config', hint: expect.stringContaining('multiple of 8') }); // biome-ignore format: one line
});

test('a frozen T5 is read instead of tokens, its vectors are kept, and prompts are drawn with it', {
  timeout: 60_000,
}, async () => {
  const t5 = await writeTinyT5(join(folder.path, 't5'));
  const events = await run(options('with-t5', { text: t5, steps: 3 }));
  expect(events.at(-1)).toMatchObject({ kind: 'done', step: 3 });
  expect(JSON.parse(await readFile(join(folder.path, 'with-t5', 'config.json'), 'utf8'))).toMatchObject({
    text: { ref: t5 },
    model: { text: { layers: 0, width: 24 } },
  });
  const again = await run(options('with-t5-again', { text: t5, steps: 3 })); // from the cache
  expect(again.at(-1)).toMatchObject({ kind: 'done', step: 3 });
  expect((await weightsOf('with-t5')).equals(await weightsOf('with-t5-again'))).toBe(true);
  const generator = await loadGenerator(join(folder.path, 'with-t5'));
  const [one, other] = await generator.generate(['a red circle', 'two stars'], { seeds: [1, 1] });
  expect(one.data).not.toEqual(other.data);
  await generator.close();
  const next = { config: { training: config.training }, init: join(folder.path, 'with-t5'), steps: 1 };
  const after = await run(options('after-t5', next)); // the encoder is that of the generator it starts from
  expect(after.at(-1)).toMatchObject({ kind: 'done', step: 1 });
  const stranger = await writeTinyT5(join(folder.path, 'another-t5'), 2);
  await expect(run(options('wrong-t5', { ...next, text: stranger }))).rejects.toMatchObject({
    code: 'bad-model',
    hint: 'Name its own by --text.',
  });
  await expect(loadGenerator(join(folder.path, 'with-t5'), { text: stranger })).rejects.toMatchObject({
    code: 'bad-model',
  });
});

test('latents of an autoencoder are drawn instead of pixels, and decoded', { timeout: 60_000 }, async () => {
  const taesd = await writeTinyTaesd(join(folder.path, 'taesd'));
  const model = { ...config.model, patch: 1 };
  await run(options('latent', { latent: taesd, size: 16, steps: 3, config: { ...config, model } }));
  expect(JSON.parse(await readFile(join(folder.path, 'latent', 'config.json'), 'utf8'))).toMatchObject({
    model: { size: 2, channels: 4 },
    latent: { ref: taesd, size: 16 },
  });
  const generator = await loadGenerator(join(folder.path, 'latent'));
  expect(generator.size).toBe(16);
  expect((await generator.generate(['a red circle']))[0]).toMatchObject({ width: 16, height: 16 });
  await generator.close();
  const stranger = await writeTinyTaesd(join(folder.path, 'other-taesd'), 16);
  await expect(loadGenerator(join(folder.path, 'latent'), { latent: stranger })).rejects.toMatchObject({
    code: 'bad-model',
    message: expect.stringContaining('4 channels'),
  });
});

test('a run that starts from a generator has its sizes, words and weights', async () => {
  const given = { training: { ...config.training, learningRate: 1e-9 } };
  await run(options('next', { init: join(folder.path, 'whole'), config: given, steps: 1, seed: 8 }));
  const [base, next] = await Promise.all(
    ['whole', 'next'].map(async (name) => ({
      model: JSON.parse(await readFile(join(folder.path, name, 'config.json'), 'utf8')).model,
      tokenizer: await readFile(join(folder.path, name, 'tokenizer.json'), 'utf8'),
      weights: (await readSafetensors(join(folder.path, name, 'model.safetensors'))).tensors,
    })),
  );
  expect(next.model).toEqual(base.model);
  expect(next.tokenizer).toBe(base.tokenizer);
  for (const [name, tensor] of base.weights) {
    const [before, after] = [tensor, next.weights.get(name)!].map((found) => toFloat32(found));
    for (let i = 0; i < before.length; i++) expect(after[i]).toBeCloseTo(before[i], 2);
  }
});

describe('a pupil', () => {
  const lesson = (out: string, changes: Partial<TrainGeneratorOptions> = {}) =>
    options(out, {
      teacher: join(folder.path, 'whole'),
      config: { training: { batch: 4, validateEvery: 3 } },
      ...changes,
    });

  test('has the sizes and words of its teacher, draws in four steps without guidance, and keeps nothing of the teacher', async () => {
    const events = await run(lesson('pupil'));
    expect(of(events, 'done')[0]).toMatchObject({ step: 7, stopped: false });
    expect(of(events, 'validation')).toEqual([]);
    const [pupil, teacher] = await Promise.all(
      ['pupil', 'whole'].map(async (name) => ({
        config: JSON.parse(await readFile(join(folder.path, name, 'config.json'), 'utf8')),
        tokenizer: await readFile(join(folder.path, name, 'tokenizer.json'), 'utf8'),
        tensors: [
          ...(await readSafetensors(join(folder.path, name, 'model.safetensors'))).tensors.keys(),
        ].sort(),
      })),
    );
    expect(pupil.config.model).toEqual({ ...teacher.config.model, leastInput: 0.1 });
    expect(pupil.config.draw).toMatchObject({ steps: 4, guidance: 1, sampler: 'consistency' });
    expect(pupil.tokenizer).toBe(teacher.tokenizer);
    expect(pupil.tensors).toEqual(teacher.tensors);
    const generator = await loadGenerator(join(folder.path, 'pupil'));
    expect(await generator.generate(['a red circle'])).toHaveLength(1);
    await generator.close();
  });

  test('that is told other sizes, or another start, says why not', async () => {
    const wrong = (changes: Partial<TrainGeneratorOptions>) => run(lesson('wrong', changes));
    await expect(wrong({ size: 32 })).rejects.toThrow("a pupil draws pictures of its teacher's");
    await expect(wrong({ config: { model: { layers: 1 } } })).rejects.toThrow('the sizes of its teacher');
    await expect(wrong({ init: join(folder.path, 'whole') })).rejects.toThrow('starts from its teacher');
  });

  test('that is stopped and resumed is the same as one left alone', async () => {
    await run(lesson('late'), 4);
    await run(lesson('late', { resume: true }));
    expect((await weightsOf('late')).equals(await weightsOf('pupil'))).toBe(true);
  });
});
