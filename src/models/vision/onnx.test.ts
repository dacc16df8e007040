import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Folder, temporaryFolder } from '../../../test/helpers/collection.ts';
import { planes, TINY, tinyGrid, tinyViews, tinyVision } from '../../../test/helpers/tiny-vision.ts';
import { sharedData } from '../../../test/shared.ts';
import { decodeImage, type Image, letterbox } from '../../image/index.ts';
import { fromHalf } from '../../tensor/half.ts';
import { overlap } from './detections.ts';
import { openOnnxVision } from './onnx.ts';

let folder: Folder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const MEAN = [100, 120, 140];
const STD = [50, 60, 70];
const description = (changes: object = {}, input: object = {}) => ({
  input: { name: 'pixels', size: TINY.side, mean: MEAN, std: STD, ...input },
  outputs: [
    { kind: 'grid', name: 'cells', tensor: 'grid', side: 2, channels: 5 },
    { kind: 'tokens', name: 'rows', tensor: 'tokens', tokens: 2, width: 5 },
    { kind: 'tokens', name: 'all', tensor: 'pooled', tokens: 1, width: 5 },
  ],
  ...changes,
});
let made = 0;
/** Writes a model with its description beside it. */
const model = async (json: unknown = description(), seed = 1): Promise<string> => {
  const name = `tiny-${made++}`;
  await folder.write({ [`${name}.json`]: typeof json === 'string' ? json : JSON.stringify(json) });
  return folder.write({
    [`${name}.onnx`]: tinyVision('pixels', { grid: 'grid', tokens: 'tokens', pooled: 'pooled' }, seed),
  });
};
const encode = async (ref: string, images: Image[]) => {
  const encoder = await openOnnxVision(ref);
  const features = (await encoder.encode(images)).map(fromHalf);
  await encoder.close();
  return { encoder, features };
};

