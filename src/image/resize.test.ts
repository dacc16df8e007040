import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeImage } from './decode.ts';
import { encodeJpeg, encodePng } from './encode.ts';
import { formatOf } from './format.ts';
import type { Image } from './image.ts';
import { letterbox, resizeImage } from './resize.ts';

const solid = (width: number, height: number, value: number): Image => ({
  width,
  height,
  data: new Uint8Array(width * height * 3).fill(value),
});

const gradient = (width: number, height: number): Image => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7) & 255),
});

describe('resizeImage', () => {
  test('fills the size asked for and keeps a flat colour flat', async () => {
    const found = await resizeImage(solid(13, 7, 90), { width: 40, height: 3 });
    expect(found).toEqual(solid(40, 3, 90));
  });

  test('nearest doubles pixels', async () => {
    const image = { width: 2, height: 1, data: Uint8Array.of(1, 2, 3, 4, 5, 6) };
    const found = await resizeImage(image, { width: 4, height: 1 }, 'nearest');
    expect([...found.data]).toEqual([1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6]);
  });

  test('leaves a picture of that size alone', async () => {
    const image = gradient(5, 4);
    expect(await resizeImage(image, { width: 5, height: 4 })).toBe(image);
  });
});

describe('letterbox', () => {
  test('centres a wide picture between bars of grey', async () => {
    const { image, scale, offsetX, offsetY } = await letterbox(solid(100, 50, 255), 20, 7);
    expect([scale, offsetX, offsetY]).toEqual([0.2, 0, 5]);
    expect([...new Set(image.data.subarray(0, 5 * 20 * 3))]).toEqual([7]);
    expect([...new Set(image.data.subarray(5 * 20 * 3, 15 * 20 * 3))]).toEqual([255]);
    expect([...new Set(image.data.subarray(15 * 20 * 3))]).toEqual([7]);
  });

  test('copies pixels as they are when the longest side fits', async () => {
    const inner = gradient(8, 5);
    const { image, scale, offsetX, offsetY } = await letterbox(inner, 8);
    expect([scale, offsetX, offsetY]).toEqual([1, 0, 1]);
    expect(image.data.subarray(8 * 3, 6 * 8 * 3)).toEqual(inner.data);
  });

  test('the longest side is exactly the box, and the offsets halve what is left', async () => {
    const side = fc.integer({ min: 1, max: 60 });
    await fc.assert(
      fc.asyncProperty(side, side, fc.integer({ min: 1, max: 60 }), async (width, height, size) => {
        const { image, scale, offsetX, offsetY } = await letterbox(solid(width, height, 255), size, 0);
        expect(image.data.length).toBe(size * size * 3);
        const filled = image.data.reduce((sum, value) => sum + Number(value === 255), 0) / 3;
        const [w, h] = [width, height].map((side) => Math.max(1, Math.floor(side * scale + 1e-9)));
        expect(filled).toBe(w * h);
        expect(Math.max(w, h)).toBe(size);
        expect([offsetX, offsetY]).toEqual([Math.floor((size - w) / 2), Math.floor((size - h) / 2)]);
      }),
      { numRuns: 40 },
    );
  });
});

describe('encoding', () => {
  test('PNG gives back every pixel', async () => {
    const image = gradient(9, 6);
    const bytes = await encodePng(image);
    expect(formatOf(bytes)).toBe('png');
    expect(await decodeImage(bytes)).toEqual(image);
  });

  test('JPEG gets smaller as the quality falls', async () => {
    const image = gradient(64, 64);
    const [fine, coarse] = await Promise.all([encodeJpeg(image, 95), encodeJpeg(image, 20)]);
    expect(formatOf(fine)).toBe('jpg');
    expect(coarse.length).toBeLessThan(fine.length);
    expect(await decodeImage(coarse)).toMatchObject({ width: 64, height: 64 });
  });
});
