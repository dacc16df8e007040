import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Folder, temporaryFolder } from '../../../test/helpers/collection.ts';
import { sharedData } from '../../../test/shared.ts';
import { decodeImage } from '../../image/index.ts';
import { compile, initialise, input, params } from '../../tensor/index.ts';
import { fromFloat32, writeSafetensors } from '../../tensor/safetensors.ts';
import { type TaesdConfig, taesdDecode, taesdEncode } from './taesd.ts';
import { readTaesd, type TaesdHalf } from './taesd-folder.ts';

async function run(
  folder: string,
  half: TaesdHalf,
  shape: number[],
  values: Float32Array,
): Promise<Float32Array> {
  const file = await readTaesd(folder, half);
  const tree = params();
  const trace = half === 'encoder' ? taesdEncode : taesdDecode;
  const out = trace(tree, file.config, input('x', shape));
  const program = await compile({ outputs: { out }, frozen: file.weights(tree.all) });
  const results = await program.run({ x: values });
  await program.dispose();
  return results.out as Float32Array;
}

const models = sharedData('models/taef2');

describe.skipIf(models === undefined)('the tiny autoencoder of FLUX.2', () => {
  const folder = models ?? '';
  const golden = models ? JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) : {};

  test('gives the published latents within 1e-3 and the published PSNR within 0.02 dB', async () => {
    const { width, height, data } = await decodeImage(join(folder, 'photo-256.png'));
    const pixels = Float32Array.from({ length: data.length }, (_, i) => data[(i % (width * height)) * 3 + Math.floor(i / (width * height))] / 255); // biome-ignore format: planes of one colour each
    const latents = await run(folder, 'encoder', [1, 3, height, width], pixels);
    expect(latents).toHaveLength(golden.latent_shape.reduce((a: number, b: number) => a * b));
    for (const [i, expected] of golden.latent_first16.entries())
      expect(Math.abs(latents[i] - expected)).toBeLessThan(1e-3);
    const plane = latents.length / 32;
    for (const [c, expected] of golden.latent_channel_mean.entries()) {
      const mean = latents.slice(c * plane, (c + 1) * plane).reduce((sum, v) => sum + v, 0) / plane;
      expect(Math.abs(mean - expected)).toBeLessThan(1e-3);
    }
    const drawn = await run(folder, 'decoder', golden.latent_shape, latents);
    const error =
      drawn.reduce((sum, v, i) => sum + (Math.min(1, Math.max(0, v)) - pixels[i]) ** 2, 0) / pixels.length;
    expect(Math.abs(-10 * Math.log10(error) - golden.reconstruction_psnr_db)).toBeLessThan(0.02);
  });
});

describe('a folder', () => {
  let folder: Folder;
  beforeAll(async () => {
    folder = await temporaryFolder();
  });
  afterAll(() => folder.remove());

  /** Random weights of a half, written under names that `rename` makes. */
  async function write(name: string, config: TaesdConfig, half: TaesdHalf, rename = (path: string) => path) {
    const tree = params();
    const trace = half === 'encoder' ? taesdEncode : taesdDecode;
    trace(tree, config, input('x', half === 'encoder' ? [1, 3, 16, 16] : [1, config.latentChannels, 2, 2]));
    const weights = initialise(tree.all, 1);
    const tensors = [...weights].map(([path, values]) => [rename(path), fromFloat32(values, [...tree.all.get(path)!.tensor.shape], 'F32')] as const); // biome-ignore format: one line
    await folder.write({ [`${name}/.keep`]: '' });
    return { path: join(folder.path, name), tensors: new Map(tensors) };
  }

  test.each([
    [4, false],
    [16, false],
    [32, true],
  ])('of %i channels is known by its shapes (pooled: %j)', async (latentChannels, pooled) => {
    const { path, tensors } = await write(`own-${latentChannels}`, { latentChannels, pooled }, 'decoder');
    await writeSafetensors(join(path, 'taesd_decoder.safetensors'), tensors);
    expect((await readTaesd(path, 'decoder')).config).toEqual({ latentChannels, pooled });
    expect(
      await run(path, 'decoder', [1, latentChannels, 2, 2], new Float32Array(latentChannels * 4)),
    ).toHaveLength(3 * 16 * 16);
  });

  test('as diffusers has it gives the same pictures', async () => {
    const config = { latentChannels: 4, pooled: false };
    const own = await write('published', config, 'decoder');
    await writeSafetensors(join(own.path, 'decoder.safetensors'), own.tensors);
    const other = await write('diffusers', config, 'decoder', (path) => {
      const [position, ...rest] = path.split('.');
      return ['decoder.layers', Number(position) - 1, ...rest].join('.');
    });
    await writeSafetensors(join(other.path, 'diffusion_pytorch_model.safetensors'), other.tensors);
    const latents = Float32Array.from({ length: 16 }, (_, i) => Math.sin(i));
    const [one, two] = await Promise.all(
      [own, other].map(({ path }) => run(path, 'decoder', [1, 4, 2, 2], latents)),
    );
    expect(two).toEqual(one);
  });

  test('without such a file, or with one of another sort, is refused', async () => {
    await folder.write({ 'empty/.keep': '' });
    await expect(readTaesd(join(folder.path, 'empty'), 'encoder')).rejects.toMatchObject({
      code: 'bad-model',
    });
    const { path, tensors } = await write('half', { latentChannels: 4, pooled: false }, 'encoder');
    await writeSafetensors(join(path, 'decoder.safetensors'), new Map([['a', tensors.get('0.weight')!]]));
    await expect(readTaesd(path, 'decoder')).rejects.toMatchObject({
      code: 'bad-model',
      message: 'this is no decoder of a TAESD',
    });
    tensors.delete('7.conv.2.bias');
    await writeSafetensors(join(path, 'encoder.safetensors'), tensors);
    await expect(run(path, 'encoder', [1, 3, 16, 16], new Float32Array(768))).rejects.toMatchObject({
      code: 'bad-weights',
      message: expect.stringContaining('7.conv.2.bias'),
    });
  });
});
