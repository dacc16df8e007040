import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Folder, temporaryFolder } from '../../../test/helpers/collection.ts';
import { sharedData } from '../../../test/shared.ts';
import { decodeImage, type Image } from '../../image/index.ts';
import { onnxRegions } from './onnx.ts';

let folder: Folder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

interface Expected {
  photos: { file: string; detections: { label: string; class: number; score: number; box: number[] }[] }[];
}
const models = sharedData('models');
const yolox = models === undefined ? undefined : join(models, 'yolox-nano/yolox_nano.onnx');
const fastest = models === undefined ? undefined : join(models, 'fastestdet/FastestDet.onnx');

/** The description that comes with the package, changed, beside a temporary folder. */
async function described(name: string, model: string, change: (json: Described) => void): Promise<string> {
  const json = JSON.parse(await readFile(`assets/vision/${name}.json`, 'utf8')) as Described;
  json.model = resolve(model);
  change(json);
  return folder.write({ [`${name}.json`]: JSON.stringify(json) });
}
interface Described {
  model?: string;
  input: { size: number };
  outputs: { kind: string; threshold?: number; count?: number; labels?: unknown }[];
}
const golden = async (folder: string): Promise<Expected> =>
  JSON.parse(await readFile(join(models!, folder, 'expected.json'), 'utf8'));
const open = (file: string): Promise<Image> => decodeImage(join(models!, '..', file));
const inPixels = (box: { x: number; y: number; width: number; height: number }, { width, height }: Image) => [
  box.x * width,
  box.y * height,
  (box.x + box.width) * width,
  (box.y + box.height) * height,
];
const within = (box: number[], { width, height }: Image) =>
  box.map((value, i) => Math.min(i % 2 ? height : width, Math.max(0, value)));
const shared = (a: number[], b: number[]): number => {
  const side = (k: number) => Math.max(0, Math.min(a[k + 2], b[k + 2]) - Math.max(a[k], b[k]));
  const area = (box: number[]) => (box[2] - box[0]) * (box[3] - box[1]);
  return (side(0) * side(1)) / (area(a) + area(b) - side(0) * side(1));
};

describe.skipIf(yolox === undefined)('regions of YOLOX-nano', () => {
  it('are the golden detections, by name, score and box', async () => {
    const ref = await described('yolox_nano', yolox!, ({ input, outputs }) => {
      input.size = 640;
      const head = outputs.find(({ kind }) => kind === 'detections')!;
      Object.assign(head, { threshold: 0.3, count: 100 });
    });
    const proposer = await onnxRegions(ref);
    for (const { file, detections } of (await golden('yolox-nano')).photos) {
      const image = await open(file);
      const [found] = await proposer.propose([{ image, regions: [] }]);
      const sure = detections.filter(({ score }) => score > 0.33); // beside the threshold, one may come or go
      for (const { class: label, score, box } of sure) {
        const same = found.find((one) => one.label === label && shared(inPixels(one.box, image), within(box, image)) > 0.85); // biome-ignore format: one line
        expect(same, `${file}: ${label} ${score}`).toBeDefined();
        expect(Math.abs(same!.score - score)).toBeLessThan(0.03);
        for (const [k, value] of inPixels(same!.box, image).entries())
          expect(Math.abs(value - within(box, image)[k])).toBeLessThan(3);
      }
      expect(found.filter(({ score }) => score > 0.33).length).toBeLessThanOrEqual(detections.length);
    }
    await proposer.close();
  });
});

describe.skipIf(fastest === undefined)('regions of FastestDet', () => {
  it('are the golden detections, by name, and nearly by score and box', async () => {
    const ref = await described('FastestDet', fastest!, ({ outputs }) => {
      Object.assign(outputs[0], { threshold: 0.6, count: 100 });
    });
    const proposer = await onnxRegions(ref);
    for (const { file, detections } of (await golden('fastestdet')).photos) {
      const image = await open(file);
      const [found] = await proposer.propose([{ image, regions: [] }]);
      for (const { class: label, score, box } of detections.filter(({ score }) => score > 0.7)) {
        const same = found.find((one) => one.label === label && shared(inPixels(one.box, image), within(box, image)) > 0.7); // biome-ignore format: one line
        expect(same, `${file}: ${label} ${score}`).toBeDefined();
        expect(Math.abs(same!.score - score)).toBeLessThan(0.1);
      }
    }
    // Its graph is for one picture at a time.
    const views = await Promise.all((await golden('fastestdet')).photos.slice(0, 3).map(async ({ file }) => ({ image: await open(file), regions: [] }))); // biome-ignore format: one line
    const together = await proposer.propose(views);
    for (const [i, view] of views.entries()) expect(together[i]).toEqual((await proposer.propose([view]))[0]);
    await proposer.close();
  });
});
