import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Folder, temporaryFolder } from '../../test/helpers/collection.ts';
import { sharedData } from '../../test/shared.ts';
import { decodeImage } from './decode.ts';
import type { Image } from './image.ts';
import { sharp } from './sharp.ts';

const RGB = [200, 100, 50];

/** A plain picture of 6 × 4 pixels. */
const plain = (width = 6, height = 4) =>
  sharp({ create: { width, height, channels: 3, background: { r: RGB[0], g: RGB[1], b: RGB[2] } } });

/** 64 × 48 pixels of noise: no format makes this small, so cutting it hits the pixels. */
const noise = () => {
  const data = Uint8Array.from({ length: 64 * 48 * 3 }, (_, i) => Math.imul(i, 2654435761) >>> 13);
  return sharp(data, { raw: { width: 64, height: 48, channels: 3 } });
};

const pixel = ({ data, width }: Image, x = 0, y = 0) => [
  ...data.subarray((y * width + x) * 3, (y * width + x + 1) * 3),
];
const near = (found: number[], wanted: number[], by: number) =>
  found.every((value, i) => Math.abs(value - wanted[i]) <= by);

let folder: Folder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

describe('every kind of picture becomes 8-bit RGB', () => {
  test.each([
    ['JPEG', () => plain().jpeg(), 3],
    ['progressive JPEG', () => plain().jpeg({ progressive: true }), 3],
    ['PNG', () => plain().png(), 0],
    ['PNG with a palette', () => plain().png({ palette: true }), 0],
    ['16-bit PNG', () => plain().toColourspace('rgb16').png(), 1],
    ['WebP', () => plain().webp({ lossless: true }), 0],
    ['TIFF', () => plain().tiff(), 3],
    ['AVIF', () => plain().avif({ lossless: true }), 3],
    ['CMYK JPEG', () => plain().toColourspace('cmyk').jpeg(), 40], // the gamut of ink is smaller
    ['CMYK TIFF', () => plain().toColourspace('cmyk').tiff(), 40],
  ])('%s', async (_, make, tolerance) => {
    const image = await decodeImage(await make().toBuffer());
    expect([image.width, image.height, image.data.length]).toEqual([6, 4, 6 * 4 * 3]);
    expect(pixel(image, 5, 3)).toSatisfy((found: number[]) => near(found, RGB, tolerance));
  });

  test.each([
    ['8-bit', 'b-w'],
    ['16-bit', 'grey16'],
  ])('%s greyscale has three equal channels', async (_, space) => {
    const image = await decodeImage(await plain().toColourspace(space).png().toBuffer());
    const [r, g, b] = pixel(image);
    expect(image.data.length).toBe(6 * 4 * 3);
    expect([g, b]).toEqual([r, r]);
  });

  test('what is transparent lies over white', async () => {
    const half = sharp({
      create: { width: 2, height: 2, channels: 4, background: { r: 200, g: 0, b: 0, alpha: 0.5 } },
    });
    const grey = half.clone().toColourspace('b-w');
    expect(pixel(await decodeImage(await half.png().toBuffer()))).toEqual([227, 127, 127]);
    expect((await decodeImage(await grey.png().toBuffer())).data.length).toBe(2 * 2 * 3);
  });

  test.each(['gif', 'webp'] as const)('of an animated %s the first frame', async (format) => {
    const frames = [[255, 0, 0], [0, 255, 0]].map((colour) => Buffer.from(Array(16).fill(colour).flat())); // biome-ignore format: one line
    const raw = { width: 4, height: 8, channels: 3, pageHeight: 4 } as const;
    const gif = await sharp(Buffer.concat(frames), { raw })
      .gif({ delay: [9, 9] })
      .toBuffer();
    const bytes =
      format === 'gif' ? gif : await sharp(gif, { animated: true }).webp({ lossless: true }).toBuffer();
    const image = await decodeImage(bytes);
    expect([image.width, image.height, ...pixel(image)]).toEqual([4, 4, 255, 0, 0]);
  });

  test('the camera was held sideways: EXIF orientation 6 turns the picture clockwise', async () => {
    const top = plain(64, 16).extend({ bottom: 16, background: '#000000' });
    const bytes = await sharp(await top.png().toBuffer())
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    const image = await decodeImage(bytes);
    expect([image.width, image.height]).toEqual([32, 64]);
    expect(pixel(image, 28, 32)).toSatisfy((found: number[]) => near(found, RGB, 5)); // the top is at the right now
    expect(pixel(image, 3, 32)).toSatisfy((found: number[]) => near(found, [0, 0, 0], 5));
    const sized = await decodeImage(bytes, { size: { width: 10, height: 40 } });
    expect([sized.width, sized.height]).toEqual([10, 40]);
  });

  test('a single pixel', async () => {
    const image = await decodeImage(await plain(1, 1).png().toBuffer());
    expect(image).toEqual({ width: 1, height: 1, data: Uint8Array.from(RGB) });
  });

  test('40 megapixels', async () => {
    const bytes = await plain(8000, 5000).jpeg().toBuffer();
    const image = await decodeImage(bytes, { maxSide: 400 });
    expect([image.width, image.height]).toEqual([400, 250]);
    expect(pixel(image)).toSatisfy((found: number[]) => near(found, RGB, 3));
  });
});

