import { apply, constant, int64s, shapeError, type Tensor } from '../tensor.ts';
import { gather } from './index-ops.ts';
import { matmul } from './matmul.ts';
import { sum } from './reduce.ts';
import { pad, reshape, slice, stack, transpose } from './shape.ts';

export interface ConvOptions {
  stride?: number;
  /** Zeros on each side. */
  padding?: number;
  /** Input channels are cut into this many independent groups. The gradients exist for 1 only. */
  groups?: number;
}

/**
 * 2-D convolution (cross-correlation) of (B, C, H, W) with (O, C / groups, kh, kw) and bias (O). With stride 1 the gradients are
 * a convolution and kh · kw matrix products; with a larger stride they are right but slow.
 */
export function conv2d(x: Tensor, weight: Tensor, bias?: Tensor, options: ConvOptions = {}): Tensor {
  const { stride = 1, padding = 0, groups = 1 } = options;
  const [b, c, h, w] = x.shape;
  const [o, cg, kh, kw] = weight.shape;
  if (x.rank !== 4 || weight.rank !== 4 || c !== cg * groups) {
    throw shapeError('conv2d', `[${x.shape}] with kernels [${weight.shape}] in ${groups} groups`);
  }
  const oh = Math.floor((h + 2 * padding - kh) / stride) + 1;
  const ow = Math.floor((w + 2 * padding - kw) / stride) + 1;
  const pads = [padding, padding, padding, padding];
  const attributes = { strides: [stride, stride], pads, group: groups };
  return apply(
    'Conv',
    bias ? [x, weight, bias] : [x, weight],
    { shape: [b, o, oh, ow], attributes },
    (dy) => {
      if (groups !== 1)
        throw shapeError('conv2d', 'the gradient of a grouped convolution is not implemented');
      const own = stride === 1 ? unstrided(x, weight, dy, padding) : strided(x, weight, dy, stride, pads);
      return [...own, ...(bias ? [sum(dy, [0, 2, 3])] : [])];
    },
  );
}

function unstrided(x: Tensor, weight: Tensor, dy: Tensor, padding: number): [Tensor, Tensor] {
  const [b, c] = x.shape;
  const [o, , kh, kw] = weight.shape;
  const [, , oh, ow] = dy.shape;
  // dx correlates dy with the kernels turned by 180°, input and output channels exchanged.
  const turned = gather(
    transpose(weight.reshape([o, c, kh * kw]), [2, 0, 1]),
    constant(
      Int32Array.from({ length: kh * kw }, (_, i) => kh * kw - 1 - i),
      [kh * kw],
      'int32',
    ),
  );
  const back = [kh - 1 - padding, kw - 1 - padding, kh - 1 - padding, kw - 1 - padding];
  const dx = apply('Conv', [dy, transpose(turned, [2, 1, 0]).reshape([c, o, kh, kw])], {
    shape: x.shape,
    attributes: { pads: back },
  });
  // dW at each kernel position is one product of dy with the input shifted by that position.
  const rows = reshape(transpose(dy, [1, 0, 2, 3]), [o, b * oh * ow]);
  const wide = pad(pad(transpose(x, [1, 0, 2, 3]), 2, padding, padding), 3, padding, padding);
  const parts: Tensor[] = [];
  for (let y = 0; y < kh; y++) {
    for (let z = 0; z < kw; z++) {
      const whole = y === 0 && z === 0 && wide.shape[2] === oh && wide.shape[3] === ow;
      const shifted = whole
        ? wide
        : apply('Slice', [wide, int64s([y, z]), int64s([y + oh, z + ow]), int64s([2, 3])], {
            shape: [c, b, oh, ow],
          });
      parts.push(matmul(rows, reshape(shifted, [c, b * oh * ow]), { transposeB: true }));
    }
  }
  return [dx, reshape(stack(parts, 2), weight.shape)];
}

function strided(x: Tensor, weight: Tensor, dy: Tensor, stride: number, pads: number[]): [Tensor, Tensor] {
  const [, c, h, w] = x.shape;
  const [o, , kh, kw] = weight.shape;
  const rest = [h, w].map(
    (size, i) => size - ((dy.shape[2 + i] - 1) * stride + weight.shape[2 + i] - 2 * pads[0]),
  );
  const dx = apply('ConvTranspose', [dy, weight], {
    shape: x.shape,
    attributes: { strides: [stride, stride], pads, output_padding: rest },
  });
  // dW correlates the input with dy: channels act as batch, and the stride becomes a dilation.
  const wide = apply('Conv', [transpose(x, [1, 0, 2, 3]), transpose(dy, [1, 0, 2, 3])], {
    shape: [c, o, kh + rest[0], kw + rest[1]],
    attributes: { dilations: [stride, stride], pads },
  });
  return [dx, transpose(slice(slice(wide, 2, 0, kh), 3, 0, kw), [1, 0, 2, 3])];
}

/** Moves blocks of p × p pixels into channels: (B, C, H, W) to (B, p·p·C, H / p, W / p). */
export function spaceToDepth(x: Tensor, p: number): Tensor {
  const [b, c, h, w] = x.shape;
  if (h % p !== 0 || w % p !== 0)
    throw shapeError('spaceToDepth', `[${x.shape}] is not divisible into ${p}×${p} blocks`);
  return apply(
    'SpaceToDepth',
    [x],
    { shape: [b, c * p * p, h / p, w / p], attributes: { blocksize: p } },
    (dy) => [depthToSpace(dy, p)],
  );
}

/** The inverse of `spaceToDepth`. */
export function depthToSpace(x: Tensor, p: number): Tensor {
  const [b, c, h, w] = x.shape;
  return apply(
    'DepthToSpace',
    [x],
    { shape: [b, c / (p * p), h * p, w * p], attributes: { blocksize: p, mode: 'DCR' } },
    (dy) => [spaceToDepth(dy, p)],
  );
}
