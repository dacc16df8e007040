import {
  add,
  conv2d,
  mul,
  normal,
  type Params,
  relu,
  spaceToDepth,
  type Tensor,
  zeros,
} from '../../tensor/index.ts';

export interface PyramidConfig {
  channels: number[];
  depths: number[];
}

/**
 * A small residual convolution network without normalisation: every stage halves the grid by moving 2×2 pixels into channels,
 * then adds `depth` blocks x + g · conv1×1(relu(conv3×3(x))) whose gain g starts small (after SkipInit, De & Smith 2020).
 * Pixels (B, H, W, 3) to tokens (B, H·W / 4^stages, channels of the last stage).
 */
export function pyramid(p: Params, { channels, depths }: PyramidConfig, pixels: Tensor): Tensor {
  let x = pixels.transpose([0, 3, 1, 2]); // (B, C, H, W)
  for (const [stage, width] of channels.entries()) {
    const at = p.at(`stages.${stage}`);
    x = relu(conv(at.at('merge'), spaceToDepth(x, 2), width, 1));
    for (let i = 0; i < (depths[stage] ?? 1); i++) {
      const block = at.at(`blocks.${i}`);
      const y = conv(block.at('out'), relu(conv(block.at('in'), x, width, 3)), width, 1);
      x = add(x, mul(y, block.get('gain', [1], { kind: 'constant', value: 0.3 })));
    }
  }
  const [b, c, h, w] = x.shape;
  return x.reshape([b, c, h * w]).transpose();
}

function conv(p: Params, x: Tensor, width: number, kernel: number): Tensor {
  const from = x.shape[1];
  const weight = p.get(
    'weight',
    [width, from, kernel, kernel],
    normal(Math.sqrt(2 / (from * kernel * kernel))),
  );
  return conv2d(x, weight, p.get('bias', [width], zeros), { padding: (kernel - 1) / 2 });
}
