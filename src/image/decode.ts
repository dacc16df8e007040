import { open } from 'node:fs/promises';
import { RecaptionError, reason } from '../errors.ts';
import { formatOf } from './format.ts';
import type { Image } from './image.ts';
import { sharp, toPixels } from './sharp.ts';

const MAX_PIXELS = 100e6;

export interface DecodeOptions {
  /** Refuse pictures of more pixels than this before decoding them (decompression bombs). */
  maxPixels?: number;
  /** Fill exactly this many pixels; the aspect ratio is not kept. Wins over `maxSide`. */
  size?: { width: number; height: number };
  /** Shrink, never enlarge, until the longest side is at most this many pixels. */
  maxSide?: number;
}

/**
 * Decodes any picture to 8-bit sRGB: EXIF orientation applied, greyscale and CMYK converted, 16 bits reduced to 8,
 * transparency laid over white, the first frame of an animation. JPEG is shrunk while it is decoded where that helps.
 * @param input the encoded bytes, or the path of a file
 * @throws RecaptionError `image-empty`, `image-missing`, `image-too-large`, `image-truncated` (starts as a picture, then
 * breaks off or is damaged), `image-unreadable` (not a picture, whatever its name says, or a format we cannot read)
 */
export async function decodeImage(
  input: Uint8Array | string,
  { maxPixels = MAX_PIXELS, size, maxSide }: DecodeOptions = {},
): Promise<Image> {
  if (input.length === 0) throw empty();
  try {
    const picture = opened(input, maxPixels);
    if (size) picture.resize({ ...size, fit: 'fill' });
    else if (maxSide) {
      picture.resize({ width: maxSide, height: maxSide, fit: 'inside', withoutEnlargement: true });
    }
    return await toPixels(picture.flatten({ background: '#ffffff' }).toColourspace('srgb'));
  } catch (error) {
    throw await explain(error, input, maxPixels);
  }
}

/** As `decodeImage`, in shades of grey: side × side pixels, whatever the picture's shape. */
export async function decodeGrey(
  input: Uint8Array | string,
  side: number,
  { maxPixels = MAX_PIXELS }: Pick<DecodeOptions, 'maxPixels'> = {},
): Promise<Uint8Array> {
  if (input.length === 0) throw empty();
  try {
    const picture = opened(input, maxPixels).resize({ width: side, height: side, fit: 'fill' });
    return await picture
      .flatten({ background: '#ffffff' })
      .toColourspace('b-w')
      .raw({ depth: 'uchar' })
      .toBuffer();
  } catch (error) {
    throw await explain(error, input, maxPixels);
  }
}

/** Width and height in pixels, upright, and the format, from a picture's first bytes. @throws as `decodeImage` */
export async function measureImage(
  input: Uint8Array | string,
): Promise<{ width: number; height: number; format: string }> {
  if (input.length === 0) throw empty();
  try {
    const { autoOrient, format } = await sharp(input, { limitInputPixels: MAX_PIXELS }).metadata();
    return { ...autoOrient, format };
  } catch (error) {
    throw await explain(error, input, MAX_PIXELS);
  }
}

const opened = (input: Uint8Array | string, maxPixels: number) =>
  sharp(input, { failOn: 'error', limitInputPixels: maxPixels }).autoOrient();

/** Turns what libvips says into one of our sentences; what it is depends on how the file begins. */
async function explain(error: unknown, input: Uint8Array | string, maxPixels: number) {
  const said = reason(error);
  const details = { place: typeof input === 'string' ? input : undefined, cause: error };
  if (said.includes('pixel limit')) {
    return new RecaptionError('image-too-large', `the picture has more than ${maxPixels / 1e6} megapixels`, {
      ...details,
      hint: 'Shrink it, or raise the pixel limit if you trust the file.',
    });
  }
  if (said.includes('file is missing')) {
    return new RecaptionError('image-missing', 'there is no such picture', details);
  }
  const start = typeof input === 'string' ? await firstBytes(input) : input;
  if (start?.length === 0) return empty(details.place);
  const format = start && formatOf(start);
  if (format) {
    return new RecaptionError('image-truncated', `the ${format} picture is cut short or damaged (${said})`, {
      ...details,
      hint: 'Fetch or copy the file again.',
    });
  }
  return new RecaptionError('image-unreadable', `this is not a picture we can read (${said})`, {
    ...details,
    hint: 'JPEG, PNG, WebP, GIF, TIFF and AVIF are read; convert other formats first.',
  });
}

function empty(place?: string): RecaptionError {
  return new RecaptionError('image-empty', 'the picture file is empty', { place });
}

async function firstBytes(path: string): Promise<Uint8Array | undefined> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return undefined; // a folder, or a file we may not read: the first error says enough
  }
}
