import {
  add,
  concat,
  constant,
  conv2d,
  expand,
  layerNorm,
  mul,
  normal,
  ones,
  type Params,
  pad,
  relu,
  spaceToDepth,
  sqrt,
  sub,
  type Tensor,
  zeros,
} from '../../tensor/index.ts';

export interface PyramidConfig {
  channels: number[];
  depths: number[];
}

/**
 * A small convolution network: every stage halves the grid by moving 2×2 pixels into channels, mixes them by a 3×3 convolution, and
 * adds `depth` residual ones; all are normalised over the image. Besides its colours it is shown where the picture has edges,
 * whatever their colour: shapes are then learnt in a fraction of the steps.
 * Pixels (B, H, W, 3) to tokens (B, H·W / 4^stages, channels of the last stage).
 */
export function pyramid(p: Params, { channels, depths }: PyramidConfig, pixels: Tensor): Tensor {
  let x = pixels.transpose([0, 3, 1, 2]); // (B, C, H, W)
  x = concat([x, edges(x)], 1);
  for (const [stage, width] of channels.entries()) {
    const at = p.at(`stages.${stage}`);
    x = convolve(at.at('merge'), spaceToDepth(x, 2), width);
    for (let i = 0; i < (depths[stage] ?? 1); i++) x = add(x, convolve(at.at(`blocks.${i}`), x, width));
  }
  const [b, c, h, w] = x.shape;
  return x.reshape([b, c, h * w]).transpose();
}

/** 3×3 convolution, normalisation over the image, ReLU. */
function convolve(p: Params, x: Tensor, width: number): Tensor {
  const weight = p.get('weight', [width, x.shape[1], 3, 3], normal(Math.sqrt(2 / (x.shape[1] * 9))));
  return relu(normaliseImage(p.at('norm'), conv2d(x, weight, undefined, { padding: 1 })));
}

/** Group normalisation with one group, by the kernel of layer normalisation. */
function normaliseImage(p: Params, x: Tensor): Tensor {
  const [b, c, h, w] = x.shape;
  const size = [c * h * w];
  const normal = layerNorm(x.reshape([b, ...size]), expand(constant(1), size), expand(constant(0), size));
  const scaled = mul(normal.reshape(x.shape), p.get('weight', [1, c, 1, 1], ones));
  return add(scaled, p.get('bias', [1, c, 1, 1], zeros));
}

/** Length of the colour gradient at each pixel of (B, 3, H, W): (B, 1, H, W). */
function edges(x: Tensor): Tensor {
  const [across, down] = [3, 2].map((axis) => pad(sub(x.slice(axis, 1), x.slice(axis, 0, -1)), axis, 0, 1));
  return sqrt(add(add(across.square(), down.square()).sum([1], { keepDims: true }), 1e-4));
}
