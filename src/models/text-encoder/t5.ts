/**
 * The encoder of T5 (Raffel et al. 2020; version 1.1: Shazeer 2020), which generators read their prompts with.
 *
 *   tokens (B, T) ─► embeddings ─► N × [ x + attention(norm(x)), x + feed-forward(norm(x)) ] ─► norm ─► (B, T, C)
 *
 * No biases; norms by root mean square; places are told by a bias on the attention scores alone, which all layers share.
 */
import { mergeHeads, paddingMask, projectHeads } from '../../nn/index.ts';
import {
  add,
  constant,
  geluTanh,
  linear,
  embedding as lookUp,
  matmul,
  mul,
  normal,
  ones,
  type Params,
  relu,
  reshape,
  rmsNorm,
  softmax,
  split,
  type Tensor,
} from '../../tensor/index.ts';

export interface T5Config {
  vocabulary: number;
  /** Width C of every layer. */
  width: number;
  layers: number;
  heads: number;
  /** Width of a head; heads · headWidth need not be C. */
  headWidth: number;
  /** Width of the feed-forward layers. */
  hidden: number;
  /** Feed-forward: activation(x·W₀) ⊙ x·W₁ where `gated`, else activation(x·W). */
  activation: 'relu' | 'gelu';
  gated: boolean;
  /** Buckets of relative positions, and the distance from which all are one. */
  buckets: number;
  maxDistance: number;
  epsilon: number;
}

/** What tokens (B, T) int32 mean in their places: (B, T, C). `valid` (B, T) is 1 for tokens and 0 for padding. */
export function t5Encode(p: Params, c: T5Config, tokens: Tensor, valid: Tensor): Tensor {
  const [, t] = tokens.shape;
  let x = lookUp(p.get('tokens.weight', [c.vocabulary, c.width], normal(1)), tokens); // (B, T, C)
  const mask = add(positionBias(p, c, t), paddingMask(valid)); // (B, heads, T, T)
  for (let i = 0; i < c.layers; i++) {
    const at = p.at(i);
    x = add(x, selfAttention(at.at('attention'), c, norm(at.at('norm1'), c, x), mask));
    x = add(x, feedForward(at.at('mlp'), c, norm(at.at('norm2'), c, x)));
  }
  return norm(p.at('norm'), c, x);
}

const norm = (p: Params, c: T5Config, x: Tensor): Tensor =>
  rmsNorm(x, p.get('weight', [c.width], ones), c.epsilon);

/** Without the usual division by √d: T5's initialisation makes up for it. */
function selfAttention(p: Params, c: T5Config, x: Tensor, mask: Tensor): Tensor {
  const inner = c.heads * c.headWidth;
  const [q, k, v] = projectHeads(p.at('qkv'), x, inner, c.heads, 3, { bias: false }); // (B, heads, T, headWidth)
  const scores = add(matmul(q, k, { transposeB: true }), mask); // (B, heads, T, T)
  const read = mergeHeads(matmul(softmax(scores), v)); // (B, T, inner)
  return linear(read, p.get('out.weight', [inner, c.width], normal(1 / Math.sqrt(inner))));
}

function feedForward(p: Params, c: T5Config, x: Tensor): Tensor {
  const activation = c.activation === 'relu' ? relu : geluTanh;
  const wide = c.gated ? 2 * c.hidden : c.hidden;
  const all = linear(x, p.get('in.weight', [c.width, wide], normal(1 / Math.sqrt(c.width))));
  const [gate, value] = c.gated ? split(all, 2, [c.hidden, c.hidden]) : [all];
  const read = value ? mul(activation(gate), value) : activation(gate);
  return linear(read, p.get('out.weight', [c.hidden, c.width], normal(1 / Math.sqrt(c.hidden))));
}

/** A learnt bias for each head and bucket of distances: (1, heads, T, T). */
function positionBias(p: Params, c: T5Config, t: number): Tensor {
  const table = p.get('positions.weight', [c.buckets, c.heads], normal(1 / Math.sqrt(c.width)));
  const buckets = Int32Array.from({ length: t * t }, (_, i) => bucketOf((i % t) - Math.floor(i / t), c));
  const bias = lookUp(table, constant(buckets, [t * t], 'int32')); // (T·T, heads)
  return reshape(bias.transpose([1, 0]), [1, c.heads, t, t]);
}

/**
 * The bucket of a distance (key's place less the query's), as T5 has it for both directions: half of the buckets for keys that come
 * later; of each half, one for each small distance, then wider and wider ones up to `maxDistance`.
 */
export function bucketOf(
  distance: number,
  { buckets, maxDistance }: Pick<T5Config, 'buckets' | 'maxDistance'>,
): number {
  const half = Math.floor(buckets / 2);
  const exact = Math.floor(half / 2);
  const far = Math.abs(distance);
  const later = distance > 0 ? half : 0;
  if (far < exact) return later + far;
  const wide = Math.floor((Math.log(far / exact) / Math.log(maxDistance / exact)) * (half - exact));
  return later + Math.min(half - 1, exact + wide);
}
