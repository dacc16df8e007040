/**
 * The network that draws: a diffusion transformer (DiT, Peebles & Xie 2023) with cross-attention to the words of a prompt, in place of
 * paper A's U-Net, so that everything is a matrix product.
 *
 *   noised picture (B, S, S, C) ─► patches ─► N × [ attention, cross-attention to the text, feed-forward ] ─► what it predicts (B, S, S, C)
 *                          time t (B) and the text as a whole ─► scale, shift and gate of every layer (adaLN-zero)
 */
import { attend, block, embedding, linear, mergeHeads, layerNorm as norm, paddingMask, projectHeads } from '../../nn/index.ts'; // biome-ignore format: one line
import {
  add,
  concat,
  constant,
  cos,
  div,
  geluTanh,
  layerNorm,
  matmul,
  maximum,
  mul,
  normal,
  type Params,
  pad,
  patchify,
  relu,
  reshape,
  rotate,
  silu,
  sin,
  softmax,
  split,
  sum,
  type Tensor,
  unpatchify,
  zeros,
} from '../../tensor/index.ts';
import { gridAngles } from '../rotation.ts';
import type { DiffusionConfig } from './config.ts';

/** What is to be drawn. */
export interface Conditions {
  /**
   * The words of prompts: vectors (B / n, T, text.width), and 1 (B / n, T) for those that are there. The pictures of one prompt, n of
   * them, follow one another: its words are read but once.
   */
  words?: { text: Tensor; valid: Tensor };
  /** Laid over the picture, one vector for each patch: (B, N, overlay). */
  overlay?: Tensor;
}

/**
 * Tokens (B, T) int32 as vectors in their places, by an encoder that is trained with the network. What belongs together stands together
 * ("a red circle at the top"), so that each layer first reads a few tokens on either side.
 */
export function encodeText(p: Params, { text: c }: DiffusionConfig, tokens: Tensor, valid: Tensor): Tensor {
  const [b, t] = tokens.shape;
  let x = embedding(p.at('tokens'), tokens, c.vocabulary, c.width, 0.5);
  const places = p.get('positions.weight', [c.maxTokens, c.width], normal(0.02)).slice(0, 0, t);
  x = add(x, reshape(places, [1, t, c.width]));
  const mask = paddingMask(valid);
  const there = reshape(valid, [b, t, 1]);
  for (let i = 0; i < c.layers; i++) {
    if (c.window > 0) x = add(x, around(p.at(i), mul(norm(p.at(i).at('local.norm'), x), there), c.window));
    x = block(p.at(i), x, { heads: c.heads, mask });
  }
  return x;
}

/** Each token (B, T, C) from itself and `window` on either side: a convolution along the text, as matrix products. */
function around(p: Params, x: Tensor, window: number): Tensor {
  const [, t, c] = x.shape;
  const padded = pad(x, 1, window, window);
  const seen = Array.from({ length: 2 * window + 1 }, (_, i) => padded.slice(1, i, i + t));
  return linear(p.at('local.out'), geluTanh(linear(p.at('local.in'), concat(seen, 2), c)), c);
}

/**
 * What the network predicts of noised pictures `x` (B, S, S, C) at times `t` (B), 0 the picture and 1 pure noise.
 * As initialised it predicts 0, and every layer passes its input on.
 */
export function diffuse(
  p: Params,
  c: DiffusionConfig,
  x: Tensor,
  t: Tensor,
  { words, overlay }: Conditions,
): Tensor {
  const side = c.size / c.patch;
  let condition = linear(p.at('time.out'), silu(linear(p.at('time.in'), waves(t, 128), c.width)), c.width); // (B, W)
  let read: Words | undefined;
  if (words) {
    const { valid } = words;
    const vectors = linear(p.at('words'), norm(p.at('words.norm'), words.text), c.width); // (B, T, W)
    const there = sum(mul(vectors, reshape(valid, [...valid.shape, 1])), [1]);
    const whole = div(there, maximum(sum(valid, [1], { keepDims: true }), 1)); // (B, W)
    const said = linear(p.at('whole'), norm(p.at('whole.norm'), whole), c.width);
    const draws = condition.shape[0] / said.shape[0];
    const parts = reshape(condition, [-1, draws, c.width]);
    condition = reshape(add(parts, reshape(said, [-1, 1, c.width])), condition.shape);
    read = { vectors, mask: paddingMask(valid) };
  }
  condition = silu(condition);
  let y = linear(p.at('patches'), patchify(x, c.patch), c.width); // (B, N, W)
  y = add(y, constant(grid(side, c.width), [1, side * side, c.width], 'float32'));
  if (overlay) y = add(y, linear(p.at('overlay'), overlay, c.width));
  for (let i = 0; i < c.layers; i++) y = layer(p.at(i), c, y, read, condition, side);
  const [shift, scale] = modulation(p.at('last'), condition, c.width, 2);
  const rows = linear(p.at('out'), modulated(y, shift, scale), c.channels * c.patch ** 2, { init: zeros });
  return unpatchify(rows, c.patch, c.size, c.size);
}

