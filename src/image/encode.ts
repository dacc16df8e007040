import type { Image } from './image.ts';
import { fromPixels, sharp, toFile } from './sharp.ts';

/** A PNG file, lossless. */
export function encodePng(image: Image): Promise<Uint8Array> {
  return toFile(fromPixels(image).png());
}

/** A baseline JPEG file. @param quality 1–100 */
export function encodeJpeg(image: Image, quality = 90): Promise<Uint8Array> {
  return toFile(fromPixels(image).jpeg({ quality }));
}

/** A PNG file as an address that pages and drawings can hold. */
export const dataUrl = (png: Uint8Array): string =>
  `data:image/png;base64,${Buffer.from(png).toString('base64')}`;

/** An SVG document as a PNG file; letters need a font of the system. */
export function rasterise(svg: string): Promise<Uint8Array> {
  return toFile(sharp(Buffer.from(svg), { unlimited: true }).png());
}
