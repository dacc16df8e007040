/** How near a picture comes to another of the same size. */
import type { Image } from './image.ts';

/** Peak signal-to-noise ratio in dB over all channels, of 8-bit pictures; infinite for equal ones. */
export function psnr(a: Image, b: Image): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += (a.data[i] - b.data[i]) ** 2;
  return 10 * Math.log10((255 ** 2 * a.data.length) / sum);
}

/** Luma by Rec. 601, 0–255. */
function lumaOf({ width, height, data }: Image): Float64Array {
  return Float64Array.from(
    { length: width * height },
    (_, i) => 0.299 * data[3 * i] + 0.587 * data[3 * i + 1] + 0.114 * data[3 * i + 2],
  );
}

const RADIUS = 5;
/** 11 numbers, σ = 1.5. */
const GAUSSIAN = Array.from({ length: 2 * RADIUS + 1 }, (_, i) =>
  Math.exp(-((i - RADIUS) ** 2) / (2 * 1.5 ** 2)),
);
const SUM = GAUSSIAN.reduce((a, b) => a + b);

/** Weighted means under an 11 × 11 Gaussian window, where the whole of it lies within: (width − 10) × (height − 10). */
function blurred(x: Float64Array, width: number, height: number): Float64Array {
  const [w, h] = [width - 2 * RADIUS, height - 2 * RADIUS];
  const across = new Float64Array(w * height);
  for (let row = 0; row < height; row++)
    for (let column = 0; column < w; column++) {
      let sum = 0;
      for (const [k, g] of GAUSSIAN.entries()) sum += g * x[row * width + column + k];
      across[row * w + column] = sum / SUM;
    }
  const out = new Float64Array(w * h);
  for (let row = 0; row < h; row++)
    for (let column = 0; column < w; column++) {
      let sum = 0;
      for (const [k, g] of GAUSSIAN.entries()) sum += g * across[(row + k) * w + column];
      out[row * w + column] = sum / SUM;
    }
  return out;
}

/**
 * Structural similarity of the lumas (Wang et al. 2004): mean over all windows of 11 × 11 with σ = 1.5, K₁ = 0.01, K₂ = 0.03. In [−1, 1].
 * @throws RangeError for pictures of fewer than 11 pixels a side
 */
export function ssim(a: Image, b: Image): number {
  const { width, height } = a;
  if (Math.min(width, height) < 2 * RADIUS + 1) throw new RangeError('SSIM wants at least 11 pixels a side');
  const [x, y] = [lumaOf(a), lumaOf(b)];
  const mean = (values: Float64Array) => blurred(values, width, height);
  const times = (one: Float64Array, other: Float64Array) => one.map((value, i) => value * other[i]);
  const [mx, my, xx, yy, xy] = [mean(x), mean(y), mean(times(x, x)), mean(times(y, y)), mean(times(x, y))];
  const [c1, c2] = [(0.01 * 255) ** 2, (0.03 * 255) ** 2];
  let sum = 0;
  for (let i = 0; i < mx.length; i++) {
    const [vx, vy, cov] = [xx[i] - mx[i] ** 2, yy[i] - my[i] ** 2, xy[i] - mx[i] * my[i]];
    sum += ((2 * mx[i] * my[i] + c1) * (2 * cov + c2)) / ((mx[i] ** 2 + my[i] ** 2 + c1) * (vx + vy + c2));
  }
  return sum / mx.length;
}

/**
 * Variance of the Laplacian of the luma (Pech-Pacheco et al. 2000): the more fine detail, true or false, the higher. Of two pictures of
 * the same thing the quotient says which is the sharper.
 */
export function sharpness(image: Image): number {
  const { width, height } = image;
  const x = lumaOf(image);
  let [sum, squares] = [0, 0];
  for (let row = 1; row < height - 1; row++)
    for (let column = 1; column < width - 1; column++) {
      const i = row * width + column;
      const value = x[i - 1] + x[i + 1] + x[i - width] + x[i + width] - 4 * x[i];
      sum += value;
      squares += value * value;
    }
  const count = (width - 2) * (height - 2);
  return squares / count - (sum / count) ** 2;
}
