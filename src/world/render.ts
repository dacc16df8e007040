/** Draws a scene as pixels: flat colours, analytic anti-aliasing. */
import { RecaptionError } from '../errors.ts';
import type { Image } from '../image/image.ts';
import { lineDistance, lineSize } from './glyphs.ts';
import { boxOf, type Letters, type Scene, type SceneObject } from './scene.ts';
import { OUTLINES } from './shapes.ts';
import { BACKDROPS, INKS, type Rgb, type Texture } from './vocabulary.ts';

/** From one stripe to the next, and from one dot to its neighbour, as shares of the canvas. */
const STRIPE_PITCH = 0.09;
const DOT_PITCH = 0.1;
const DOT_RADIUS = 0.032;
/** A pattern keeps this far from the outline, so that the shape stays whole to the eye. */
const RIM = 0.016;

/**
 * The scene on a square canvas, interleaved 8-bit RGB. A pixel's share of a shape is its centre's distance to the
 * outline in pixels, from −½ (all) to ½ (nothing).
 * @param size side in pixels, 16 to 4096; objects are made to be told apart from 32 on.
 * @throws RecaptionError `world-size`
 */
export function renderScene(scene: Scene, size: number): Image {
  checkSize(size);
  const image: Image = { width: size, height: size, data: new Uint8Array(size * size * 3) };
  fillBackground(image, scene);
  for (const object of scene.objects) drawObject(image, object);
  if (scene.letters !== undefined) drawLetters(image, scene.letters);
  return image;
}

/** @throws RecaptionError `world-size` */
export function checkSize(size: number): void {
  if (!Number.isInteger(size) || size < 16 || size > 4096) {
    throw new RecaptionError('world-size', `a scene cannot be drawn at ${size} pixels`, {
      hint: 'Take a whole number of pixels from 16 to 4096; 32 to 128 is usual.',
    });
  }
}

function fillBackground({ width, height, data }: Image, { background }: Scene): void {
  const from: Rgb = BACKDROPS[background.color];
  const to: Rgb = BACKDROPS[background.fadesTo ?? background.color];
  for (let row = 0; row < height; row++) {
    const t = row / (height - 1);
    const start = row * width * 3;
    for (let channel = 0; channel < 3; channel++) {
      const value = Math.round(from[channel] + (to[channel] - from[channel]) * t);
      for (let at = start + channel; at < start + width * 3; at += 3) data[at] = value;
    }
  }
}

function drawObject(image: Image, object: SceneObject): void {
  const { fill, pattern } = INKS[object.color];
  const outline = OUTLINES[object.shape];
  const box = boxOf(object);
  paint(image, box.width, box.height, object, (x, y, pixels, blend) => {
    const distance = outline.distance(x / object.extent, y / object.extent) * object.extent;
    const share = coverage(distance * pixels);
    if (share === 0) return;
    blend(fill, share);
    blend(pattern, patternShare(object.texture, x, y, distance, pixels));
  });
}

function drawLetters(image: Image, letters: Letters): void {
  const { width, height } = lineSize(letters.text);
  const { fill } = INKS[letters.color];
  paint(image, width, height, letters, (x, y, pixels, blend) =>
    blend(fill, coverage(lineDistance(letters.text, x, y) * pixels)),
  );
}

/** How much of a pixel of `1 / pixels` shows the pattern of an object: (x, y) from its centre, `distance` from its outline, in shares of the canvas. */
export function patternShare(
  texture: Texture,
  x: number,
  y: number,
  distance: number,
  pixels: number,
): number {
  if (texture === 'solid') return 0;
  return coverage(Math.max(patternDistance(texture, x, y), distance + RIM) * pixels);
}

/** Signed distance to the stripes or dots of an object, from its centre, in shares of the canvas. */
function patternDistance(texture: Texture, x: number, y: number): number {
  // No stripe where the middle row of dots is: even the smallest objects show which it is.
  if (texture === 'striped') return STRIPE_PITCH / 4 - Math.abs(fromNearest(y, STRIPE_PITCH));
  return Math.hypot(fromNearest(x, DOT_PITCH), fromNearest(y, DOT_PITCH)) - DOT_RADIUS;
}

/** Signed distance to the nearest multiple of `pitch`. */
function fromNearest(value: number, pitch: number): number {
  return value - Math.round(value / pitch) * pitch;
}

function coverage(distance: number): number {
  return Math.min(1, Math.max(0, 0.5 - distance));
}

type Blend = (color: Rgb, share: number) => void;

/** Calls `shade` for each pixel of a box around `center`: its offset from the centre in shares of the canvas. */
function paint(
  { width: size, data }: Image,
  width: number,
  height: number,
  center: { x: number; y: number },
  shade: (x: number, y: number, pixels: number, blend: Blend) => void,
): void {
  const pixel = (share: number) => Math.min(size, Math.max(0, Math.floor(share * size)));
  const right = pixel(center.x + width / 2 + 2 / size);
  const bottom = pixel(center.y + height / 2 + 2 / size);
  let at = 0;
  const blend: Blend = (color, share) => {
    data[at] = Math.round(data[at] + (color[0] - data[at]) * share);
    data[at + 1] = Math.round(data[at + 1] + (color[1] - data[at + 1]) * share);
    data[at + 2] = Math.round(data[at + 2] + (color[2] - data[at + 2]) * share);
  };
  for (let row = pixel(center.y - height / 2 - 1 / size); row < bottom; row++) {
    for (let column = pixel(center.x - width / 2 - 1 / size); column < right; column++) {
      at = (row * size + column) * 3;
      shade((column + 0.5) / size - center.x, (row + 0.5) / size - center.y, size, blend);
    }
  }
}
