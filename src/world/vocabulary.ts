/** The closed set of things a scene can be made of. Every word here is also a word of its captions. */

/** sRGB, 0–255. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** `pattern` is the colour of stripes and dots on `fill`: light on strong colours, dark on pale ones. */
export interface Ink {
  fill: Rgb;
  pattern: Rgb;
}

export const INKS = {
  red: { fill: [222, 48, 44], pattern: [255, 186, 176] },
  orange: { fill: [242, 132, 22], pattern: [255, 222, 172] },
  yellow: { fill: [252, 222, 48], pattern: [178, 124, 0] },
  green: { fill: [46, 156, 72], pattern: [176, 232, 184] },
  blue: { fill: [44, 102, 226], pattern: [172, 204, 255] },
  purple: { fill: [136, 64, 184], pattern: [222, 190, 246] },
  pink: { fill: [248, 130, 190], pattern: [176, 40, 112] },
  brown: { fill: [132, 82, 46], pattern: [226, 190, 152] },
  black: { fill: [30, 30, 34], pattern: [150, 150, 158] },
  white: { fill: [252, 252, 252], pattern: [128, 132, 142] },
} satisfies Record<string, Ink>;
export type Color = keyof typeof INKS;
export const COLORS = Object.keys(INKS) as Color[];

export const BACKDROPS = {
  white: [255, 255, 255],
  gray: [188, 192, 198],
  cream: [248, 238, 212],
  'light blue': [194, 222, 246],
  'light green': [202, 234, 202],
  'dark blue': [28, 40, 92],
  'dark gray': [70, 74, 82],
} satisfies Record<string, Rgb>;
export type Backdrop = keyof typeof BACKDROPS;
export const BACKDROP_NAMES = Object.keys(BACKDROPS) as Backdrop[];

export const SHAPES = ['circle', 'square', 'triangle', 'diamond', 'star', 'heart', 'cross', 'moon'] as const;
export type Shape = (typeof SHAPES)[number];

export const TEXTURES = ['solid', 'striped', 'dotted'] as const;
export type Texture = (typeof TEXTURES)[number];

/**
 * Longer side of an object as a share of the canvas, [least, most). The smallest object has 11 px at 40 px and 18 at
 * 64; three small ones fit in a column beside a large one, and a small one inside a large one.
 */
export const SIZES = { small: [0.28, 0.3], large: [0.42, 0.46] } as const;
export type Size = keyof typeof SIZES;
export const SIZE_NAMES = Object.keys(SIZES) as Size[];

export const RELATIONS = ['left of', 'right of', 'above', 'below', 'inside', 'in front of'] as const;
export type Relation = (typeof RELATIONS)[number];

/** Euclidean distance in sRGB, 0–442. */
export function colorDistance(a: Rgb, b: Rgb): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}
