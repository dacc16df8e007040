import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Folder, temporaryFolder } from '../../test/helpers/collection.ts';
import { loadState } from '../models/model-folder.ts';
import { readSafetensors, toFloat32 } from '../tensor/safetensors.ts';
import { worldDataset } from '../world/index.ts';
import { loadCaptioner } from './load.ts';
import { type TrainCaptionerOptions, trainCaptioner } from './train.ts';
import type { TrainEvent } from './train-events.ts';

let folder: Folder;
beforeAll(async () => {
  folder = await temporaryFolder();
  vi.stubEnv('RECAPTION_CACHE', join(folder.path, 'cache'));
  for await (const { key, image, captions } of worldDataset({
    count: 14,
    size: 16,
    seed: 1,
    kinds: ['short'],
  })) {
    const set = Number(key.slice(-6)) < 10 ? 'train' : 'val';
    await folder.write({
      [`${set}/${key}.png`]: await image.bytes(),
      [`${set}/${key}.txt`]: captions[0].text,
    });
  }
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await folder.remove();
});

const config = {
  model: {
    vision: { kind: 'patches', size: 16, patch: 8 },
    width: 8,
    heads: 2,
    imageLayers: 0,
    unimodalLayers: 0,
    multimodalLayers: 1,
    vocabulary: 280,
    maxTokens: 24,
    dropout: 0.2,
  },
  training: {
    batch: 4,
    learningRate: 5e-3,
    warmup: 2,
    ema: 0.5,
    packedTokens: 24,
    captionsPerImage: 1,
    colourJitter: 0.2,
    minCrop: 0.6,
    beam: 1,
  },
};
const options = (out: string, changes: Partial<TrainCaptionerOptions> = {}): TrainCaptionerOptions => ({
  data: [join(folder.path, 'train')],
  out: join(folder.path, out),
  config,
  vision: [],
  steps: 7,
  seed: 3,
  device: 'cpu',
  resume: false,
  signal: new AbortController().signal,
  ...changes,
});

/** Runs to its end, or until the step after which somebody presses Ctrl-C. */
async function run(
  given: TrainCaptionerOptions,
  stopAfter = Number.POSITIVE_INFINITY,
): Promise<TrainEvent[]> {
  const abort = new AbortController();
  const events: TrainEvent[] = [];
  for await (const event of trainCaptioner({ ...given, signal: abort.signal })) {
    events.push(event);
    if (event.kind === 'step' && event.step === stopAfter) abort.abort();
  }
  return events;
}
const of = <K extends TrainEvent['kind']>(events: TrainEvent[], kind: K) =>
  events.filter((event): event is Extract<TrainEvent, { kind: K }> => event.kind === kind);
