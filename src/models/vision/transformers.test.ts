import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Folder, temporaryFolder } from '../../../test/helpers/collection.ts';
import { planes, TINY, tinyGrid, tinyViews, tinyVision } from '../../../test/helpers/tiny-vision.ts';
import { fromHalf } from '../../tensor/half.ts';
import { openTransformersVision } from './transformers.ts';

let folder: Folder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

/** Nothing here may ask the network: every request fails the test. */
const requests = vi.spyOn(globalThis, 'fetch').mockImplementation(async (url) => {
  throw new Error(`asked the network for ${url}`);
});
afterEach(() => expect(requests.mock.calls).toEqual([]));

const [MEAN, STD] = [
  [0.5, 0.4, 0.3],
  [0.2, 0.3, 0.4],
];
const preprocessor = (more: object) =>
  JSON.stringify({
    do_normalize: true,
    do_resize: true,
    do_rescale: true,
    rescale_factor: 1 / 255,
    image_mean: MEAN,
    image_std: STD,
    size: { height: TINY.side, width: TINY.side },
    ...more,
  });

/** A folder in the hub's layout. */
async function model(
  name: string,
  config: object,
  files: Record<string, Uint8Array>,
  processor: object,
): Promise<string> {
  await folder.write({
    [`${name}/config.json`]: JSON.stringify({
      image_size: TINY.side,
      patch_size: TINY.patch,
      num_channels: 3,
      hidden_size: TINY.channels,
      ...config,
    }),
    [`${name}/preprocessor_config.json`]: preprocessor(processor),
    ...Object.fromEntries(Object.entries(files).map(([file, bytes]) => [`${name}/onnx/${file}`, bytes])),
  });
  return join(folder.path, name);
}
const vit = (name: string, seed = 1) =>
  model(
    name,
    { model_type: 'vit', architectures: ['ViTModel'] },
    {
      'model.onnx': tinyVision(
        'pixel_values',
        { tokens: 'last_hidden_state', pooled: 'pooler_output' },
        seed,
      ),
    },
    { image_processor_type: 'ViTImageProcessor' },
  );
const clip = (name: string) =>
  model(
    name,
    { model_type: 'clip', architectures: ['CLIPModel'], vision_config: { image_size: TINY.side } },
    { 'vision_model.onnx': tinyVision('pixel_values', { pooled: 'image_embeds' }) },
    { image_processor_type: 'CLIPImageProcessor', do_center_crop: false },
  );

const grids = (views: ReturnType<typeof tinyViews>) =>
  views.map((view) =>
    tinyGrid(
      planes(
        view,
        MEAN.map((m) => 255 * m),
        STD.map((s) => 255 * s),
      ),
    ),
  );

describe('a model in the layout of the Hugging Face hub', () => {
  it('with patch vectors and a pooled one gives both, for any number of pictures', async () => {
    const encoder = await openTransformersVision(await vit('hub/tiny-vit'));
    expect(encoder.groups).toEqual([
      { name: 'hub-tiny-vit-patches', tokens: 2, width: 5 },
      { name: 'hub-tiny-vit-pooled', tokens: 1, width: 5 },
    ]);
    const views = tinyViews(3);
    const features = (await encoder.encode(views)).map(fromHalf);
    for (const [i, grid] of grids(views).entries()) {
      const patches = [0, 2].flatMap((cell) =>
        grid.map((channel) => (channel[cell] + channel[cell + 1]) / 2),
      );
      const pooled = grid.map((channel) => channel.reduce((a, b) => a + b) / 4);
      for (const [k, value] of [...patches, ...pooled].entries())
        expect(features[i][k]).toBeCloseTo(value, 1.7);
    }
    expect(await encoder.encode(views.slice(1, 2))).toEqual([(await encoder.encode(views))[1]]);
    await encoder.close();
  });

  it('that is a CLIP gives the image embedding of its vision half', async () => {
    const encoder = await openTransformersVision(await clip('hub/tiny-clip'));
    expect(encoder.groups).toEqual([{ name: 'hub-tiny-clip-pooled', tokens: 1, width: 5 }]);
    const views = tinyViews(1);
    const [features] = (await encoder.encode(views)).map(fromHalf);
    for (const [c, channel] of grids(views)[0].entries()) {
      expect(features[c]).toBeCloseTo(channel.reduce((a, b) => a + b) / 4, 1.7);
    }
    await encoder.close();
  });

  it('is found by a relative path too, though it looks like a hub id', async () => {
    const whole = await openTransformersVision(await vit('near/tiny'));
    const before = process.cwd();
    process.chdir(folder.path);
    const near = await openTransformersVision('near/tiny').finally(() => process.chdir(before));
    expect(near.id).toBe(whole.id);
    await whole.close();
    await near.close();
  });

  it('has an id that changes with its weights and not with where it lies', async () => {
    const id = async (path: string) => {
      const encoder = await openTransformersVision(path);
      await encoder.close();
      return encoder.id;
    };
    const first = await id(await vit('one/same'));
    await mkdir(join(folder.path, 'moved'));
    await rename(join(folder.path, 'one'), join(folder.path, 'moved/one'));
    expect(await id(join(folder.path, 'moved/one/same'))).toBe(first);
    expect(await id(await vit('one/same', 2))).not.toBe(first);
  });
});

describe('a folder that is no such model gets a sentence naming it', () => {
  const refused = async (ref: string, words: RegExp) =>
    expect(openTransformersVision(ref)).rejects.toMatchObject({
      name: 'RecaptionError',
      code: 'bad-model',
      message: expect.stringMatching(words),
      place: ref,
    });
  it.each(['config.json', 'preprocessor_config.json', 'onnx/model.onnx'])(
    'when it has no %s',
    async (name) => {
      const path = await vit(`less/${name.replace(/\W/g, '-')}`);
      await rm(join(path, name));
      await refused(path, /cannot be loaded/);
    },
  );

  it('when its network gives no vectors that can be used', async () => {
    const path = await model(
      'hub/odd',
      { model_type: 'vit' },
      { 'model.onnx': tinyVision('pixel_values', { grid: 'feature_map' }) },
      { image_processor_type: 'ViTImageProcessor' },
    );
    await refused(path, /neither patch vectors nor/);
  });
});
