/**
 * Tiny autoencoders of the TAESD family (Ollin Boer Bohan, github.com/madebyollin/taesd): latents of Stable Diffusion, FLUX and others,
 * read and drawn by some 1.3 million parameters each way. Pictures are (B, 3, H, W) in [0, 1], latents (B, L, H / 8, W / 8); nothing is
 * scaled or shifted between them. A parameter's path is its name in the published files: the position in the stack of layers.
 */
import {
  add,
  conv2d,
  expand,
  groupNorm,
  mul,
  normal,
  ones,
  type Params,
  relu,
  reshape,
  type Tensor,
  tanh,
  zeros,
} from '../../tensor/index.ts';

export interface TaesdConfig {
  /** Channels L of a latent: 4 (Stable Diffusion), 16 (SD 3, FLUX.1), 32 (FLUX.2). */
  latentChannels: number;
  /** The blocks nearest to the latents see a wide layer of their own first (FLUX.2). */
  pooled: boolean;
}

/** Width of every layer, and of the pooled ones; groups of the latters' norm. */
const WIDTH = 64;
const WIDE = 256;
const GROUPS = 4;

/** Pictures to latents: three times halved, three blocks each. */
export function taesdEncode(p: Params, { latentChannels, pooled }: TaesdConfig, x: Tensor): Tensor {
  x = block(p.at(1), conv(p.at(0), x, WIDTH));
  for (const at of [2, 6, 10]) {
    x = conv(p.at(at), x, WIDTH, { stride: 2, bias: false });
    for (let i = at + 1; i <= at + 3; i++) x = block(p.at(i), x, pooled && at === 10);
  }
  return conv(p.at(14), x, latentChannels);
}

/** Latents to pictures, about in [0, 1]: clamp them. */
export function taesdDecode(p: Params, { pooled }: TaesdConfig, x: Tensor): Tensor {
  x = mul(tanh(mul(x, 1 / 3)), 3); // no latent is far from 0
  x = relu(conv(p.at(1), x, WIDTH));
  for (const at of [3, 8, 13]) {
    for (let i = at; i <= at + 2; i++) x = block(p.at(i), x, pooled && at === 3);
    x = conv(p.at(at + 4), doubled(x), WIDTH, { bias: false });
  }
  return conv(p.at(19), block(p.at(18), x), 3);
}

function conv(p: Params, x: Tensor, channels: number, { stride = 1, bias = true, side = 3 } = {}): Tensor {
  const from = x.shape[1];
  const weight = p.get('weight', [channels, from, side, side], normal(1 / Math.sqrt(from * side * side)));
  const offset = bias ? p.get('bias', [channels], zeros) : undefined;
  return conv2d(x, weight, offset, { stride, padding: (side - 1) / 2 });
}

/** ReLU(three convolutions of x, plus x). */
function block(p: Params, x: Tensor, pooled = false): Tensor {
  if (pooled) x = add(x, pool(p.at('pool'), x));
  let y = relu(conv(p.at('conv.0'), x, WIDTH));
  y = relu(conv(p.at('conv.2'), y, WIDTH));
  return relu(add(conv(p.at('conv.4'), y, WIDTH), x));
}

function pool(p: Params, x: Tensor): Tensor {
  const wide = conv(p.at(0), x, WIDE, { side: 1, bias: false });
  const even = groupNorm(wide, GROUPS, p.get('1.weight', [WIDE], ones), p.get('1.bias', [WIDE], zeros));
  return conv(p.at(3), relu(even), WIDTH, { side: 1, bias: false });
}

/** Every pixel four times (nearest neighbour). */
function doubled(x: Tensor): Tensor {
  const [b, c, h, w] = x.shape;
  return reshape(expand(reshape(x, [b, c, h, 1, w, 1]), [b, c, h, 2, w, 2]), [b, c, 2 * h, 2 * w]);
}
