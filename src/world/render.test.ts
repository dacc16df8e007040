import { describe, expect, it } from 'vitest';
import type { Image } from '../image/image.ts';
import { LETTERS } from './glyphs.ts';
import { renderScene } from './render.ts';
import { sampleScene } from './sample-scene.ts';
import { boxOf, type Scene, type SceneObject } from './scene.ts';
import { BACKDROPS, COLORS, colorDistance, INKS, type Rgb, SHAPES, TEXTURES } from './vocabulary.ts';

const alone = (look: Partial<SceneObject>): Scene => ({
  background: { color: 'dark gray' },
  objects: [
    { shape: 'circle', color: 'red', size: 'small', texture: 'solid', x: 0.5, y: 0.5, extent: 0.28, ...look },
  ],
});

function pixel({ data, width }: Image, x: number, y: number): Rgb {
  const at = (Math.floor(y * width) * width + Math.floor(x * width)) * 3;
  return [data[at], data[at + 1], data[at + 2]];
}

/** Sum over pixels of the distance between two pictures, in pixels that changed wholly. */
function difference(a: Image, b: Image): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += Math.abs(a.data[i] - b.data[i]);
  return sum / (255 * 3);
}

describe('renderScene', () => {
  it('draws the same bytes each time, at any size asked for', () => {
    for (const size of [32, 64, 100]) {
      const image = renderScene(sampleScene(1, 3), size);
      expect(image.data).toEqual(renderScene(sampleScene(1, 3), size).data);
      expect(image.data).toHaveLength(size * size * 3);
    }
    expect(() => renderScene(sampleScene(1, 3), 4.5)).toThrow(/4\.5 pixels/);
  });

  it.each(SHAPES)('fills the box of a %s, and nothing else', (shape) => {
    const size = 128;
    const scene = alone({ shape, x: 0.41, y: 0.57, extent: 0.44 });
    const image = renderScene(scene, size);
    const touched: [number, number][] = [];
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const color = pixel(image, x / size, y / size);
        if (colorDistance(color, BACKDROPS['dark gray']) > 60) touched.push([x, y]);
      }
    }
    const xs = touched.map(([x]) => x);
    const ys = touched.map(([, y]) => y);
    const box = boxOf(scene.objects[0]);
    expect(Math.abs(Math.min(...xs) - box.x * size)).toBeLessThan(1.5);
    expect(Math.abs(Math.max(...xs) + 1 - (box.x + box.width) * size)).toBeLessThan(1.5);
    expect(Math.abs(Math.min(...ys) - box.y * size)).toBeLessThan(1.5);
    expect(Math.abs(Math.max(...ys) + 1 - (box.y + box.height) * size)).toBeLessThan(1.5);
    expect(touched.length / (box.width * box.height * size * size)).toBeGreaterThan(0.3);
  });

  it('draws small objects that differ in shape or texture clearly differently at 40 pixels', () => {
    const looks = SHAPES.flatMap((shape) => TEXTURES.map((texture) => ({ shape, texture })));
    const images = looks.map((look) => renderScene(alone(look), 40));
    for (let i = 0; i < looks.length; i++) {
      for (let j = 0; j < i; j++) {
        const names = `${looks[i].texture} ${looks[i].shape}, ${looks[j].texture} ${looks[j].shape}`;
        expect(difference(images[i], images[j]), names).toBeGreaterThan(3.5);
      }
    }
  });

  it('draws letters that differ at 40 pixels', () => {
    const images = LETTERS.map((text) =>
      renderScene({ ...alone({}), letters: { text, color: 'white', place: 'top', x: 0.5, y: 0.15 } }, 40),
    );
    for (let i = 0; i < images.length; i++) {
      for (let j = 0; j < i; j++) {
        expect(difference(images[i], images[j]), LETTERS[i] + LETTERS[j]).toBeGreaterThan(2);
      }
    }
  });

  it('uses colours that can be told apart', () => {
    for (const a of COLORS) {
      for (const b of COLORS)
        if (a !== b) expect(colorDistance(INKS[a].fill, INKS[b].fill)).toBeGreaterThan(75);
    }
  });

  it('draws later objects over earlier ones', () => {
    const scene = alone({ shape: 'square', color: 'blue', extent: 0.46 });
    scene.objects.push({ ...scene.objects[0], shape: 'circle', color: 'yellow', extent: 0.28 });
    expect(pixel(renderScene(scene, 64), 0.5, 0.5)).toEqual(INKS.yellow.fill);
    expect(pixel(renderScene(scene, 64), 0.32, 0.32)).toEqual(INKS.blue.fill);
  });

  it('lets a background fade from top to bottom', () => {
    const image = renderScene({ ...alone({}), background: { color: 'gray', fadesTo: 'white' } }, 64);
    expect(pixel(image, 0, 0)).toEqual(BACKDROPS.gray);
    expect(pixel(image, 0.99, 0.99)).toEqual(BACKDROPS.white);
    expect(pixel(image, 0, 0.5)[0]).toBeGreaterThan(210);
  });
});
