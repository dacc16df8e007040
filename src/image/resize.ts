import type { Image } from './image.ts';
import { fromPixels, toPixels } from './sharp.ts';

/** Resampling filter for shrinking; when enlarging, the smooth counterpart of the same name is used. */
export type Kernel = 'nearest' | 'linear' | 'cubic' | 'mitchell' | 'lanczos2' | 'lanczos3';

/** Resizes to exactly `width` × `height` pixels; the aspect ratio is not kept. */
export async function resizeImage(
  image: Image,
  { width, height }: { width: number; height: number },
  kernel: Kernel = 'lanczos3',
): Promise<Image> {
  if (width === image.width && height === image.height) return image;
  return toPixels(fromPixels(image).resize({ width, height, fit: 'fill', kernel }));
}

/** How a picture lies in a square. */
export interface Letterbox {
  /** Pixels of the box per pixel of the original: original = (box − offset) / scale. */
  scale: number;
  offsetX: number;
  offsetY: number;
}

export interface Letterboxed extends Letterbox {
  /** `size` × `size` pixels. */
  image: Image;
}

/** Sizes and offsets are rounded down, as the detectors we feed were trained with. */
export function letterboxOf({ width, height }: { width: number; height: number }, size: number): Letterbox {
  const inner = innerSize({ width, height }, size);
  return {
    scale: size / Math.max(width, height),
    offsetX: Math.floor((size - inner.width) / 2),
    offsetY: Math.floor((size - inner.height) / 2),
  };
}

function innerSize({ width, height }: { width: number; height: number }, size: number) {
  const longest = Math.max(width, height);
  // Multiplied before divided: the longest side becomes exactly `size`, free of rounding.
  const side = (length: number) => Math.max(1, Math.floor((length * size) / longest));
  return { width: side(width), height: side(height) };
}

/** Fits a picture into a square, keeping its aspect ratio, centred, the rest filled with the grey level `fill` (0–255). */
export async function letterbox(image: Image, size: number, fill = 128): Promise<Letterboxed> {
  const { width, height } = innerSize(image, size);
  const { scale, offsetX, offsetY } = letterboxOf(image, size);
  const inner = await resizeImage(image, { width, height });
  const data = new Uint8Array(size * size * 3).fill(fill);
  for (let y = 0; y < height; y++) {
    const row = inner.data.subarray(y * width * 3, (y + 1) * width * 3);
    data.set(row, ((y + offsetY) * size + offsetX) * 3);
  }
  return { image: { width: size, height: size, data }, scale, offsetX, offsetY };
}
