import { describe, expect, test } from 'vitest';
import { random } from '../random.ts';
import { psnr, sharpness, ssim } from './fidelity.ts';
import type { Image } from './image.ts';
import { resizeImage } from './resize.ts';

const [SIZE, draw] = [32, random(1, 'fidelity')];
const picture: Image = {
  width: SIZE,
  height: SIZE,
  data: Uint8Array.from(
    { length: SIZE * SIZE * 3 },
    (_, i) => 128 + 90 * Math.sin(i / 7) * Math.cos(i / 301),
  ),
};
const noisy = (amount: number): Image => ({
  ...picture,
  data: picture.data.map((value) => Math.min(255, Math.max(0, Math.round(value + amount * draw.normal())))),
});

describe('PSNR', () => {
  test('follows its formula: an error of 1 everywhere is 48.13 dB', () => {
    const brighter = { ...picture, data: picture.data.map((value) => value + 1) };
    expect(psnr(picture, brighter)).toBeCloseTo(20 * Math.log10(255), 6);
    expect(psnr(picture, picture)).toBe(Number.POSITIVE_INFINITY);
  });
  test('falls with the noise', () => {
    expect(psnr(picture, noisy(4))).toBeGreaterThan(psnr(picture, noisy(12)) + 6);
  });
});

describe('SSIM', () => {
  test('is 1 for equal pictures, whichever is first, and falls with the noise', () => {
    expect(ssim(picture, picture)).toBeCloseTo(1, 10);
    const spoilt = noisy(20);
    expect(ssim(picture, spoilt)).toBeCloseTo(ssim(spoilt, picture), 10);
    expect(ssim(picture, spoilt)).toBeLessThan(ssim(picture, noisy(5)));
  });
  test('of flat pictures is the comparison of their brightness alone', () => {
    const flat = (value: number): Image => ({
      ...picture,
      data: new Uint8Array(SIZE * SIZE * 3).fill(value),
    });
    const c1 = (0.01 * 255) ** 2;
    expect(ssim(flat(100), flat(120))).toBeCloseTo((2 * 100 * 120 + c1) / (100 ** 2 + 120 ** 2 + c1), 6);
  });
  test('wants its window', () => {
    expect(() => ssim({ width: 4, height: 4, data: new Uint8Array(48) }, { width: 4, height: 4, data: new Uint8Array(48) })).toThrow('11 pixels'); // biome-ignore format: one line
  });
});

test('sharpness falls when a picture is blurred, and is 0 for a flat one', async () => {
  const small = await resizeImage(picture, { width: 16, height: 16 });
  const soft = await resizeImage(small, { width: SIZE, height: SIZE });
  expect(sharpness(soft)).toBeLessThan(0.5 * sharpness(picture));
  expect(sharpness({ ...picture, data: new Uint8Array(SIZE * SIZE * 3).fill(7) })).toBe(0);
});