describe('an ONNX vision model with its description', () => {
  it('gives its outputs one after the other, a token for every cell of a grid', async () => {
    const views = tinyViews(3);
    const { encoder, features } = await encode(await model(), views);
    expect(encoder.groups).toEqual([
      { name: 'cells', tokens: 4, width: 5, grid: { side: 2, lead: 0, fit: 'fill' } },
      { name: 'rows', tokens: 2, width: 5 },
      { name: 'all', tokens: 1, width: 5 },
    ]);
    for (const [i, view] of views.entries()) {
      const grid = tinyGrid(planes(view, MEAN, STD));
      const cells = [0, 1, 2, 3].flatMap((cell) => grid.map((channel) => channel[cell]));
      const rows = [0, 2].flatMap((cell) => grid.map((channel) => (channel[cell] + channel[cell + 1]) / 2));
      const all = grid.map((channel) => channel.reduce((a, b) => a + b) / 4);
      for (const [k, value] of [...cells, ...rows, ...all].entries())
        expect(features[i][k]).toBeCloseTo(value, 1.7);
    }
  });

  it('takes channels in the order it says', async () => {
    const [view] = tinyViews(1);
    const { features } = await encode(await model(description({}, { order: 'bgr' })), [view]);
    const grid = tinyGrid(planes(view, MEAN, STD, [2, 1, 0]));
    for (const [c, channel] of grid.entries()) expect(features[0][c]).toBeCloseTo(channel[0], 1.7);
  });

  it('sees pictures of any size, squeezed or boxed as it says', async () => {
    const wide = { width: 16, height: 8, data: new Uint8Array(16 * 8 * 3).fill(200) };
    const grey = (value: number) => ({ width: 8, height: 8, data: new Uint8Array(192).fill(value) });
    const squeezed = await model();
    expect((await encode(squeezed, [wide])).features).toEqual((await encode(squeezed, [grey(200)])).features);
    const boxed = await model(description({}, { fit: 'letterbox', fill: 30 }));
    const { image } = await letterbox(wide, 8, 30);
    const { features } = await encode(boxed, [wide]);
    expect(features).toEqual((await encode(boxed, [image])).features);
    expect(features).not.toEqual((await encode(boxed, [grey(200)])).features);
  });

  it('has an id that changes with its weights and with its preprocessing, not with its place', async () => {
    const id = async (path: string) => (await encode(path, [])).encoder.id.replace(/^tiny-\d+-/, '');
    const ids = [
      await id(await model()),
      await id(await model(description(), 2)),
      await id(await model(description({}, { mean: [0, 0, 0] }))),
    ];
    expect(new Set(ids).size).toBe(3);
    expect(await id(await model())).toBe(ids[0]);
  });

  it('may be named by its description, which may name the model', async () => {
    const path = await model();
    const other = await folder.write({
      'deeper/view.json': JSON.stringify(description({ model: path.replace(/.*\//, '../') })),
    });
    const views = tinyViews(2);
    expect((await encode(other, views)).features).toEqual((await encode(path, views)).features);
  });
});

describe('a vision model that cannot be used gets a sentence naming the file', () => {
  const refused = async (ref: string, code: string, words: RegExp, place: string | RegExp = ref) => {
    const error = await encode(ref, tinyViews(1)).catch((thrown) => thrown);
    expect(error).toMatchObject({
      name: 'RecaptionError',
      code,
      message: expect.stringMatching(words),
      place: typeof place === 'string' ? place : expect.stringMatching(place),
    });
  };
  it('when the model or its description is missing', async () => {
    await refused(join(folder.path, 'none.onnx'), 'file-not-found', /model does not exist/, /none\.onnx$/);
    await refused(
      await folder.write({ 'alone.onnx': '' }),
      'file-not-found',
      /no description/,
      /alone\.json$/,
    );
    const lonely = await folder.write({ 'lonely.json': JSON.stringify(description()) });
    await refused(lonely, 'file-not-found', /model does not exist/, /lonely\.onnx$/);
  });
  it('when the description is wrong', async () => {
    await refused(await model('{'), 'bad-config', /no JSON/, /\.json$/);
    await refused(await model(description({}, { colour: 'rgb' })), 'bad-config', /input\.colour/, /\.json$/);
    await refused(await model(description({ outputs: [] })), 'bad-config', /outputs/, /\.json$/);
  });
  it('when it speaks of tensors or sizes that the model does not have', async () => {
    const grid = { kind: 'grid', name: 'cells', tensor: 'grid', side: 2, channels: 5 };
    await refused(
      await model(description({ outputs: [{ ...grid, tensor: 'neck' }] })),
      'bad-onnx',
      /"neck"/,
      /./,
    );
    await refused(
      await model(description({ outputs: [{ ...grid, side: 3 }] })),
      'bad-config',
      /20 numbers.*9 × 5/,
    );
    await refused(await model(description({}, { name: 'image' })), 'bad-onnx', /"image"/, /./);
  });
  it('when the file is no model', async () => {
    const path = await model();
    await folder.write({ [path.replace(/.*\//, '')]: 'not found' });
    await refused(path, 'bad-onnx', /no ONNX model/, /./);
  });
});

const yolox = sharedData('models/yolox-nano/yolox_nano.onnx');
describe.skipIf(!yolox)('YOLOX-nano (skipped without the shared models)', () => {
  it('finds in five photos what its golden file says', async () => {
    interface Golden {
      photos: {
        file: string;
        detections: { class: number; score: number; box: [number, number, number, number] }[];
      }[];
    }
    const golden = await readFile(sharedData('models/yolox-nano/expected.json')!, 'utf8');
    const { photos } = JSON.parse(golden) as Golden;
    const size = 640;
    const count = 40;
    const path = await folder.write({
      'yolox.json': JSON.stringify({
        model: yolox,
        input: {
          name: 'images',
          size,
          fit: 'letterbox',
          fill: 128,
          mean: [123.675, 116.28, 103.53],
          std: [58.395, 57.12, 57.375],
        },
        outputs: [
          {
            kind: 'detections',
            name: 'found',
            levels: [
              { tensor: '1064', features: '1044', stride: 8 },
              { tensor: '1104', features: '1084', stride: 16 },
              { tensor: '1144', features: '1124', stride: 32 },
            ],
            classes: 80,
            features: 64,
            count,
            threshold: 0.3,
            overlap: 0.45,
          },
        ],
      }),
    });
    const encoder = await openOnnxVision(path);
    expect(encoder.groups).toEqual([{ name: 'found', tokens: count, width: 80 + 5 + 64 }]);
    let compared = 0;
    for (const { file, detections } of photos) {
      const image = await decodeImage(sharedData(file)!);
      expect(Math.max(image.width, image.height)).toBe(size);
      const [left, top] = [Math.floor((size - image.width) / 2), Math.floor((size - image.height) / 2)];
      const tokens = fromHalf((await encoder.encode([image]))[0]);
      const found = Array.from({ length: count }, (_, i) => tokens.subarray(i * 149, (i + 1) * 149))
        .filter((token) => token[80] > 0)
        .map((token) => ({
          label: token.subarray(0, 80).indexOf(Math.max(...token.subarray(0, 80))),
          score: token[80],
          box: {
            x: token[81] * size - left,
            y: token[82] * size - top,
            width: token[83] * size,
            height: token[84] * size,
          },
        }));
      for (const {
        class: label,
        score,
        box: [x1, y1, x2, y2],
      } of detections) {
        const box = { x: (x1 + x2) / 2, y: (y1 + y2) / 2, width: x2 - x1, height: y2 - y1 };
        const match = found
          .filter((one) => one.label === label)
          .sort((a, b) => overlap(b.box, box) - overlap(a.box, box))[0];
        if (match === undefined && score < 0.33) continue; // near the threshold one may be lost
        expect(Math.abs(match.score - score)).toBeLessThan(0.03);
        for (const side of ['x', 'y', 'width', 'height'] as const)
          expect(Math.abs(match.box[side] - box[side])).toBeLessThan(3);
        compared++;
      }
      const extra = found.filter(({ score }) => score > 0.33).length;
      expect(extra).toBeLessThanOrEqual(detections.length);
    }
    expect(compared).toBeGreaterThan(10);
    await encoder.close();
  });
});

const mobilenet = sharedData('models/mobilenet-v2/mobilenet_v2_224.onnx');
describe.skipIf(!mobilenet)('MobileNetV2 (skipped without the shared models)', () => {
  const photos: [string, number][] = [
    ['000000000285', 295],
    ['000000002149', 949],
    ['000000000872', 982],
  ];
  const views = () => Promise.all(photos.map(([id]) => decodeImage(sharedData(`coco/photos/${id}.jpg`)!)));

  it('knows a brown bear, an apple and a baseball player', async () => {
    const path = await folder.write({
      'mobilenet.json': JSON.stringify({
        model: mobilenet,
        input: { name: 'image', size: 224, mean: [127.5, 127.5, 127.5], std: [127.5, 127.5, 127.5] },
        outputs: [{ kind: 'tokens', name: 'classes', tensor: 'logits', tokens: 1, width: 1001 }],
      }),
    });
    const { features } = await encode(path, await views());
    expect(features.map((logits) => logits.indexOf(Math.max(...logits)))).toEqual(
      photos.map(([, label]) => label),
    );
  });

  it('is known by its name: its feature map needs no description of the user', async () => {
    const { encoder, features } = await encode(mobilenet!, (await views()).slice(0, 1));
    expect(encoder.groups).toEqual([
      { name: 'mobilenet', tokens: 49, width: 1280, grid: { side: 7, lead: 0, fit: 'fill' } },
    ]);
    expect(Math.min(...features[0])).toBe(0);
    expect(Math.max(...features[0])).toBeLessThanOrEqual(6); // it ends in ReLU6
  });
});
