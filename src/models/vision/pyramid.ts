import {
  abs,
  add,
  concat,
  constant,
  conv2d,
  div,
  expand,
  layerNorm,
  mul,
  normal,
  ones,
  type Params,
  pad,
  relu,
  spaceToDepth,
  sub,
  type Tensor,
  zeros,
} from '../../tensor/index.ts';

export interface Stage {
  /** The grid becomes this many times coarser: blocks of stride × stride cells move into channels. */
  stride: number;
  /** Side of the kernels, odd. */
  kernel: number;
  channels: number;
  /** Residual blocks of the same size after it. */
  blocks: number;
}

/**
 * A small convolution network, normalised over the image throughout. Besides its colours it is shown where the picture has edges
 * and which way they run. A first stage that only gathers these in cells, and a second one with kernels as large as things are,
 * make it a bank of templates over oriented edges, as in Dalal & Triggs (2005) but learnt: shapes are then learnt from thousands of
 * pictures rather than hundreds of thousands.
 * Pixels (B, H, W, 3), about −1…1, to tokens (B, cells, channels of the last stage).
 */
export function pyramid(p: Params, { stages }: { stages: readonly Stage[] }, pixels: Tensor): Tensor {
  let x = pixels.transpose([0, 3, 1, 2]); // (B, C, H, W)
  x = concat([x, orientedEdges(x)], 1);
  for (const [i, { stride, blocks, ...size }] of stages.entries()) {
    const at = p.at(`stages.${i}`);
    x = convolve(at.at('merge'), stride > 1 ? spaceToDepth(x, stride) : x, size);
    for (let j = 0; j < blocks; j++) x = add(x, convolve(at.at(`blocks.${j}`), x, size));
  }
  const [b, c, h, w] = x.shape;
  return x.reshape([b, c, h * w]).transpose();
}

/** Convolution, normalisation over the image, ReLU. */
function convolve(p: Params, x: Tensor, { kernel, channels }: Pick<Stage, 'kernel' | 'channels'>): Tensor {
  const fanIn = x.shape[1] * kernel * kernel;
  const weight = p.get('weight', [channels, x.shape[1], kernel, kernel], normal(Math.sqrt(2 / fanIn)));
  return relu(normaliseImage(p.at('norm'), conv2d(x, weight, undefined, { padding: (kernel - 1) / 2 })));
}

/** Group normalisation with one group, by the kernel of layer normalisation. */
function normaliseImage(p: Params, x: Tensor): Tensor {
  const [b, c, h, w] = x.shape;
  const size = [c * h * w];
  const normal = layerNorm(x.reshape([b, ...size]), expand(constant(1), size), expand(constant(0), size));
  const scaled = mul(normal.reshape(x.shape), p.get('weight', [1, c, 1, 1], ones));
  return add(scaled, p.get('bias', [1, c, 1, 1], zeros));
}

const ORIENTATIONS = 8;
/** Pixels to each side over which the strength of edges is evened out. */
const REACH = 4;
/** Strength below which an edge counts as noise. */
const FAINT = 0.1;

/**
 * How strong the edges are at each pixel of (B, C, H, W) in each of eight directions, summed over colours and divided by the mean
 * of their neighbourhood, so that a grey star on black counts as much as a white one: (B, 8, H, W), about 0…1.
 */
function orientedEdges(x: Tensor): Tensor {
  const [across, down] = [3, 2].map((axis) => pad(sub(x.slice(axis, 1), x.slice(axis, 0, -1)), axis, 0, 1));
  const directions = Array.from({ length: ORIENTATIONS }, (_, k) => (Math.PI * k) / ORIENTATIONS);
  const strengths = directions.map((angle) =>
    abs(add(mul(across, Math.cos(angle)), mul(down, Math.sin(angle)))).sum([1], { keepDims: true }),
  );
  const edges = concat(strengths, 1);
  const side = 2 * REACH + 1;
  const box = constant(new Float32Array(side * side).fill(1 / (side * side)), [1, 1, side, side], 'float32');
  const around = conv2d(edges.sum([1], { keepDims: true }), box, undefined, { padding: REACH });
  return mul(div(edges, add(around, FAINT)), 0.5);
}
