/** The name of the colour of a patch: the ten that GenEval asks for. */
import type { Box } from '../data/regions.ts';
import type { Image } from '../image/image.ts';

export const COLOUR_NAMES = ['red', 'orange', 'yellow', 'green', 'blue', 'purple', 'pink', 'brown', 'black', 'white'] as const; // biome-ignore format: one line
export type ColourName = (typeof COLOUR_NAMES)[number] | 'gray';

/** sRGB, 0–255. Bounds of hue are where people change names (after Berlin & Kay; ours, by eye). */
export function colourName(r: number, g: number, b: number): ColourName {
  const [high, low] = [Math.max(r, g, b), Math.min(r, g, b)];
  const value = high / 255;
  const chroma = high - low;
  const saturation = high === 0 ? 0 : chroma / high;
  if (value < 0.2) return 'black';
  if (saturation < 0.15) return value > 0.75 ? 'white' : value < 0.28 ? 'black' : 'gray';
  const sector =
    high === r ? ((g - b) / chroma + 6) % 6 : high === g ? (b - r) / chroma + 2 : (r - g) / chroma + 4;
  const hue = sector * 60;
  const dark = value < 0.62;
  if (hue < 14 || hue >= 345) {
    if (value > 0.85 && saturation < 0.55) return 'pink';
    return dark && saturation < 0.65 ? 'brown' : 'red';
  }
  if (hue < 45) return dark || (saturation < 0.5 && value < 0.85) ? 'brown' : 'orange';
  if (hue < 68) return dark ? (hue < 52 ? 'brown' : 'green') : 'yellow';
  if (hue < 170) return 'green';
  if (hue < 258) return 'blue';
  if (hue < 300) return 'purple';
  return value > 0.7 && (saturation < 0.75 || hue > 318) ? 'pink' : 'purple';
}

/** Share of a box along each side that is looked at: its edges show what lies behind. */
const MIDDLE = 0.6;
/** Pixels looked at along a side at most. */
const SAMPLES = 32;

/** The commonest colour in the middle of a box, given as shares of the picture. */
export function patchColour({ width, height, data }: Image, box: Box): ColourName {
  const counts = new Map<ColourName, number>();
  const side = (from: number, length: number, size: number) => {
    const [start, end] = [from + (length * (1 - MIDDLE)) / 2, from + (length * (1 + MIDDLE)) / 2];
    const count = Math.max(1, Math.min(SAMPLES, Math.round((end - start) * size)));
    return Array.from({ length: count }, (_, i) => Math.max(0, Math.min(size - 1, Math.floor((start + ((i + 0.5) / count) * (end - start)) * size)))); // biome-ignore format: one line
  };
  const columns = side(box.x, box.width, width);
  for (const y of side(box.y, box.height, height)) {
    for (const x of columns) {
      const at = 3 * (y * width + x);
      const name = colourName(data[at], data[at + 1], data[at + 2]);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  return [...counts].reduce((best, one) => (one[1] > best[1] ? one : best))[0];
}
