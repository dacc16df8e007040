import { sizeOf } from '../dtype.ts';
import { apply, applyMany, constant, int64s, type Shape, shapeError, type Tensor } from '../tensor.ts';
import { sumTo } from './elementwise.ts';

/** The same elements in another shape; one dimension may be −1. */
export function reshape(x: Tensor, to: Shape): Tensor {
  const known = to.reduce((size, dim) => (dim === -1 ? size : size * dim), 1);
  const shape = to.map((dim) => (dim === -1 ? sizeOf(x.shape) / known : dim));
  if (sizeOf(shape) !== sizeOf(x.shape)) throw shapeError('reshape', `[${x.shape}] does not fit [${to}]`);
  if (shape.length === x.rank && shape.every((dim, i) => dim === x.shape[i])) return x;
  return apply('Reshape', [x, int64s(shape)], { shape }, (dy) => [reshape(dy, x.shape)]);
}

/** Permutes the axes: `result.shape[i] = x.shape[permutation[i]]`. Default: swap the last two. */
export function transpose(x: Tensor, permutation?: readonly number[]): Tensor {
  const order = permutation ?? [...x.shape.keys()].map((i) => (i < x.rank - 2 ? i : 2 * x.rank - 3 - i));
  if (order.length !== x.rank || new Set(order).size !== x.rank || order.some((i) => !(i in x.shape))) {
    throw shapeError('transpose', `[${order}] is no permutation of the axes of [${x.shape}]`);
  }
  const inverse = order.map((_, i) => order.indexOf(i));
  return apply(
    'Transpose',
    [x],
    { shape: order.map((i) => x.shape[i]), attributes: { perm: order } },
    (dy) => [transpose(dy, inverse)],
  );
}

/** Repeats along axes of size 1 (and new leading axes) to reach `shape`. */
export function expand(x: Tensor, shape: Shape): Tensor {
  if (shape.length === x.rank && shape.every((dim, i) => dim === x.shape[i])) return x;
  return apply('Expand', [x, int64s(shape)], { shape }, (dy) => [sumTo(dy, x.shape)]);
}

/** Joins along one axis. */
export function concat(parts: readonly Tensor[], axis: number): Tensor {
  if (parts.length === 1) return parts[0];
  const at = axis < 0 ? axis + parts[0].rank : axis;
  for (const part of parts) {
    if (part.rank !== parts[0].rank || part.shape.some((dim, i) => i !== at && dim !== parts[0].shape[i])) {
      throw shapeError('concat', `${parts.map((p) => `[${p.shape}]`).join(' ')} along axis ${axis}`);
    }
  }
  const sizes = parts.map((part) => part.shape[at]);
  const shape = parts[0].shape.map((dim, i) => (i === at ? sizes.reduce((a, b) => a + b) : dim));
  return apply('Concat', [...parts], { shape, attributes: { axis: at } }, (dy) => split(dy, at, sizes));
}

/** Cuts one axis into pieces of the given sizes. */
export function split(x: Tensor, axis: number, sizes: readonly number[]): Tensor[] {
  const at = axis < 0 ? axis + x.rank : axis;
  if (sizes.reduce((a, b) => a + b, 0) !== x.shape[at])
    throw shapeError('split', `[${x.shape}] into [${sizes}]`);
  if (sizes.length === 1) return [x];
  const outputs = sizes.map((size) => ({ shape: x.shape.with(at, size) }));
  return applyMany('Split', [x, int64s(sizes)], { outputs, attributes: { axis: at } }, (_, dys) => [
    concat(
      dys.map((dy, i) => dy ?? expand(constant(0), outputs[i].shape)),
      at,
    ),
  ]);
}

/** Elements `start ≤ i < end` of one axis; negative positions count from the end. */
export function slice(
  x: Tensor,
  axis: number,
  start: number,
  end: number = x.shape[axis < 0 ? axis + x.rank : axis],
): Tensor {
  const at = axis < 0 ? axis + x.rank : axis;
  const size = x.shape[at];
  const from = start < 0 ? start + size : start;
  const to = end < 0 ? end + size : end;
  if (!(from >= 0 && from <= to && to <= size)) {
    throw shapeError('slice', `${start}…${end} of axis ${axis} of [${x.shape}]`);
  }
  if (from === 0 && to === size) return x;
  const shape = x.shape.map((dim, i) => (i === at ? to - from : dim));
  return apply('Slice', [x, int64s([from]), int64s([to]), int64s([at])], { shape }, (dy) => [
    pad(dy, at, from, size - to),
  ]);
}

/** Adds `before` and `after` elements of `value` along one axis. */
export function pad(x: Tensor, axis: number, before: number, after: number, value = 0): Tensor {
  if (before === 0 && after === 0) return x;
  const at = axis < 0 ? axis + x.rank : axis;
  const zeros = x.shape.map(() => 0);
  const pads = int64s([...zeros.with(at, before), ...zeros.with(at, after)]);
  const shape = x.shape.map((dim, i) => (i === at ? dim + before + after : dim));
  return apply('Pad', [x, pads, constant(value)], { shape }, (dy) => [
    slice(dy, at, before, before + x.shape[at]),
  ]);
}

/** Stacks equal shapes along a new axis. */
export function stack(parts: readonly Tensor[], axis: number): Tensor {
  return concat(
    parts.map((part) => reshape(part, [...part.shape.slice(0, axis), 1, ...part.shape.slice(axis)])),
    axis,
  );
}

/**
 * Images (B, H, W, C) to rows of patches (B, H/p · W/p, p·p·C), row by row; inside a patch the order is y, x, channel.
 */
export function patchify(x: Tensor, p: number): Tensor {
  const [b, h, w, c] = x.shape;
  if (h % p !== 0 || w % p !== 0)
    throw shapeError('patchify', `[${x.shape}] is not divisible into ${p}×${p} patches`);
  return x
    .reshape([b, h / p, p, w / p, p, c])
    .transpose([0, 1, 3, 2, 4, 5])
    .reshape([b, (h / p) * (w / p), p * p * c]);
}

/** The inverse of `patchify`, for an image of `h` × `w` pixels. */
export function unpatchify(x: Tensor, p: number, h: number, w: number): Tensor {
  const [b, , features] = x.shape;
  const c = features / (p * p);
  return x
    .reshape([b, h / p, w / p, p, p, c])
    .transpose([0, 1, 3, 2, 4, 5])
    .reshape([b, h, w, c]);
}
