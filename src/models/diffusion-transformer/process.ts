/**
 * How pictures become noise: x_t = α_t·x + σ_t·ε for times t from 0 (the picture) to 1 (noise alone).
 *
 * - `flow`: the straight way, α = 1 − t, σ = t (rectified flow: Liu et al. 2023; flow matching: Lipman et al. 2023).
 * - `ddpm`: α = cos(πt/2), σ = sin(πt/2), the variance-preserving cosine schedule (Nichol & Dhariwal 2021, in continuous time).
 */
import type { Random } from '../../random.ts';
import {
  add,
  cos,
  div,
  expand,
  input,
  maximum,
  minimum,
  mul,
  type Params,
  randomLike,
  reshape,
  sin,
  sub,
  type Tensor,
} from '../../tensor/index.ts';
import type { DiffusionConfig } from './config.ts';
import { type Conditions, diffuse } from './transformer.ts';

/** Nothing is divided by a smaller α or σ than this. */
const LEAST = 0.05;
/** Of the weight of errors: what is nearly clean counts no more than this, for rare errors that count a hundredfold drown all others. */
const MOST_WEIGHT = 5;

/** α and σ at a time. */
export function signalAndNoise(
  process: DiffusionConfig['process'],
  t: number,
): [signal: number, noise: number] {
  return process === 'flow' ? [1 - t, t] : [Math.cos((Math.PI * t) / 2), Math.sin((Math.PI * t) / 2)];
}

/** The same for times (B), as (B, 1, 1, 1). */
export function mixtureAt({ process }: DiffusionConfig, t: Tensor): { alpha: Tensor; sigma: Tensor } {
  const when = reshape(t, [t.shape[0], 1, 1, 1]);
  if (process === 'flow') return { alpha: sub(1, when), sigma: when };
  const angle = mul(when, Math.PI / 2);
  return { alpha: cos(angle), sigma: sin(angle) };
}

/** x_t of pictures `x` and noise `noise`, all (B, S, S, C). */
export function noised(c: DiffusionConfig, x: Tensor, noise: Tensor, t: Tensor): Tensor {
  const { alpha, sigma } = mixtureAt(c, t);
  return add(mul(x, alpha), mul(noise, sigma));
}

/** The picture that the network believes to be in `xt` (B, S, S, C) at times `t` (B), whatever it is that it predicts. */
export function expected(
  p: Params,
  c: DiffusionConfig,
  xt: Tensor,
  t: Tensor,
  conditions: Conditions,
): Tensor {
  const { alpha, sigma } = mixtureAt(c, t);
  if (c.prediction === 'sample') {
    // Scaled as the best linear guess of the picture would be: noise that says nothing does not drown what the words say.
    const clarity = div(alpha, add(mul(alpha, alpha), mul(sigma, sigma)));
    return diffuse(p, c, mul(xt, maximum(clarity, c.leastInput)), t, conditions);
  }
  const out = diffuse(p, c, xt, t, conditions);
  if (c.prediction === 'noise') return div(sub(xt, mul(out, sigma)), maximum(alpha, LEAST));
  // Velocity: ε − x of the flow, α·ε − σ·x of the other (Salimans & Ho 2022).
  return c.process === 'flow' ? sub(xt, mul(out, sigma)) : sub(mul(xt, alpha), mul(out, sigma));
}

/**
 * How much an error in the picture counts at each time, (B, 1, 1, 1): `velocity` as an error of the flow's velocity, 1/σ²; `min-snr` by
 * the ratio of signal to noise, α²/σ²; neither more than 5 (Hang et al. 2023).
 */
function weightAt(c: DiffusionConfig, t: Tensor): Tensor {
  const { alpha, sigma } = mixtureAt(c, t);
  const ratio = div(c.weighting === 'velocity' ? 1 : alpha, maximum(sigma, LEAST));
  return minimum(mul(ratio, ratio), MOST_WEIGHT);
}

/** Pictures (B, S, S, C) uint8 as the network sees them, in [−1, 1]. */
export const asSigned = (pixels: Tensor): Tensor => sub(pixels.cast('float32').mul(2 / 255), 1);

/** Training graph: weighted squared error of the expected picture. Input `t` (B); the noise is drawn within. */
export function diffusionLoss(p: Params, c: DiffusionConfig, x: Tensor, conditions: Conditions): Tensor {
  const t = input('t', [x.shape[0]]);
  const xt = noised(c, x, randomLike(x.shape, { kind: 'normal' }), t);
  const off = sub(expected(p, c, xt, t, conditions), x).square();
  return mul(off, weightAt(c, t)).mean();
}

/**
 * The same loss with the noise given, one number per picture (B): for validation, where the same noise is asked for each time. Inputs
 * `t` (B) and `noise`, of the shape of `x`.
 */
export function diffusionLosses(p: Params, c: DiffusionConfig, x: Tensor, conditions: Conditions): Tensor {
  const t = input('t', [x.shape[0]]);
  const xt = noised(c, x, input('noise', x.shape), t);
  const off = sub(expected(p, c, xt, t, conditions), x).square();
  return mul(off, weightAt(c, t)).mean([1, 2, 3]);
}

/**
 * The expected picture under classifier-free guidance (Ho & Salimans 2022): away from what would be drawn for other words, `guidance`
 * times as far. `xt` (B, S, S, C), `t` (B); the conditions hold 2 B rows, first those that are asked for, then the others.
 */
export function guided(
  p: Params,
  c: DiffusionConfig,
  xt: Tensor,
  t: Tensor,
  guidance: Tensor,
  conditions: Conditions,
): Tensor {
  const b = xt.shape[0];
  const both = expected(p, c, twice(xt), twice(t), conditions);
  const [asked, other] = [both.slice(0, 0, b), both.slice(0, b)];
  return add(other, mul(sub(asked, other), reshape(guidance, [guidance.shape[0] ?? 1, 1, 1, 1])));
}

/** Every row a second time, after all of them. */
const twice = (x: Tensor): Tensor => reshape(expand(x, [2, ...x.shape]), [2 * x.shape[0], ...x.shape.slice(1)]); // biome-ignore format: one line

/** Every row `n` times, one after the other. */
export function repeatRows(x: Tensor, n: number): Tensor {
  const [b, ...row] = x.shape;
  return reshape(expand(reshape(x, [b, 1, ...row]), [b, n, ...row]), [b * n, ...row]);
}

/**
 * Times of training, logit-normal (Esser et al. 2024): most about the middle. A higher mean asks for more noise, where the layout is
 * decided: the larger the things in a picture, the more noise they show through. They come in pairs on either side of the middle, so that
 * no batch has much more noise than another.
 */
export function drawTimes(
  draw: Random,
  count: number,
  { mean = 0, deviation = 1 } = {},
): Float32Array<ArrayBuffer> {
  let off = 0;
  return Float32Array.from({ length: count }, (_, i) => {
    off = i % 2 === 0 ? draw.normal() : -off;
    return 1 / (1 + Math.exp(-(mean + deviation * off)));
  });
}
