/** Training an autoencoder and a decoder of its latents, and drawing through them, as a user types it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeDataset } from '../src/data/index.ts';
import { decodeImage } from '../src/image/index.ts';
import { openCodec } from '../src/models/autoencoder/codec.ts';
import { worldDataset } from '../src/world/index.ts';
import { type Folder, temporaryFolder } from './helpers/collection.ts';
import { jsonLines, say } from './helpers/program.ts';

let temporary: Folder;
let folder: string;
const at = (...path: string[]) => join(folder, ...path);
const json = async (value: object, name: string) => {
  await writeFile(at(name), JSON.stringify(value));
  return at(name);
};
beforeAll(async () => {
  temporary = await temporaryFolder();
  folder = temporary.path;
  process.env.RECAPTION_CACHE = at('cache');
  const scenes = { size: 16, maxObjects: 1, textures: 0, letters: 0 };
  await writeDataset(worldDataset({ ...scenes, count: 24, seed: 1 }), {
    to: at('train'),
    format: 'imagefolder',
  });
  await writeDataset(worldDataset({ ...scenes, count: 6, seed: 2 }), {
    to: at('val'),
    format: 'imagefolder',
  });
  await json({ model: { factor: 4, channels: 6, width: 32, layers: 1, heads: 2 }, training: { batch: 8, warmup: 5, validateEvery: 20, ema: 0.9 } }, 'codec.json'); // biome-ignore format: one line
  await json({ model: { patch: 4, width: 32, layers: 1, heads: 2, text: { width: 8, heads: 2 } }, training: { batch: 8, warmup: 5, validateEvery: 20, ema: 0.9 }, draw: { steps: 6 } }, 'decoder.json'); // biome-ignore format: one line
  const { code, stderr } = await train(
    'autoencoder',
    'codec',
    '--config',
    at('codec.json'),
    '--steps',
    '120',
  );
  if (code !== 0) throw new Error(stderr);
});
afterAll(() => temporary.remove());
const train = (what: string, out: string, ...args: string[]) =>
  say(
    'train',
    what,
    '--data',
    at('train'),
    '--val',
    at('val'),
    '--size',
    '16',
    '--out',
    at(out),
    '--json',
    ...args,
  );
const psnrs = async (out: string) =>
  jsonLines(await readFile(at(out, 'metrics.jsonl'), 'utf8')).filter(({ kind }) => kind === 'validation').map(({ psnr }) => psnr); // biome-ignore format: one line

describe('an autoencoder', () => {
  test('learns to give pictures back, and shows how well', async () => {
    const measured = await psnrs('codec');
    expect(measured.at(-1)).toBeGreaterThan(measured[0] + 3);
    expect(await decodeImage(at('codec', 'preview.png'))).toMatchObject({
      width: 6 * 18 + 2,
      height: 2 * 18 + 2,
    });
    const { code, stdout } = await say(
      'evaluate',
      'autoencoder',
      '--latent',
      at('codec'),
      '--images',
      at('val'),
      '--size',
      '16',
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/PSNR +\d+\.\d+ dB +\[/);
    expect(stdout).toMatch(/SSIM +[01]\.\d+/);
  });

  test('that is stopped and resumed is the same as one left alone', async () => {
    const steps = ['--config', at('codec.json'), '--steps', '30'];
    await train('autoencoder', 'alone', ...steps);
    const { trainAutoencoder } = await import('../src/generators/train-autoencoder.ts');
    const abort = new AbortController();
    const config = JSON.parse(await readFile(at('codec.json'), 'utf8'));
    const run = { data: [at('train')], val: at('val'), size: 16, out: at('stopped'), config, steps: 30, seed: 0, device: 'cpu', resume: false } as const; // biome-ignore format: one line
    for await (const event of trainAutoencoder({ ...run, data: [...run.data], signal: abort.signal }))
      if (event.kind === 'step' && event.step === 13) abort.abort();
    for await (const _ of trainAutoencoder({ ...run, data: [...run.data], resume: true, signal: new AbortController().signal })); // biome-ignore format: one line
    const [one, other] = await Promise.all(
      ['alone', 'stopped'].map((name) => readFile(at(name, 'model.safetensors'))),
    );
    expect(one.equals(other)).toBe(true);
  });

  test('gives a generator its latents', async () => {
    const config = await json({ model: { patch: 1, width: 16, layers: 1, heads: 2, text: { width: 8, layers: 1, heads: 2, vocabulary: 280, maxTokens: 48 } }, training: { batch: 4, validateEvery: 10, previews: 1 }, draw: { steps: 2 } }, 'latent.json'); // biome-ignore format: one line
    const trained = await say('train', 'generator', '--data', at('train'), '--captions', 'short', '--latent', at('codec'), '--size', '16', '--config', config, '--steps', '3', '--out', at('generator')); // biome-ignore format: one line
    expect(trained.code).toBe(0);
    expect(
      (await say('generate', 'a red circle', '--model', at('generator'), '--out', at('drawn'))).code,
    ).toBe(0);
    expect(await decodeImage(at('drawn', '00000.png'))).toMatchObject({ width: 16, height: 16 });
  });
});

describe('a latent decoder', { timeout: 60_000 }, () => {
  test('learns to draw the pictures of latents; its pupil does so in two steps', async () => {
    const taught = await train(
      'decoder',
      'decoder',
      '--latent',
      at('codec'),
      '--config',
      at('decoder.json'),
      '--steps',
      '160',
    );
    expect(taught.code).toBe(0);
    const measured = await psnrs('decoder');
    expect(measured.at(-1)).toBeGreaterThan(measured[0]);
    const lesson = await json(
      { training: { batch: 8, warmup: 5, validateEvery: 40, ema: 0.9 } },
      'pupil.json',
    );
    const learnt = await train(
      'decoder',
      'pupil',
      '--teacher',
      at('decoder'),
      '--config',
      lesson,
      '--steps',
      '80',
    );
    expect(learnt.code).toBe(0);
    const config = JSON.parse(await readFile(at('pupil', 'config.json'), 'utf8'));
    expect(config).toMatchObject({
      draw: { steps: 2, sampler: 'consistency' },
      latent: { ref: at('codec') },
    });
    const scored = await say('evaluate', 'autoencoder', '--latent', at('pupil'), '--images', at('val'), '--size', '16', '--steps', '1', '--json'); // biome-ignore format: one line
    expect(jsonLines(scored.stdout).at(-1)).toMatchObject({
      images: 6,
      steps: 1,
      psnr: { mean: expect.any(Number) },
    });
  });

  test('decodes a picture alike in any company, and encodes as its autoencoder does', async () => {
    const [codec, decoder] = [await openCodec(at('codec')), await openCodec(at('decoder'))];
    const images = await Promise.all([0, 1, 2].map((i) => decodeImage(at('val', `scene-00000${i}.png`))));
    const grids = await decoder.encode(images);
    expect(grids).toEqual(await codec.encode(images));
    const together = await decoder.decode(grids, 4);
    const [alone] = await decoder.decode([grids[2]], 4);
    expect(alone.data).toEqual(together[2].data);
    await codec.close();
    await decoder.close();
  });

  test('without an autoencoder, or with patches that do not fill its cells, is told so', async () => {
    const lost = await train('decoder', 'x');
    expect(jsonLines(lost.stdout).at(-1).error.message).toContain('needs an autoencoder');
    const odd = await json({ model: { patch: 3, size: 15 } }, 'odd.json');
    const misfit = await say('train', 'decoder', '--data', at('train'), '--size', '48', '--latent', at('codec'), '--config', odd, '--out', at('x')); // biome-ignore format: one line
    expect(misfit.stderr).toContain('do not fill the cells');
  });
});