describe('sizes', () => {
  test('`size` fills exactly, whatever the aspect ratio', async () => {
    const image = await decodeImage(await noise().png().toBuffer(), { size: { width: 7, height: 93 } });
    expect([image.width, image.height, image.data.length]).toEqual([7, 93, 7 * 93 * 3]);
  });

  test('`maxSide` shrinks to the longest side and never enlarges', async () => {
    const bytes = await noise().jpeg().toBuffer();
    const small = await decodeImage(bytes, { maxSide: 32 });
    expect([small.width, small.height]).toEqual([32, 24]);
    const same = await decodeImage(bytes, { maxSide: 1000 });
    expect([same.width, same.height]).toEqual([64, 48]);
  });

  test('a picture of one row keeps at least one', async () => {
    const image = await decodeImage(await plain(3000, 1).png().toBuffer(), { maxSide: 32 });
    expect([image.width, image.height]).toEqual([32, 1]);
  });
});

describe('bad files', () => {
  test.each(['jpeg', 'png', 'gif', 'webp', 'tiff', 'avif'] as const)(
    'a %s cut anywhere is image-truncated',
    async (format) => {
      const bytes = await noise().toFormat(format).toBuffer();
      for (const length of [20, bytes.length >> 1, bytes.length - 20]) {
        await expect(decodeImage(bytes.subarray(0, length)), `${length} bytes`).rejects.toMatchObject({
          code: 'image-truncated',
        });
      }
    },
  );

  test('text in a .jpg is image-unreadable, and the path is named', async () => {
    const path = join(folder.path, 'letter.jpg');
    await writeFile(path, 'Dear reader, this is no picture at all.');
    await expect(decodeImage(path)).rejects.toMatchObject({ code: 'image-unreadable', place: path });
  });

  test('no bytes are image-empty, in memory and on disk', async () => {
    const path = join(folder.path, 'empty.png');
    await writeFile(path, '');
    await expect(decodeImage(new Uint8Array())).rejects.toMatchObject({ code: 'image-empty' });
    await expect(decodeImage(path)).rejects.toMatchObject({ code: 'image-empty' });
  });

  test('a file that is not there is image-missing, a folder is image-unreadable', async () => {
    await expect(decodeImage(join(folder.path, 'nowhere.jpg'))).rejects.toMatchObject({
      code: 'image-missing',
    });
    await expect(decodeImage(folder.path)).rejects.toMatchObject({ code: 'image-unreadable' });
  });

  test('a bomb is refused before it is unpacked', async () => {
    const bytes = await plain(2000, 2000).png().toBuffer();
    expect(bytes.length).toBeLessThan(100_000);
    await expect(decodeImage(bytes, { maxPixels: 1e6 })).rejects.toMatchObject({ code: 'image-too-large' });
    await expect(decodeImage(bytes, { maxPixels: 1e6, maxSide: 8 })).rejects.toMatchObject({
      code: 'image-too-large',
    });
  });
});

test('a path gives the same pixels as its bytes', async () => {
  const bytes = await noise().jpeg().toBuffer();
  const path = join(folder.path, 'noise.jpg');
  await writeFile(path, bytes);
  expect(await decodeImage(path, { maxSide: 20 })).toEqual(await decodeImage(bytes, { maxSide: 20 }));
});

const photo = sharedData('coco/photos/000000000285.jpg');
test.skipIf(!photo)('a real photo has the size its metadata says', async () => {
  const image = await decodeImage(photo!);
  expect([image.width, image.height]).toEqual([586, 640]);
});
