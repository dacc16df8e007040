import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Folder, temporaryFolder } from '../../test/helpers/collection.ts';
import { writeTinyT5 } from '../../test/helpers/tiny-t5.ts';
import { writeDataset } from '../data/index.ts';
import type { ClipEncoder } from '../metrics/clip-score.ts';
import { readSafetensors } from '../tensor/safetensors.ts';
import { worldDataset } from '../world/index.ts';
import { parseArm } from './arms.ts';
import { type CompareEvent, type CompareOptions, compare } from './compare.ts';
import type { CompareReport } from './report.ts';

let folder: Folder;
beforeAll(async () => {
  folder = await temporaryFolder();
  vi.stubEnv('RECAPTION_CACHE', join(folder.path, 'cache'));
  const scenes = worldDataset({ count: 30, size: 16, seed: 1, maxObjects: 2 });
  await writeDataset(scenes, { to: join(folder.path, 'scenes'), format: 'webdataset' });
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
    text: { width: 8, layers: 1, heads: 2, window: 1, vocabulary: 280, maxTokens: 96 },
  },
  training: { batch: 4, warmup: 2, ema: 0.5, previews: 0 },
  draw: { steps: 2 },
};

/** Says of a picture how bright it is, and of a text how long. */
const clip: ClipEncoder = {
  id: 'bright-or-long',
  resolution: 64,
  embedImages: async (images) => images.map(({ data }) => Float32Array.of(1, data.reduce((sum, x) => sum + x, 0) / data.length / 255)), // biome-ignore format: one line
  embedTexts: async (texts) => ({
    embeddings: texts.map(({ length }) => Float32Array.of(1, length / 100)),
    cut: 0,
  }),
  close: async () => {},
};

const options = (out: string, changes: Partial<CompareOptions> = {}): CompareOptions => ({
  data: [join(folder.path, 'scenes')],
  arms: [parseArm('A=alt'), parseArm('B=descriptive:0.95,alt:0.05')],
  seeds: 2,
  seed: 1,
  steps: 6,
  prompts: ['short', 'descriptive'],
  heldOut: 6,
  most: 5,
  count: 1,
  config,
  clip,
  out: join(folder.path, out),
  device: 'cpu',
  resume: false,
  signal: new AbortController().signal,
  ...changes,
});

/** Runs to its end, or until somebody presses Ctrl-C at the event that `stop` waits for. */
async function run(
  given: CompareOptions,
  stop: (event: CompareEvent) => boolean = () => false,
): Promise<CompareEvent[]> {
  const abort = new AbortController();
  const events: CompareEvent[] = [];
  for await (const event of compare({ ...given, signal: abort.signal })) {
    events.push(event);
    if (stop(event)) abort.abort();
  }
  return events;
}
const reportOf = async (out: string): Promise<CompareReport> =>
  JSON.parse(await readFile(join(folder.path, out, 'report.json'), 'utf8'));
const figures = ({ results, differences, curves, conclusion, arms }: CompareReport) => ({ results, differences, curves, conclusion, arms }); // biome-ignore format: one line