interface Words {
  vectors: Tensor;
  mask: Tensor;
}

function layer(
  p: Params,
  c: DiffusionConfig,
  x: Tensor,
  words: Words | undefined,
  condition: Tensor,
  side: number,
): Tensor {
  const [shift1, scale1, gate1, shift2, scale2, gate2] = modulation(p, condition, c.width, 6);
  const [q, k, v] = projectHeads(p.at('self.qkv'), modulated(x, shift1, scale1), c.width, c.heads, 3); // (B, heads, N, d)
  const turn = gridAngles(side, c.width / c.heads);
  const scores = matmul(rotate(q, turn), rotate(k, turn), {
    transposeB: true,
    alpha: 1 / Math.sqrt(c.width / c.heads),
  });
  const seen = linear(p.at('self.out'), mergeHeads(matmul(softmax(scores), v)), c.width);
  x = add(x, mul(seen, gate1));
  if (words) {
    // Sharp from the start: a patch looks at a few words, not at the mean of all, so that it can learn what these say of it.
    const init = normal(3 / Math.sqrt(c.width));
    const asking = reshape(normalised(x), [words.vectors.shape[0], -1, c.width]); // pictures of one text, one after the other
    const [asked] = projectHeads(p.at('cross.q'), asking, c.width, c.heads, 1, { init });
    const [keys, values] = projectHeads(p.at('cross.kv'), words.vectors, c.width, c.heads, 2);
    const read = mergeHeads(attend(asked, keys, values, { mask: words.mask }));
    const told = linear(p.at('cross.out'), read, c.width, { init: zeros }); // no gate: what is read begins at 0 as well
    x = add(x, reshape(told, x.shape));
  }
  const hidden = relu(
    linear(p.at('mlp.in'), modulated(x, shift2, scale2), Math.round(c.width * c.ratio)),
  ).square();
  return add(x, mul(linear(p.at('mlp.out'), hidden, c.width), gate2));
}

/** Numbers that the condition (B, W) gives for every channel, each (B, 1, W); 0 at first (adaLN-zero). */
function modulation(p: Params, condition: Tensor, width: number, parts: number): Tensor[] {
  const all = linear(p.at('modulation'), condition, width * parts, { init: zeros });
  return split(reshape(all, [condition.shape[0], 1, width * parts]), 2, Array(parts).fill(width));
}

const modulated = (x: Tensor, shift: Tensor, scale: Tensor): Tensor =>
  add(mul(normalised(x), add(scale, 1)), shift);

/** Layer norm without weights of its own. */
function normalised(x: Tensor): Tensor {
  const width = x.shape[x.rank - 1];
  const flat = (value: number) => constant(new Float32Array(width).fill(value), [width], 'float32');
  return layerNorm(x, flat(1), flat(0), 1e-6);
}

/** Times (B) in [0, 1] as sines and cosines (B, 2 · half) of many frequencies (Vaswani et al. 2017). */
function waves(t: Tensor, half: number): Tensor {
  const frequencies = Float32Array.from(
    { length: half },
    (_, i) => 1000 * Math.exp((-Math.log(10_000) * i) / half),
  );
  const angles = mul(reshape(t, [t.shape[0], 1]), constant(frequencies, [1, half], 'float32'));
  return concat([cos(angles), sin(angles)], 1);
}

/**
 * Where each patch is, as waves over rows and columns: (N, width). Wavelengths go from two patches to four times the side: longer ones,
 * made for texts, would say the same of every patch.
 */
function grid(side: number, width: number): Float32Array {
  const quarter = Math.floor(width / 4);
  const out = new Float32Array(side * side * width);
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++)
      for (let i = 0; i < quarter; i++) {
        const frequency = Math.PI * (2 * side) ** (-i / quarter);
        const at = (row * side + column) * width + i;
        out[at] = Math.sin(row * frequency);
        out[at + quarter] = Math.cos(row * frequency);
        out[at + 2 * quarter] = Math.sin(column * frequency);
        out[at + 3 * quarter] = Math.cos(column * frequency);
      }
  return out;
}
