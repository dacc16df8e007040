/**
 * Flow matching (Lipman et al. 2023, Liu et al. 2023): on the straight way x_t = (1 − t)·x + t·ε from a picture x to noise ε, the network
 * learns the velocity v = ε − x; drawing follows it back.
 */
import type { Random } from '../../random.ts';
import {
  add,
  input,
  maximum,
  mul,
  type Params,
  randomLike,
  reshape,
  sub,
  type Tensor,
} from '../../tensor/index.ts';
import type { DiffusionConfig } from './config.ts';
import { diffuse, encodeText, type TextInputs } from './transformer.ts';

/** Times nearer to an end than this divide by no smaller number. */
const LEAST = 0.05;

/** The velocity that a prediction `out` means at x_t; all (B, S, S, C), times (B). */
export function velocityOf({ prediction }: DiffusionConfig, out: Tensor, x: Tensor, t: Tensor): Tensor {
  if (prediction === 'velocity') return out;
  const when = reshape(t, [t.shape[0], 1, 1, 1]);
  if (prediction === 'sample') return sub(x, out).div(maximum(when, LEAST)); // ε − x̂ = (x_t − x̂) / t
  return sub(out, x).div(maximum(sub(1, when), LEAST)); // ε̂ − x = (ε̂ − x_t) / (1 − t)
}

export interface FlowShape {
  batch: number;
  /** Tokens of a text. */
  length: number;
}

/** Inputs `tokens` (B, T) int32 and `valid` (B, T) through the encoder that is trained along. */
export function textInputs(p: Params, c: DiffusionConfig, { batch, length }: FlowShape): TextInputs {
  const valid = input('valid', [batch, length]);
  return { text: encodeText(p.at('text'), c, input('tokens', [batch, length], 'int32'), valid), valid };
}

/**
 * Training graph: mean squared error of the velocity. Inputs besides the text's: `pixels` (B, S, S, C) uint8, `t` (B). The noise is
 * drawn within.
 */
export function flowLoss(p: Params, c: DiffusionConfig, shape: FlowShape): Tensor {
  const { batch } = shape;
  const pixels = input('pixels', [batch, c.size, c.size, c.channels], 'uint8').cast('float32');
  const x = sub(pixels.mul(2 / 255), 1); // in [−1, 1]
  const noise = randomLike(x.shape, { kind: 'normal' });
  const t = input('t', [batch]);
  const when = reshape(t, [batch, 1, 1, 1]);
  const noised = add(mul(x, sub(1, when)), mul(noise, when));
  const out = diffuse(p.at('net'), c, noised, t, textInputs(p, c, shape));
  return sub(velocityOf(c, out, noised, t), sub(noise, x))
    .square()
    .mean();
}

/** The velocity at `x` (B, S, S, C) and `t` (B), for drawing. */
export function flowVelocity(p: Params, c: DiffusionConfig, shape: FlowShape): Tensor {
  const x = input('x', [shape.batch, c.size, c.size, c.channels]);
  const t = input('t', [shape.batch]);
  return velocityOf(c, diffuse(p.at('net'), c, x, t, textInputs(p, c, shape)), x, t);
}

/**
 * Times of training, logit-normal (Esser et al. 2024): most in the middle, where there is most to learn. A higher mean asks for more
 * noise, where the layout is decided.
 */
export const drawTimes = (
  draw: Random,
  count: number,
  { mean = 0, deviation = 1 } = {},
): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: count }, () => 1 / (1 + Math.exp(-(mean + deviation * draw.normal()))));
