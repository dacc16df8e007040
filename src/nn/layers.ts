/** The layers every network here is made of. Parameters are declared where they are used. */
import {
  add,
  linear as affine,
  constant,
  dropout,
  gelu,
  type Init,
  embedding as lookUp,
  matmul,
  normal,
  layerNorm as normalise,
  ones,
  type Params,
  softmax,
  split,
  type Tensor,
  zeros,
} from '../tensor/index.ts';

export interface LinearOptions {
  bias?: boolean;
  init?: Init;
}

/** Affine map of the last axis to `width`. Weights (in, out): normal with standard deviation 1/√in unless told otherwise. */
export function linear(
  p: Params,
  x: Tensor,
  width: number,
  { bias = true, init }: LinearOptions = {},
): Tensor {
  const from = x.shape[x.rank - 1];
  const weight = p.get('weight', [from, width], init ?? normal(1 / Math.sqrt(from)));
  return affine(x, weight, bias ? p.get('bias', [width], zeros) : undefined);
}

export function layerNorm(p: Params, x: Tensor): Tensor {
  const width = x.shape[x.rank - 1];
  return normalise(x, p.get('weight', [width], ones), p.get('bias', [width], zeros));
}

/** Rows of a table (count, width) for integer tokens. */
export function embedding(p: Params, tokens: Tensor, count: number, width: number, std = 0.02): Tensor {
  return lookUp(p.get('weight', [count, width], normal(std)), tokens);
}

export interface AttentionOptions {
  heads: number;
  /** Keys and values come from here (B, S, C') instead of from `x`: cross-attention. */
  context?: Tensor;
  /** Additive mask, broadcast to (B, heads, T, S): 0 to see, a large negative number to hide. */
  mask?: Tensor;
  dropout?: number;
}

/** Multi-head attention (Vaswani et al. 2017) of x (B, T, C); returns (B, T, C). */
export function attention(
  p: Params,
  x: Tensor,
  { heads, context, mask, dropout: rate = 0 }: AttentionOptions,
): Tensor {
  const c = x.shape[2];
  const [q, k, v] = context
    ? [...projectHeads(p.at('q'), x, c, heads, 1), ...projectHeads(p.at('kv'), context, c, heads, 2)]
    : projectHeads(p.at('qkv'), x, c, heads, 3);
  const y = attend(q, k, v, { mask, dropout: rate }); // (B, heads, T, C / heads)
  return linear(p.at('out'), mergeHeads(y), c);
}

/** `parts` projections of x (B, T, ·) to `width`, cut into heads: each (B, heads, T, width / heads). One matrix product. */
export function projectHeads(
  p: Params,
  x: Tensor,
  width: number,
  heads: number,
  parts: number,
  options: LinearOptions = {},
): Tensor[] {
  const [b, t] = x.shape;
  const all = linear(p, x, width * parts, options).reshape([b, t, parts, heads, width / heads]);
  return split(all.transpose([2, 0, 3, 1, 4]), 0, Array(parts).fill(1)).map((part) =>
    part.reshape([b, heads, t, width / heads]),
  );
}

/** softmax(q·kᵀ/√d + mask)·v over (B, heads, T, d). */
export function attend(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: { mask?: Tensor; dropout?: number } = {},
): Tensor {
  const size = q.shape[q.rank - 1];
  const scores = matmul(q, k, { transposeB: true, alpha: 1 / Math.sqrt(size) }); // (B, heads, T, S)
  const weights = softmax(options.mask ? add(scores, options.mask) : scores);
  return matmul(dropout(weights, options.dropout ?? 0), v);
}

/** (B, heads, T, d) to (B, T, heads · d). */
export function mergeHeads(x: Tensor): Tensor {
  const [b, heads, t, size] = x.shape;
  return x.transpose([0, 2, 1, 3]).reshape([b, t, heads * size]);
}

/** What a hidden position scores: far below any real score, yet finite, so that a row of them is no NaN. */
export const HIDDEN = -1e9;

/** Additive mask (T, T): position t sees 0 … t. */
export function causalMask(t: number): Tensor {
  const mask = new Float32Array(t * t);
  for (let i = 0; i < t; i++) mask.fill(HIDDEN, i * t + i + 1, (i + 1) * t);
  return constant(mask, [t, t], 'float32');
}

/** Additive mask (B, 1, 1, S) from 1 (real) and 0 (padding) of shape (B, S). */
export function paddingMask(valid: Tensor): Tensor {
  const [b, s] = valid.shape;
  return valid.sub(1).mul(-HIDDEN).reshape([b, 1, 1, s]);
}

export interface MlpOptions {
  /** Hidden width as a multiple of the input's. */
  ratio?: number;
  activation?: (x: Tensor) => Tensor;
}

/** Linear, activation, linear. */
export function mlp(p: Params, x: Tensor, { ratio = 4, activation = gelu }: MlpOptions = {}): Tensor {
  const c = x.shape[x.rank - 1];
  return linear(p.at('out'), activation(linear(p.at('in'), x, c * ratio)), c);
}

export interface BlockOptions extends AttentionOptions, MlpOptions {}

/** Pre-norm transformer block: x + attention(norm(x)), then x + mlp(norm(x)). */
export function block(p: Params, x: Tensor, options: BlockOptions): Tensor {
  const rate = options.dropout ?? 0;
  x = x.add(dropout(attention(p.at('attention'), layerNorm(p.at('norm1'), x), options), rate)); // (B, T, C)
  return x.add(dropout(mlp(p.at('mlp'), layerNorm(p.at('norm2'), x), options), rate)); // (B, T, C)
}
