/** Which pictures a trainer reads, and how the others are brought into a form that it does. */
import { open } from 'node:fs/promises';
import { reason } from '../../errors.ts';
import {
  decodeImage,
  encodeJpeg,
  encodePng,
  formatOf,
  type ImageSource,
  measureImage,
} from '../../image/index.ts';
import type { Finding, Trainer } from './profile.ts';

const USUAL = ['jpg', 'jpeg', 'png', 'webp'];
/** What Pillow decodes without a plugin, by its contents. */
const PILLOW = [...USUAL, 'jfif', 'bmp', 'gif', 'tif', 'tiff'];
const ALL = [...PILLOW, 'avif', 'jxl'];

/** Extensions that trainers look for, lower case, as their loaders list them. What they decode is of these kinds too. */
export const PICTURES_READ: Readonly<Record<Trainer, readonly string[]>> = {
  kohya: [...USUAL, 'bmp', 'avif', 'jxl'], // the last two with a plugin of Pillow
  onetrainer: [...USUAL, 'bmp', 'tif', 'tiff'],
  'ai-toolkit': USUAL,
  simpletuner: PILLOW.filter((extension) => extension !== 'gif'), // that is a video there
  diffusers: PILLOW,
  pixart: PILLOW,
  webdataset: USUAL,
  parquet: ALL,
  jsonl: ALL,
  sidecar: ALL,
};

const LOSSY = ['jpg', 'webp', 'avif', 'heic'];
const JPEG_QUALITY = 95;

export interface Fitted {
  /** Without a `path` where it is no longer the file that was read. */
  image: ImageSource;
  /** The encoded picture. */
  bytes: Uint8Array;
  /** Of what the bytes are, whatever the source's name says. */
  extension: string;
}

/**
 * A picture as it is exported: itself where the trainer reads its kind and nothing is to be shrunk; otherwise JPEG where it was as
 * lossy as that, and PNG where not. Headers are looked at, not all pixels.
 * @param resize pixels of the longest side at most
 * @throws RecaptionError those of `measureImage` and, where it is made anew, of `decodeImage`
 */
export async function fitPicture(
  image: ImageSource,
  { reads, resize }: { reads: readonly string[]; resize?: number },
): Promise<Fitted> {
  const bytes = await image.bytes();
  const format = await pictureFormat(bytes);
  if (resize === undefined && reads.includes(format)) return { image, bytes, extension: format };
  const picture = await decodeImage(bytes, { maxSide: resize });
  const lossy = LOSSY.includes(format);
  const encoded = await (lossy ? encodeJpeg(picture, JPEG_QUALITY) : encodePng(picture));
  return {
    image: { name: image.name, bytes: async () => encoded },
    bytes: encoded,
    extension: lossy ? 'jpg' : 'png',
  };
}

/** Whether a trainer finds a picture, and can open it: `unread-format`, `image-unreadable`. */
export async function* lintPicture(image: ImageSource, reads: readonly string[]): AsyncGenerator<Finding> {
  const { name, path } = image;
  const extension = /\.([a-z0-9]+)$/i.exec(name)?.[1].toLowerCase();
  let format: string;
  try {
    format = await pictureFormat(path ?? (await image.bytes()));
  } catch (error) {
    const message = `the picture cannot be opened: ${reason(error)}`;
    const hint = 'Copy it again, or remove it with its caption.';
    yield { place: name, trap: 'image-unreadable', severity: 'error', message, hint };
    return;
  }
  const isFound = extension === undefined || reads.includes(extension);
  if (isFound && (reads.includes(format) || PILLOW.includes(format))) return;
  yield {
    place: name,
    trap: 'unread-format',
    severity: 'error',
    message: isFound
      ? `the file is ${format}, whatever its name says, and the trainer cannot open that`
      : `the trainer passes over pictures that are called .${extension}`,
    hint: 'Convert it to JPEG or PNG; an export does.',
  };
}

/**
 * What a picture is by its bytes, as the extension of such files. Of kinds that we do not decode, only the signature is looked at.
 * @param picture the encoded bytes, or the path of a file
 * @throws RecaptionError those of `measureImage`
 */
async function pictureFormat(picture: Uint8Array | string): Promise<string> {
  const isPath = typeof picture === 'string';
  // Of what cannot be read at all, measuring it says why.
  const start = isPath ? await firstBytes(picture).catch(() => new Uint8Array()) : picture;
  if (isBmp(start)) return 'bmp';
  if (isJxl(start)) return 'jxl';
  const { format } = await measureImage(picture);
  return formatOf(start) ?? (format === 'heif' ? 'heic' : format);
}

async function firstBytes(path: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(32), 0, 32, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** `BM`, and behind the file header one of the lengths that an information header has. */
function isBmp(start: Uint8Array): boolean {
  if (start.length < 18 || start[0] !== 0x42 || start[1] !== 0x4d) return false;
  const length = new DataView(start.buffer, start.byteOffset).getUint32(14, true);
  return [12, 40, 52, 56, 64, 108, 124].includes(length);
}

/** A bare codestream, or the container's first box. */
function isJxl(start: Uint8Array): boolean {
  if (start[0] === 0xff && start[1] === 0x0a) return true;
  return Buffer.from(start.subarray(0, 12)).equals(Buffer.from('\0\0\0\x0cJXL \r\n\x87\n', 'latin1'));
}
