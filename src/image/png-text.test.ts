import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeImage } from './decode.ts';
import { encodePng } from './encode.ts';
import { readPngText, withPngText } from './png-text.ts';

const image = { width: 3, height: 2, data: Uint8Array.from({ length: 18 }, (_, i) => 13 * i) };

test('texts come back as they were written, in any script, and the picture is the same', async () => {
  const png = await encodePng(image);
  const keyword = fc.stringMatching(/^[A-Za-z][A-Za-z0-9]{0,20}$/);
  await fc.assert(
    fc.asyncProperty(fc.dictionary(keyword, fc.string({ unit: 'grapheme' })), async (texts) => {
      const written = withPngText(png, texts);
      expect({ ...readPngText(written) }).toEqual({ ...texts });
      expect(await decodeImage(written)).toEqual(image);
    }),
    { numRuns: 50 },
  );
});

test('a file that is cut off, or is no PNG, has no texts', async () => {
  const png = withPngText(await encodePng(image), { prompt: 'a red circle' });
  expect(readPngText(png.subarray(0, 45))).toEqual({});
  expect(readPngText(new Uint8Array(100))).toEqual({});
  expect(readPngText(new Uint8Array())).toEqual({});
});
