/**
 * How many unseen scenes are read back right, all of it: objects with colour, shape, size and texture, background, letters.
 *
 *     node bench/scene-reader.ts [--count 500] [--objects 3]
 */
import { parseArgs } from 'node:util';
import { readScene } from '../src/evaluate/scene-reader.ts';
import type { Image } from '../src/image/index.ts';
import { resizeImage } from '../src/image/index.ts';
import { random } from '../src/random.ts';
import { renderScene, type Scene, sampleScene } from '../src/world/index.ts';

const { values } = parseArgs({
  options: { count: { type: 'string', default: '500' }, objects: { type: 'string', default: '4' } },
});
const count = Number(values.count);
/** No other seed of this repository: these scenes are trained on nowhere. */
const SEED = 90_001;

const gist = ({ objects, background, letters }: Pick<Scene, 'objects' | 'background' | 'letters'>) =>
  JSON.stringify([
    objects.map(({ color, shape, size, texture }) => `${size} ${texture} ${color} ${shape}`).sort(),
    background,
    letters && [letters.text, letters.color, letters.place],
  ]);

const noisy = (deviation: number) => async (image: Image, index: number) => {
  const draw = random(index, 'noise');
  return { ...image, data: image.data.map((value) => clamp(value + deviation * draw.normal())) };
};
const clamp = (value: number) => Math.min(255, Math.max(0, Math.round(value)));

/** Shrunk and enlarged again: the fine detail is gone. */
const blurred = (factor: number) => async (image: Image) => {
  const side = Math.round(image.width / factor);
  const small = await resizeImage(image, { width: side, height: side });
  return resizeImage(small, { width: image.width, height: image.height }, 'cubic');
};

/** Every pixel from a place up to `reach` pixels away, as waves over the picture. */
const deformed =
  (reach: number) =>
  async ({ width, height, data }: Image, index: number) => {
    const draw = random(index, 'waves');
    const [a, b] = [2 * Math.PI * draw.uniform(), 2 * Math.PI * draw.uniform()];
    const out = new Uint8Array(data.length);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const fromX = Math.min(
          width - 1,
          Math.max(0, Math.round(x + reach * Math.sin((2 * Math.PI * 1.5 * y) / height + a))),
        );
        const fromY = Math.min(
          height - 1,
          Math.max(0, Math.round(y + reach * Math.sin((2 * Math.PI * 1.5 * x) / width + b))),
        );
        for (let c = 0; c < 3; c++) out[(y * width + x) * 3 + c] = data[(fromY * width + fromX) * 3 + c];
      }
    return { width, height, data: out };
  };

const CASES: [name: string, size: number, spoil: (image: Image, index: number) => Promise<Image>][] = [
  ...[32, 40, 48, 64].map(
    (size) => [`clean, ${size} px`, size, async (image: Image) => image] as (typeof CASES)[number],
  ),
  ['noise of 8 / 255, 40 px', 40, noisy(8)],
  ['noise of 16 / 255, 40 px', 40, noisy(16)],
  ['blurred by 1.25, 40 px', 40, blurred(1.25)],
  ['waves of 0.7 pixels, 40 px', 40, deformed(0.7)],
];

for (const [name, size, spoil] of CASES) {
  let [right, milliseconds] = [0, 0];
  for (let index = 0; index < count; index++) {
    const scene = sampleScene(SEED, index, { maxObjects: Number(values.objects) });
    const image = await spoil(renderScene(scene, size), index);
    const start = performance.now();
    if (gist(readScene(image)) === gist(scene)) right++;
    milliseconds += performance.now() - start;
  }
  const [low, high] = wilson(right, count);
  const percent = (share: number) => (100 * share).toFixed(1);
  console.log(`${name.padEnd(28)} ${percent(right / count)} % of scenes right [${percent(low)}, ${percent(high)}], ${(milliseconds / count).toFixed(0)} ms each`); // biome-ignore format: one line
}

/** 95 % interval of a share (Wilson 1927). */
function wilson(hits: number, n: number): [number, number] {
  const [z, p] = [1.96, hits / n];
  const middle = (p + z ** 2 / (2 * n)) / (1 + z ** 2 / n);
  const half = (z / (1 + z ** 2 / n)) * Math.sqrt((p * (1 - p)) / n + z ** 2 / (4 * n ** 2));
  return [middle - half, middle + half];
}
