import type { Image } from './image.ts';

/** Pictures of one size side by side, row by row, with a light line between them. */
export function gridOf(
  images: readonly Image[],
  { columns = Math.ceil(Math.sqrt(images.length)), gap = 2 } = {},
): Image {
  const [{ width, height }] = images;
  const across = Math.min(columns, images.length);
  const rows = Math.ceil(images.length / across);
  const total = { width: across * (width + gap) + gap, height: rows * (height + gap) + gap };
  const data = new Uint8Array(total.width * total.height * 3).fill(238);
  for (const [i, image] of images.entries()) {
    const left = gap + (i % across) * (width + gap);
    const top = gap + Math.floor(i / across) * (height + gap);
    for (let y = 0; y < height; y++)
      data.set(image.data.subarray(y * width * 3, (y + 1) * width * 3), ((top + y) * total.width + left) * 3);
  }
  return { ...total, data };
}
