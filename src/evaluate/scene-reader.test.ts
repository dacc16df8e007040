import { describe, expect, test } from 'vitest';
import { random } from '../random.ts';
import { renderScene, type Scene, type SceneOptions, sampleScene } from '../world/index.ts';
import { readScene } from './scene-reader.ts';

/** What a scene shows, but for the exact places. */
const gist = ({ objects, background, letters }: Pick<Scene, 'objects' | 'background' | 'letters'>) => ({
  objects: objects.map(({ color, shape, size, texture }) => `${size} ${texture} ${color} ${shape}`).sort(),
  background,
  letters: letters && [letters.text, letters.color, letters.place],
});

function readRight(
  size: number,
  count: number,
  options: SceneOptions = {},
  spoil = (data: Uint8Array, _: number) => data,
): number {
  let right = 0;
  for (let index = 0; index < count; index++) {
    const scene = sampleScene(41, index, options);
    const image = renderScene(scene, size);
    const read = readScene({ ...image, data: spoil(image.data, index) });
    if (JSON.stringify(gist(read)) === JSON.stringify(gist(scene))) right++;
  }
  return right / count;
}

// The full measurement, over many more scenes and sizes, is `npm run bench -- scene-reader`.
test('unseen scenes are read right, all of it, in at least 95 of 100', { timeout: 60_000 }, () => {
  expect(readRight(40, 60)).toBeGreaterThanOrEqual(0.95);
});

test('a little noise does not matter', { timeout: 60_000 }, () => {
  const noisy = (data: Uint8Array, index: number) => {
    const draw = random(index, 'noise');
    return data.map((value) => Math.min(255, Math.max(0, Math.round(value + 8 * draw.normal()))));
  };
  expect(readRight(40, 25, {}, noisy)).toBeGreaterThanOrEqual(0.9);
});

test('places are found to a pixel', () => {
  for (let index = 0; index < 10; index++) {
    const scene = sampleScene(42, index, { overlaps: 0, letters: 0, textures: 0 });
    const { objects } = readScene(renderScene(scene, 48));
    for (const { color, shape, x, y } of scene.objects) {
      const near = objects.some(
        (o) => o.color === color && o.shape === shape && Math.hypot(o.x - x, o.y - y) < 1.5 / 48,
      );
      expect(near).toBe(true);
    }
  }
});

test('what is in front comes last', () => {
  const base = { texture: 'solid', size: 'large', extent: 0.44, y: 0.5 } as const;
  const red = { ...base, shape: 'circle', color: 'red', x: 0.38 } as const;
  const blue = { ...base, shape: 'square', color: 'blue', x: 0.64 } as const;
  for (const objects of [
    [red, blue],
    [blue, red],
  ]) {
    const read = readScene(renderScene({ background: { color: 'white' }, objects }, 48));
    expect(read.objects.map(({ color }) => color)).toEqual(objects.map(({ color }) => color));
  }
});

describe('a picture of something else', () => {
  test('that is empty has no objects, and nothing unexplained', () => {
    const data = new Uint8Array(40 * 40 * 3).fill(255);
    expect(readScene({ width: 40, height: 40, data })).toEqual({
      background: { color: 'white' },
      objects: [],
      unexplained: 0,
    });
  });
  test('that is noise leaves most of it unexplained', () => {
    const draw = random(1, 'noise');
    const data = Uint8Array.from({ length: 40 * 40 * 3 }, () => draw.int(256));
    expect(readScene({ width: 40, height: 40, data }).unexplained).toBeGreaterThan(0.3);
  });
  test('that is not square is refused', () => {
    expect(() => readScene({ width: 40, height: 30, data: new Uint8Array(3600) })).toThrow('square');
  });
});