describe('a comparison', () => {
  let whole: CompareReport;
  let events: CompareEvent[];
  beforeAll(async () => {
    events = await run(options('whole'));
    whole = await reportOf('whole');
  }, 60_000);

  test('trains every arm with every seed, and says who drew more of what was asked for', async () => {
    expect(events.filter(({ kind }) => kind === 'run-done')).toHaveLength(4);
    expect(whole.complete).toBe(true);
    expect(whole.results.map(({ kind, arm }) => `${kind} ${arm}`)).toEqual(['short A', 'short B', 'descriptive A', 'descriptive B']); // biome-ignore format: one line
    expect(
      whole.differences.find(({ score, kind }) => score === 'met' && kind === 'short')?.perSeed,
    ).toHaveLength(2);
    expect(whole.conclusion).toHaveLength(2);
    expect(whole.comparison).toMatchObject({ steps: 6, seeds: [1, 2], clip: 'bright-or-long' });
    expect(whole.curves.every(({ points }) => points.length >= 3)).toBe(true);
  });

  test('arms start from the same weights and read with the same tokenizer', async () => {
    const tokenizer = (run: string) =>
      readFile(join(folder.path, 'whole', 'runs', run, 'tokenizer.json'), 'utf8');
    expect(await tokenizer('A-1')).toBe(await tokenizer('B-1'));
    // With a learning rate of nothing they stay where they started.
    const still = {
      ...config,
      training: { ...config.training, learningRate: 1e-30, weightDecay: 0, warmup: 0 },
    };
    await run(options('still', { config: still, seeds: 1, steps: 1, prompts: ['descriptive'] }));
    const weights = async (run: string) => (await readSafetensors(join(folder.path, 'still', 'runs', run, 'model.safetensors'))).tensors; // biome-ignore format: one line
    expect(await weights('A-1')).toEqual(await weights('B-1'));
  });

  test('arms that learn the same captions become the same generator', async () => {
    const more = join(folder.path, 'more');
    await writeDataset(worldDataset({ count: 60, size: 16, seed: 9, maxObjects: 1 }), { to: more, format: 'webdataset' }); // biome-ignore format: one line
    await run(options('same', { arms: [parseArm('A=descriptive'), parseArm('B=descriptive')], seeds: 1, prompts: ['descriptive'], test: [more], most: 40 })); // biome-ignore format: one line
    const { differences, conclusion } = await reportOf('same');
    for (const { difference } of differences) expect(difference).toBe(0);
    expect(conclusion[0]).toMatch(/^Of the descriptive prompts, B meets .* and A .*: no difference shown/);
  });

  test('the same seed gives the same figures, stopped and resumed or not', async () => {
    const stops = [
      (event: CompareEvent) => event.kind === 'run' && event.event.kind === 'step' && event.event.step === 3,
      (event: CompareEvent) => event.kind === 'run' && event.arm === 'B' && event.event.kind === 'judging',
      (event: CompareEvent) => event.kind === 'run-done' && event.number === 3,
    ];
    for (const [i, stop] of stops.entries()) {
      const told = await run(options('stopped', { resume: i > 0 }), stop);
      expect(told.at(-1)?.kind).toBe('stopped');
    }
    await run(options('stopped', { resume: true }));
    expect(figures(await reportOf('stopped'))).toEqual(figures(whole));
  });

  test('goes on only with what it was started with', async () => {
    await expect(run(options('whole'))).rejects.toMatchObject({ code: 'run-exists' });
    await expect(run(options('whole', { resume: true, most: 4 }))).rejects.toMatchObject({
      code: 'run-differs',
    });
    await expect(run(options('whole', { resume: true, arms: [parseArm('A=alt'), parseArm('C=short')] }))).rejects.toMatchObject({ code: 'run-differs', message: expect.stringContaining('captions to compare') }); // biome-ignore format: one line
    const again = await run(options('whole', { resume: true }));
    expect(again.some(({ kind }) => kind === 'run')).toBe(false);
  });

  test('says nothing of differences on a handful of prompts, and that one training is one', async () => {
    expect(whole.conclusion[0]).toMatch(/5 prompts that can be judged are too few to say more\.$/);
  });

  test('keeps nothing of what could not be begun', async () => {
    await expect(run(options('unfit', { size: 33 }))).rejects.toMatchObject({ code: 'bad-config' });
    expect((await run(options('unfit', { seeds: 1, prompts: ['short'] }))).at(-1)).toMatchObject({ kind: 'report', complete: true }); // biome-ignore format: one line
  });

  test('does not take runs for its own of which it does not know what they are', async () => {
    const given = options('stale', { seeds: 1, prompts: ['short'] });
    await run(given);
    await rm(join(folder.path, 'stale', 'plan.json'));
    await expect(run({ ...given, steps: 9 })).rejects.toMatchObject({ code: 'run-exists' });
  });

  test('lies apart from its pictures, and asks for none that are learnt', async () => {
    const photos = join(folder.path, 'inside');
    for await (const { key, image, captions } of worldDataset({ count: 9, size: 16, seed: 2 }))
      await folder.write({ [`inside/${key}.png`]: await image.bytes(), [`inside/${key}.txt`]: captions[1].text });
    const given = options(join('inside', 'compared'), { data: [photos], arms: [parseArm('A=human'), parseArm('B=human')], prompts: ['human'], heldOut: 3 });
    await expect(run(given)).rejects.toMatchObject({ code: 'output-is-source' });
    await expect(run({ ...given, out: join(folder.path, 'apart'), test: [photos] })).rejects.toMatchObject({ code: 'test-is-data' });
    await expect(run({ ...given, out: join(folder.path, 'apart'), arms: [parseArm('A=human'), parseArm('B=short')] })).rejects.toMatchObject({ code: 'no-captions' });
  }); // biome-ignore format: one line

  test('tells of pictures that cannot be read, once, and of those that hide behind the key of another', async () => {
    for await (const { key, image, captions } of worldDataset({ count: 12, size: 16, seed: 3 }))
      await folder.write({ [`some/${key}.png`]: await image.bytes(), [`some/${key}.txt`]: captions[1].text });
    const broken = (await readFile(join(folder.path, 'some', 'scene-000004.png'))).subarray(0, 60);
    await folder.write({ 'some/scene-000004.png': broken });
    const given = options('some-compared', { data: [join(folder.path, 'some'), join(folder.path, 'scenes')], arms: [parseArm('A=human'), parseArm('B=human')], prompts: ['human'], heldOut: 2, seeds: 1, steps: 2 });
    const told = await run(given);
    const failures = told.flatMap((event) => (event.kind === 'failure' ? [event.failure] : []));
    expect(failures.filter(({ code }) => code === 'duplicate-key').length).toBeGreaterThan(0);
    expect(failures.filter(({ key, code }) => key === 'scene-000004' && code !== 'duplicate-key').length).toBeLessThanOrEqual(1);
    const { comparison } = await reportOf('some-compared');
    expect(comparison.learnt).toBeLessThanOrEqual(10);
  }); // biome-ignore format: one line

  test('says what it is worth to make prompts longer, on the same prompts', async () => {
    const upsample = { id: 'more', upsample: async (prompts: readonly string[]) => prompts.map((prompt, i) => (i % 2 ? prompt : `${prompt} There is a background.`)) }; // biome-ignore format: one line
    const given = options('longer', { prompts: ['short', 'upsampled'], upsample, seeds: 1 });
    await run(given);
    const { upsampling, conclusion, comparison } = await reportOf('longer');
    expect(upsampling).toMatchObject({ of: 'short', prompts: comparison.prompts.upsampled });
    expect(upsampling!.longer).toBeGreaterThan(0);
    expect(upsampling!.longer).toBeLessThan(upsampling!.prompts);
    for (const { short, upsampled, difference } of upsampling!.arms) expect(difference).toBeCloseTo(upsampled - short, 10); // biome-ignore format: one line
    expect(conclusion.filter((sentence) => sentence.includes('made longer'))).toHaveLength(2);
  });

  test('arms that read with a frozen encoder have the same room, for the longest prompt of any', async () => {
    const text = await writeTinyT5(join(folder.path, 't5'));
    const long = { ...config, model: { ...config.model, text: { maxTokens: 256 } } };
    await run(options('frozen', { text, config: long, seeds: 1, steps: 1, prompts: ['descriptive'] }));
    const room = async (run: string) => JSON.parse(await readFile(join(folder.path, 'frozen', 'runs', run, 'config.json'), 'utf8')).model.text.maxTokens; // biome-ignore format: one line
    expect(await room('A-1')).toBe(await room('B-1'));
    expect((await reportOf('frozen')).complete).toBe(true);
  });

  test('reads prompts that are written as the captions of an arm are to their end', async () => {
    const wordy = {
      ...parseArm('B=descriptive'),
      reword: (text: string) => `so it is said and so it is: ${text}`,
    };
    const given = options('wordy', { arms: [parseArm('A=descriptive'), wordy], seeds: 1, steps: 1, prompts: ['as-learnt'], config: { ...config, model: { ...config.model, text: { ...config.model.text, maxTokens: 512 } } } }); // biome-ignore format: one line
    expect((await run(given)).at(-1)).toMatchObject({ kind: 'report', complete: true });
  });

  test('begins anew where it was killed before anything was trained', async () => {
    await folder.write({ 'killed/runs/A-1/failures.jsonl': '' });
    const told = await run(options('killed', { seeds: 1, steps: 1, prompts: ['short'], resume: true }));
    expect(told.at(-1)).toMatchObject({ kind: 'report', complete: true });
  });

  test('goes on with the longer prompts that it was started with, whoever writes others now', async () => {
    let times = 0;
    const upsample = { id: 'moody', upsample: async (prompts: readonly string[]) => prompts.map((prompt) => `${prompt} This is ${'very '.repeat(++times % 7)}so.`) }; // biome-ignore format: one line
    const given = options('moody', { prompts: ['short', 'upsampled'], upsample, seeds: 1, steps: 1 });
    await run(given, ({ kind }) => kind === 'run-done');
    expect((await run({ ...given, resume: true })).at(-1)).toMatchObject({ kind: 'report', complete: true });
  });

  test('tells where pictures or captions are others when it goes on', async () => {
    const place = (name: string) => join(folder.path, 'changing', name);
    const scenes = async (count: number, seed: number) => {
      for await (const { key, image, captions } of worldDataset({ count, size: 16, seed, maxObjects: 1 }))
        await folder.write({ [`changing/${key}.png`]: await image.bytes(), [`changing/${key}.txt`]: captions.find(({ kind }) => kind === 'short')!.text }); // biome-ignore format: one line
    };
    await scenes(12, 5);
    const given = options('changed', { data: [place('')], arms: [parseArm('A=human'), parseArm('B=human')], prompts: ['human'], heldOut: 2, seeds: 1, steps: 1 }); // biome-ignore format: one line
    await run(given, ({ kind }) => kind === 'run-done');
    for await (const { key, image } of worldDataset({ count: 12, size: 16, seed: 6 }))
      await folder.write({ [`changing/${key}.png`]: await image.bytes() });
    await expect(run({ ...given, resume: true })).rejects.toMatchObject({ code: 'run-differs', message: expect.stringContaining('other pictures') }); // biome-ignore format: one line
    await scenes(13, 5);
    await expect(run({ ...given, resume: true })).rejects.toMatchObject({ code: 'run-differs', message: expect.stringContaining('was started with other') }); // biome-ignore format: one line
  });

  test('two at once into one folder are refused', async () => {
    const given = options('busy', { seeds: 1, prompts: ['short'] });
    let other: unknown;
    for await (const event of compare(given)) {
      if (event.kind !== 'comparison') continue;
      other = await run({ ...given, resume: true }).catch((error) => error);
      break;
    }
    expect(other).toMatchObject({ code: 'output-busy' });
  });

  test('minutes become steps, the same for all arms and kept for those who go on', async () => {
    const given = options('minutes', { steps: undefined, minutes: 0.002, seeds: 1, prompts: ['short'] });
    const told = await run(given, ({ kind }) => kind === 'run-done');
    const { steps } = told.find((event) => event.kind === 'comparison')!;
    const resumed = await run({ ...given, resume: true });
    expect(resumed.find((event) => event.kind === 'comparison')).toMatchObject({ steps });
    expect((await reportOf('minutes')).comparison.steps).toBe(steps);
  });

  test('the page shows everything, and nothing of it can run or reach out', async () => {
    const page = await readFile(join(folder.path, 'whole', 'report.html'), 'utf8');
    expect(page).toContain("default-src 'none'");
    expect(page).not.toMatch(/<script|https?:\/\/(?!www\.w3)|NaN|undefined/);
    for (const sentence of whole.conclusion) expect(page).toContain(sentence.replaceAll("'", '&#39;'));
    expect(page.match(/<img /g)?.length).toBeGreaterThanOrEqual(20);
  });

  test('pictures that nothing can judge are told of before anything is trained', async () => {
    const photos = join(folder.path, 'photos');
    for await (const { key, image, captions } of worldDataset({ count: 12, size: 16, seed: 2 })) {
      await folder.write({
        [`photos/${key}.png`]: await image.bytes(),
        [`photos/${key}.txt`]: captions[1].text,
      });
    }
    const given = options('photos-compared', { data: [photos], arms: [parseArm('A=human'), parseArm('B=human')], prompts: ['human'], heldOut: 3, clip: undefined }); // biome-ignore format: one line
    await expect(run(given)).rejects.toMatchObject({ code: 'nothing-judges' });
    await run({ ...given, clip, seeds: 1, steps: 2 });
    const report = await reportOf('photos-compared');
    expect(report.main).toBe('clip');
    expect(report.conclusion[0]).toContain('CLIP score');
    await rm(photos, { recursive: true });
  });
});
