import type { Image } from './image.ts';

/** Square pictures of numbers in [−1, 1], (n · size · size · 3), as 8-bit images; what lies outside is cut. */
export function fromSigned(values: Float32Array, size: number): Image[] {
  const numbers = size * size * 3;
  return Array.from({ length: values.length / numbers }, (_, i) => ({
    width: size,
    height: size,
    data: Uint8Array.from(values.subarray(i * numbers, (i + 1) * numbers), (value) =>
      Math.round(Math.min(255, Math.max(0, (value + 1) * 127.5))),
    ),
  }));
}
