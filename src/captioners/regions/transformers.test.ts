import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Folder, temporaryFolder } from '../../../test/helpers/collection.ts';
import { hubOnnx, tinyViews } from '../../../test/helpers/tiny-vision.ts';
import { constant, expand, initialise, input, mean, params, zeros } from '../../tensor/index.ts';
import { openRegions } from './open.ts';

let folder: Folder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

/** A detector in the hub's layout that sees the same two things in every picture: a "cat" on the left, surely, and a "dog", less surely. */
async function detector(name: string, weights = true): Promise<string> {
  const path = join(folder.path, name);
  await mkdir(join(path, 'onnx'), { recursive: true });
  await writeFile(
    join(path, 'config.json'),
    JSON.stringify({ model_type: 'yolos', architectures: ['YolosForObjectDetection'], id2label: { 0: 'cat', 2: 'dog' } }), // biome-ignore format: one line
  );
  await writeFile(
    join(path, 'preprocessor_config.json'),
    JSON.stringify({ image_processor_type: 'YolosImageProcessor', feature_extractor_type: 'YolosFeatureExtractor', do_normalize: false, do_resize: true, do_rescale: true, rescale_factor: 1 / 255, size: { width: 8, height: 8 } }), // biome-ignore format: one line
  );
  const nothing = mean(input('pixel_values', [1, 3, 8, 8]), [1, 2, 3])
    .mul(0)
    .reshape([1, 1, 1]);
  const p = params();
  const rows = (values: number[], width: number) =>
    expand(nothing, [1, values.length / width, width])
      .add(constant(Float32Array.from(values), [1, values.length / width, width], 'float32'))
      .add(p.get(`none${width}`, [1, 1, width], zeros));
  const logits = rows([9, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 9], 4); // cat, dog at 1 / (1 + 3 / e), nothing
  const boxes = rows([0.25, 0.5, 0.5, 1, 0.9, 0.5, 0.4, 0.5, 0.5, 0.5, 1, 1], 4);
  const model = hubOnnx('pixel_values', [3, 8, 8], { logits, pred_boxes: boxes }, initialise(p.all, 1));
  if (weights) await writeFile(join(path, 'onnx/model.onnx'), model);
  return path;
}

describe('an object detector of the hub', () => {
  it('gives its regions by name, score and box, cut at the edges, the surest first', async () => {
    const proposer = await openRegions(await detector('yolos'));
    expect(proposer.labels).toEqual(['cat', '', 'dog']);
    const views = tinyViews(2).map((image) => ({ image, regions: [] }));
    const [regions, same] = await proposer.propose(views);
    expect(same).toEqual(regions);
    expect(regions.map(({ label }) => proposer.labels[label])).toEqual(['cat', 'dog']);
    expect(regions[0].score).toBeGreaterThan(0.99);
    expect(regions[1].score).toBeCloseTo(Math.E / (Math.E + 3), 3);
    expect(regions[0].box).toEqual({ x: 0, y: 0, width: 0.5, height: 1 });
    const { x, y, width, height } = regions[1].box;
    for (const [is, wanted] of [[x, 0.7], [y, 0.25], [width, 0.3], [height, 0.5]]) expect(is).toBeCloseTo(wanted, 5); // biome-ignore format: one line
    await proposer.close();
  });

  it('that is not whole is told of, with what to give instead', async () => {
    await expect(openRegions(await detector('torn', false))).rejects.toMatchObject({
      code: 'bad-model',
      hint: expect.stringContaining('hub id'),
    });
  });
});
