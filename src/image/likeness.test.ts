import { expect, test } from 'vitest';
import { encodeJpeg, encodePng, type Image, likenessDistance, likenessOf, resizeImage } from './index.ts';

const hashOf = async (file: Uint8Array) => (await likenessOf(file))!;

/** A picture of a few coloured discs, as smooth as photos are. */
function discs(seed: number, width = 160, height = 120): Image {
  const data = new Uint8Array(width * height * 3);
  const spots = Array.from({ length: 6 }, (_, i) => ({
    x: ((seed * 37 + i * 53) % 97) / 97,
    y: ((seed * 71 + i * 29) % 89) / 89,
    value: (seed * 91 + i * 67) % 256,
  }));
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      let value = 128;
      for (const spot of spots) {
        const near = Math.exp(-40 * ((x / width - spot.x) ** 2 + (y / height - spot.y) ** 2));
        value += near * (spot.value - 128);
      }
      data.fill(Math.max(0, Math.min(255, value)), (y * width + x) * 3, (y * width + x + 1) * 3);
    }
  return { width, height, data };
}

test('a picture compressed, shrunk or brightened still looks the same', async () => {
  for (const seed of [1, 2, 3]) {
    const picture = discs(seed);
    const hash = await hashOf(await encodePng(picture));
    const versions = [
      await encodeJpeg(picture, 40),
      await encodePng(await resizeImage(picture, { width: 80, height: 60 })),
      await encodePng({ ...picture, data: picture.data.map((value) => Math.min(255, value * 1.1)) }),
    ];
    for (const version of versions)
      expect(likenessDistance(hash, await hashOf(version))).toBeLessThanOrEqual(6);
  }
});

test('another picture looks otherwise, and so does a mirror image', async () => {
  const hash = await hashOf(await encodePng(discs(1)));
  const { width, height, data } = discs(1);
  const mirrored = new Uint8Array(data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      mirrored.set(
        data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
        (y * width + width - 1 - x) * 3,
      );
  for (const other of [discs(2), discs(3), { width, height, data: mirrored }])
    expect(likenessDistance(hash, await hashOf(await encodePng(other)))).toBeGreaterThan(12);
});

test('what is no picture is refused', async () => {
  await expect(likenessOf(new Uint8Array([1, 2, 3]))).rejects.toMatchObject({ code: 'image-unreadable' });
  await expect(likenessOf(new Uint8Array())).rejects.toMatchObject({ code: 'image-empty' });
});

test('a picture of one colour has no features, and looks like no other', async () => {
  const flat = (value: number) => ({ width: 40, height: 30, data: new Uint8Array(3600).fill(value) });
  for (const file of [await encodePng(flat(0)), await encodePng(flat(200)), await encodeJpeg(flat(90), 50)])
    expect(await likenessOf(file)).toBeUndefined();
});
