import type { Image } from './image.ts';
import { fromPixels, toFile } from './sharp.ts';

/** A PNG file, lossless. */
export function encodePng(image: Image): Promise<Uint8Array> {
  return toFile(fromPixels(image).png());
}

/** A baseline JPEG file. @param quality 1–100 */
export function encodeJpeg(image: Image, quality = 90): Promise<Uint8Array> {
  return toFile(fromPixels(image).jpeg({ quality }));
}
