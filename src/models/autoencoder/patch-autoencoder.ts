/**
 * An autoencoder of patches, small enough to train on two cores: a transformer over square patches to a few numbers for each, and a
 * transformer back. The latents are kept near standard normal by a weak Kullback–Leibler term (Kingma & Welling 2014; Rombach et al. 2022).
 *
 *   picture (B, S, S, 3) ─► patches ─► N × block ─► mean and spread of z (B, S/f, S/f, L) ─► N × block ─► patches ─► picture
 */
import { z } from 'zod';
import { attend, layerNorm, linear, mergeHeads, mlp, projectHeads } from '../../nn/index.ts';
import {
  add,
  exp,
  maximum,
  minimum,
  mul,
  type Params,
  patchify,
  randomLike,
  reshape,
  rotate,
  split,
  sub,
  type Tensor,
  unpatchify,
} from '../../tensor/index.ts';
import { gridAngles } from '../rotation.ts';

const count = z.number().int().positive();

export const autoencoderConfigSchema = z
  .strictObject({
    /** Side of a patch: pixels along a side of a latent's cell. */
    factor: count.max(64).default(4),
    /** Numbers of a cell. */
    channels: count.max(1024).default(8),
    width: count.max(16_384).default(128),
    layers: z.number().int().min(0).max(100).default(2),
    heads: count.max(1024).default(4),
    /** Weight of the Kullback–Leibler term beside the squared error. */
    kl: z.number().min(0).max(1).default(1e-4),
  })
  .refine(({ width, heads }) => width % heads === 0 && (width / heads) % 4 === 0, {
    path: ['heads'],
    error: 'it must divide "width" into heads whose width is a multiple of 4',
  });
export type AutoencoderConfig = z.infer<typeof autoencoderConfigSchema>;

/** Mean and logarithm of the variance of the latents of pictures (B, S, S, 3) in [−1, 1], each (B, S/f, S/f, L). */
export function encodePatches(
  p: Params,
  c: AutoencoderConfig,
  x: Tensor,
): [mean: Tensor, logVariance: Tensor] {
  const [b, s] = x.shape;
  const side = s / c.factor;
  const y = layers(p, c, linear(p.at('in'), patchify(x, c.factor), c.width), side); // (B, N, W)
  const out = linear(p.at('out'), layerNorm(p.at('norm'), y), 2 * c.channels);
  const [mean, spread] = split(reshape(out, [b, side, side, 2 * c.channels]), 3, [c.channels, c.channels]);
  return [mean, minimum(maximum(spread, -12), 4)];
}

/** Pictures about in [−1, 1] of latents (B, S/f, S/f, L). */
export function decodePatches(p: Params, c: AutoencoderConfig, latents: Tensor): Tensor {
  const [b, side] = latents.shape;
  const y = layers(p, c, linear(p.at('in'), reshape(latents, [b, side * side, c.channels]), c.width), side);
  const out = linear(p.at('out'), layerNorm(p.at('norm'), y), 3 * c.factor * c.factor);
  return unpatchify(out, c.factor, side * c.factor, side * c.factor);
}

/** Squared error of the picture that comes back from noised latents, and what these cost. */
export function autoencoderLoss(p: Params, c: AutoencoderConfig, x: Tensor): { loss: Tensor; error: Tensor } {
  const [mean, logVariance] = encodePatches(p.at('encoder'), c, x);
  const deviation = exp(mul(logVariance, 0.5));
  const latents = add(mean, mul(deviation, randomLike(mean.shape, { kind: 'normal' })));
  const error = sub(decodePatches(p.at('decoder'), c, latents), x)
    .square()
    .mean();
  // ½ Σ (μ² + σ² − log σ² − 1), in the mean over all numbers of the latents.
  const cost = sub(add(mean.square(), exp(logVariance)), add(logVariance, 1))
    .mean()
    .mul(0.5);
  return { loss: add(error, mul(cost, c.kl)), error };
}

/** Pre-norm transformer blocks with rotary positions over the grid. */
function layers(p: Params, c: AutoencoderConfig, x: Tensor, side: number): Tensor {
  const angles = gridAngles(side, c.width / c.heads);
  for (let i = 0; i < c.layers; i++) {
    const at = p.at(i);
    const [q, k, v] = projectHeads(at.at('qkv'), layerNorm(at.at('norm1'), x), c.width, c.heads, 3);
    x = add(
      x,
      linear(at.at('attention'), mergeHeads(attend(rotate(q, angles), rotate(k, angles), v)), c.width),
    );
    x = add(x, mlp(at.at('mlp'), layerNorm(at.at('norm2'), x)));
  }
  return x;
}