const lines = async (out: string): Promise<Record<string, unknown>[]> =>
  (await readFile(join(folder.path, out, 'metrics.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('a run that starts from a captioner', () => {
  it('has its sizes, tokenizer and weights, and what the configuration changes', async () => {
    await run(options('base'));
    const { model, ...rest } = config;
    const given = { ...rest, model: { dropout: 0 }, training: { ...rest.training, learningRate: 1e-9 } };
    await run(options('next', { config: given, init: join(folder.path, 'base'), steps: 1, seed: 4 }));
    const [base, next] = await Promise.all(
      ['base', 'next'].map(async (name) => {
        const read = (file: string) => readFile(join(folder.path, name, file), 'utf8');
        const file = JSON.parse(await read('config.json'));
        const weights = await readSafetensors(join(folder.path, name, 'model.safetensors'));
        return { model: file.model, tokenizer: await read('tokenizer.json'), weights: weights.tensors };
      }),
    );
    expect(next.model).toEqual({ ...base.model, dropout: 0 });
    expect(next.tokenizer).toBe(base.tokenizer);
    for (const [name, tensor] of base.weights) {
      const [before, after] = [tensor, next.weights.get(name)!].map((found) => toFloat32(found));
      for (let i = 0; i < before.length; i++) expect(after[i]).toBeCloseTo(before[i], 5);
    }
  });
});

it('a run may write longer captions than the captioner it starts from', async () => {
  await run(options('short-base'));
  const { model, ...rest } = config;
  const given = {
    ...rest,
    model: { maxTokens: model.maxTokens + 5 },
    training: { ...rest.training, learningRate: 1e-9 },
  };
  await run(options('longer', { config: given, init: join(folder.path, 'short-base'), steps: 1 }));
  const [base, longer] = await Promise.all(
    ['short-base', 'longer'].map(async (name) => {
      const { tensors } = await readSafetensors(join(folder.path, name, 'model.safetensors'));
      const places = tensors.get('text.positions.weight')!;
      return { shape: places.shape, values: toFloat32(places) };
    }),
  );
  const [rows, width] = base.shape;
  expect(longer.shape).toEqual([rows + 5, width]);
  for (let i = 0; i < longer.values.length; i++) {
    const row = Math.min(rows - 1, Math.floor(i / width));
    expect(longer.values[i]).toBeCloseTo(base.values[row * width + (i % width)], 5);
  }
});

describe('a run that is stopped and resumed', () => {
  it.each([
    ['twice', config, [3, 5]],
    ['with accumulation', { ...config, training: { ...config.training, batch: 2, accumulate: 2 } }, [3]],
    ['self-critical', { ...config, training: { ...config.training, selfCritical: 2 } }, [3]],
  ])('has to the bit the weights of one that was never stopped (%s)', async (name, given, stops) => {
    const whole = await run(options(`whole ${name}`, { config: given }));
    expect(of(whole, 'done')).toMatchObject([{ step: 7, stopped: false }]);

    const parts = options(`parts ${name}`, { config: given });
    let before = 0;
    for (const stop of [...stops, 7]) {
      const events = await run({ ...parts, resume: before > 0 }, stop);
      expect(of(events, 'plan')[0].resumedFrom).toBe(before);
      expect(of(events, 'done')).toMatchObject([{ step: stop, stopped: stop < 7 }]);
      before = stop;
    }

    for (const file of ['model.safetensors', 'training-state.safetensors']) {
      const [one, other] = await Promise.all(
        [`whole ${name}`, `parts ${name}`].map(async (out) => readSafetensors(join(folder.path, out, file))),
      );
      expect(other.tensors).toEqual(one.tensors);
    }
    const timeless = (all: Record<string, unknown>[]) => all.map(({ step, loss }) => [step, loss]);
    expect(timeless(await lines(`parts ${name}`))).toEqual(timeless(await lines(`whole ${name}`)));
  });

  it('has nothing left to do when it is resumed after its end', async () => {
    const ended = options('ended', { steps: 1 });
    await run(ended);
    const before = await loadState(join(ended.out, 'training-state.safetensors'));
    const again = await run({ ...ended, resume: true });
    expect(of(again, 'step')).toEqual([]);
    expect((await loadState(join(ended.out, 'training-state.safetensors'))).state).toEqual(before.state);
  });

  it('is not mistaken for a new one, nor for one with other options', async () => {
    const taken = options('ended', { steps: 1 });
    await expect(run(taken)).rejects.toMatchObject({
      code: 'run-exists',
      place: taken.out,
      hint: expect.stringContaining('--resume'),
    });
    await expect(run({ ...taken, resume: true, seed: 4 })).rejects.toMatchObject({
      code: 'run-differs',
      hint: expect.stringContaining('"seed":3'),
    });
  });

  it('that had not yet saved anything starts anew, its lines too', async () => {
    const out = 'killed';
    await folder.write({ [`${out}/metrics.jsonl`]: '{"kind":"step","step":1,"loss":99}\n{"kind":"st' });
    await run(options(out, { steps: 2 }));
    expect((await lines(out)).map(({ step }) => step)).toEqual([1, 2]);
    expect((await lines(out))[0].loss).not.toBe(99);
  });
});

describe('a run', () => {
  let events: TrainEvent[];
  beforeAll(async () => {
    events = await run(options('model', { val: join(folder.path, 'val'), steps: 5 }));
  });

  it('tells what it will do, every step, every validation, and where the model is', () => {
    const kinds = events.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind !== 'features' && kind !== 'checkpoint')).toEqual(
      'warning plan step step validation step step validation step validation done'.split(' '),
    );
    expect(kinds.at(-2)).toBe('checkpoint');
    expect(of(events, 'warning')).toMatchObject([{ code: 'caption-cut' }]);
    expect(of(events, 'plan')).toMatchObject([{ images: 10, captions: 10, steps: 5, resumedFrom: 0 }]);
    for (const step of of(events, 'step')) {
      expect(step.loss).toBeGreaterThan(0);
      expect(step.learningRate).toBeGreaterThanOrEqual(0);
      expect(step.imagesPerSecond).toBeGreaterThan(0);
      expect(Number.isFinite(step.secondsLeft)).toBe(true);
    }
    for (const [i, event] of events.entries()) {
      // A new best is in the state before anything else happens, or a killed run would forget it.
      if (event.kind === 'validation' && event.best) expect(events[i + 1].kind).toBe('checkpoint');
    }
    const [first] = of(events, 'validation');
    expect(first).toMatchObject({ step: 2, best: true });
    expect(first.samples).toHaveLength(4);
    // Nats per token: near that of a guess among all tokens after two steps, and falling.
    const losses = of(events, 'validation').map((one) => one.captionLoss);
    expect(losses[0]).toBeGreaterThan(2);
    expect(losses.at(-1)).toBeLessThan(losses[0]);
    expect(first.samples[0].references).toHaveLength(1);
  });

  it('writes what it tells to metrics.jsonl, with the time', async () => {
    const written = await lines('model');
    expect(written.map(({ kind, step }) => [kind, step])).toEqual(
      [...of(events, 'step'), ...of(events, 'validation')]
        .toSorted((a, b) => a.step - b.step || (a.kind < b.kind ? -1 : 1))
        .map(({ kind, step }) => [kind, step]),
    );
    for (const { time } of written) expect(Number.isNaN(Date.parse(String(time)))).toBe(false);
  });

  it('leaves a card with what was measured, and a captioner that can be loaded', async () => {
    const card = await readFile(join(folder.path, 'model/README.md'), 'utf8');
    const [{ ciderD }] = of(events, 'done');
    expect(ciderD).toBe(Math.max(...of(events, 'validation').map((one) => one.ciderD)));
    for (const fact of [
      `| images | 10 |`,
      `| seed | 3 |`,
      ciderD!.toFixed(4),
      'patches',
      join(folder.path, 'train'),
    ]) {
      expect(card).toContain(fact);
    }
    const captioner = await loadCaptioner(join(folder.path, 'model'));
    const [{ text, score }] = await captioner.caption([{ width: 16, height: 16, data: new Uint8Array(768) }]);
    expect(typeof text).toBe('string');
    expect(score).toBeLessThan(0);
    await captioner.close();
  });

  it('keeps the pixels of each picture once, however many runs read them', async () => {
    const { size } = await stat(join(folder.path, 'cache/pixels/20.records')); // 16 pixels and a margin to crop from
    expect(Math.floor(size / (20 * 20 * 3))).toBe(14);
  });
});

describe('a run that cannot be', () => {
  it('says so: no captions, a wrong key, frozen vision without an encoder', async () => {
    await folder.write({ 'bare/a.png': await readFile(join(folder.path, 'train/scene-000000.png')) });
    await expect(run(options('x', { data: [join(folder.path, 'bare')] }))).rejects.toMatchObject({
      code: 'no-captions',
    });
    await expect(run(options('x', { config: { training: { epoch: 3 } } }))).rejects.toMatchObject({
      code: 'bad-config',
      message: expect.stringContaining('training.epoch'),
    });
    await expect(
      run(options('x', { config: { model: { vision: { kind: 'frozen' } } } })),
    ).rejects.toMatchObject({
      code: 'bad-config',
      message: expect.stringContaining('needs an encoder'),
    });
  });

  it('stops at a loss that is no number, naming the step', async () => {
    const wild = options('wild', {
      config: { ...config, training: { ...config.training, learningRate: 1e38, clip: 0, warmup: 0 } },
    });
    await expect(run(wild)).rejects.toMatchObject({
      code: 'non-finite',
      message: expect.stringMatching(/at step \d/),
    });
  });
});
