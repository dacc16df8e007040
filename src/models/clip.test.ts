import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Folder, temporaryFolder } from '../../test/helpers/collection.ts';
import { tinyTextModel, wordTokenizer } from '../../test/helpers/tiny-text-model.ts';
import { planes, TINY, tinyGrid, tinyViews, tinyVision } from '../../test/helpers/tiny-vision.ts';
import { clipScores, cosine } from '../metrics/clip-score.ts';
import { cutToContext, openTransformersClip } from './clip.ts';

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

const CONTEXT = 5;
const WORDS = ['?', '<s>', '</s>', 'a', 'dog', 'cat', 'runs'];
/** Every word a direction of its own, as far as the picture's five numbers go. */
const TABLE = [
  [0, 0, 0, 0, 0],
  [1, 0, 0, 0, 0],
  [0, 1, 0, 0, 0],
  [0, 0, 1, 0, 0],
  [0, 0, 0, 1, 0],
  [0, 0, 0, 0, 1],
  [2, 2, 0, 0, 0],
];
const embed = (words: string) =>
  words
    .split(' ')
    .map((word) => TABLE[WORDS.indexOf(word)])
    .reduce((sum, row) => sum.map((value, i) => value + row[i]));

async function clip(name: string, changes: object = {}): Promise<string> {
  await folder.write({
    [`${name}/config.json`]: JSON.stringify({
      model_type: 'clip',
      architectures: ['CLIPModel'],
      text_config: { max_position_embeddings: CONTEXT },
      vision_config: { image_size: TINY.side },
      ...changes,
    }),
    [`${name}/preprocessor_config.json`]: JSON.stringify({
      image_processor_type: 'CLIPImageProcessor',
      do_center_crop: false,
      do_normalize: true,
      do_resize: true,
      do_rescale: true,
      rescale_factor: 1 / 255,
      image_mean: [0.5, 0.4, 0.3],
      image_std: [0.2, 0.3, 0.4],
      size: { height: TINY.side, width: TINY.side },
    }),
    [`${name}/tokenizer.json`]: JSON.stringify(wordTokenizer(WORDS, ['<s>', '</s>'])),
    [`${name}/tokenizer_config.json`]: JSON.stringify({
      tokenizer_class: 'CLIPTokenizer',
      pad_token: '</s>',
    }),
    [`${name}/onnx/text_model.onnx`]: tinyTextModel(TABLE),
    [`${name}/onnx/vision_model.onnx`]: tinyVision('pixel_values', { pooled: 'image_embeds' }),
  });
  return join(folder.path, name);
}

describe('a CLIP in the layout of the Hugging Face hub', () => {
  it('embeds texts of different lengths with start and end token, without the padding', async () => {
    const encoder = await openTransformersClip(await clip('hub/tiny-clip'));
    const { embeddings, cut } = await encoder.embedTexts(['a dog', 'Cat']);
    expect(cut).toBe(0);
    expect(embeddings.map((vector) => [...vector])).toEqual([embed('<s> a dog </s>'), embed('<s> cat </s>')]);
    await encoder.close();
  });

  it('cuts what is too long before the end token, and counts it', async () => {
    const encoder = await openTransformersClip(await clip('hub/cutting'));
    const { embeddings, cut } = await encoder.embedTexts(['a dog runs', 'a dog runs runs runs cat']);
    expect(cut).toBe(1);
    expect([...embeddings[0]]).toEqual(embed('<s> a dog runs </s>'));
    expect([...embeddings[1]]).toEqual([...embeddings[0]]);
    expect(cutToContext([1, 3, 4, 5, 6, 2], 4)).toEqual([1, 3, 4, 2]);
    expect(cutToContext([1, 3, 2], 4)).toEqual([1, 3, 2]);
    await encoder.close();
  });

  it('scores captions with pictures, and names itself', async () => {
    const encoder = await openTransformersClip(await clip('hub/scoring'));
    const images = tinyViews(3);
    const report = await clipScores(
      encoder,
      images.map((image) => ({ image, caption: 'a dog', references: ['cat', 'a'] })),
      { batch: 2 },
    );
    expect(report.model).toMatch(/^hub-scoring-[0-9a-f]{12}$/);
    expect(report.n).toBe(3);
    const text = Float32Array.from(embed('<s> a dog </s>'));
    for (const [i, view] of images.entries()) {
      const grid = tinyGrid(planes(view, [127.5, 102, 76.5], [51, 76.5, 102]));
      const pooled = Float32Array.from(grid, (channel) => channel.reduce((a, b) => a + b) / 4);
      expect(report.perImage[i].CLIP_cosine).toBeCloseTo(100 * cosine(pooled, text), 3);
      expect(report.perImage[i].RefCLIPScore).toBeGreaterThan(0);
    }
    await encoder.close();
  });

  it('is refused with a sentence when a part is missing or it is something else', async () => {
    const less = await clip('less/clip');
    await rm(join(less, 'onnx/text_model.onnx'));
    await expect(openTransformersClip(less)).rejects.toMatchObject({ code: 'bad-model', place: less });
    const other = await clip('other/bert', { model_type: 'bert' });
    await expect(openTransformersClip(other)).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining('"bert"'),
    });
  });
});
