/** Pixels: decode, resize, encode. */
export { type DecodeOptions, decodeGrey, decodeImage, measureImage } from './decode.ts';
export { dataUrl, encodeJpeg, encodePng, rasterise } from './encode.ts';
export { psnr, sharpness, ssim } from './fidelity.ts';
export { formatOf, type ImageFormat, isImageExtension, isImageName } from './format.ts';
export { gridOf } from './grid.ts';
export type { Image, ImageSource } from './image.ts';
export { likenessDistance, likenessOf } from './likeness.ts';
export { readPngText, withPngText } from './png-text.ts';
export {
  type Kernel,
  type Letterbox,
  type Letterboxed,
  letterbox,
  letterboxOf,
  resizeImage,
} from './resize.ts';
export { fromSigned } from './signed.ts';
