/** What a picture's name and first bytes say about it. */

/** File name extensions that readers take for pictures, lower case, without the dot. */
const EXTENSIONS = new Set(
  'jpg jpeg jfif png webp gif tif tiff avif heic heif bmp jxl'.split(' '), // the last few are listed as failures where the decoder lacks them
);

export function isImageExtension(extension: string): boolean {
  return EXTENSIONS.has(extension.toLowerCase());
}

/** Whether a file of this name is read as a picture. */
export function isImageName(name: string): boolean {
  const dot = name.lastIndexOf('.');
  return dot > 0 && isImageExtension(name.slice(dot + 1));
}

export type ImageFormat = 'jpg' | 'png' | 'gif' | 'webp' | 'tif' | 'avif';

/** The format by its signature (at least 12 bytes are needed), or undefined. Also the extension we give such a file. */
export function formatOf(bytes: Uint8Array): ImageFormat | undefined {
  const ascii = (from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to));
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return 'jpg';
  if (bytes[0] === 0x89 && ascii(1, 4) === 'PNG') return 'png';
  if (ascii(0, 4) === 'GIF8') return 'gif';
  if (ascii(0, 4) === 'RIFF' && ascii(8, 12) === 'WEBP') return 'webp';
  if (ascii(0, 4) === 'II*\0' || ascii(0, 4) === 'MM\0*') return 'tif';
  if (ascii(4, 8) === 'ftyp' && ascii(8, 11) === 'avi') return 'avif';
  return undefined;
}
