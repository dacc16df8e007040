import { apply, constant, shapeError, type Tensor } from '../tensor.ts';
import { expand, reshape } from './shape.ts';

/** Whole slices of axis 0 by position: (V, …) and indices (…) give (…, …). The gradient is a scatter-add. */
export function gather(x: Tensor, indices: Tensor): Tensor {
  const shape = [...indices.shape, ...x.shape.slice(1)];
  return apply('Gather', [x, indices], { shape, dtype: x.dtype, attributes: { axis: 0 } }, (dy) => [
    scatterAdd(x.shape, indices, dy),
    undefined,
  ]);
}

/** Rows of an embedding table (V, C) for integer tokens (…): (…, C). */
export function embedding(table: Tensor, tokens: Tensor): Tensor {
  if (table.rank !== 2) throw shapeError('embedding', `the table must be (V, C), not [${table.shape}]`);
  return gather(table, tokens);
}

/** Adds slices `updates` (…, rest) at positions `indices` (…) of axis 0 into zeros of `shape`; repeated positions add up. */
export function scatterAdd(shape: readonly number[], indices: Tensor, updates: Tensor): Tensor {
  const rows = indices.shape.reduce((a, b) => a * b, 1);
  const width = shape.slice(1).reduce((a, b) => a * b, 1);
  const flat = reshape(updates, [rows, width]);
  const at = expand(reshape(indices, [rows, 1]), [rows, width]);
  const zeros = expand(constant(0), [shape[0], width]);
  return reshape(scatterElements(zeros, at, flat, 0, 'add'), shape);
}

/** One element per position of `indices` along `axis`: result[i][j] = x[indices[i][j]][j] for axis 0. */
export function gatherElements(x: Tensor, indices: Tensor, axis: number): Tensor {
  return apply(
    'GatherElements',
    [x, indices],
    { shape: indices.shape, dtype: x.dtype, attributes: { axis } },
    (dy) => [scatterElements(expand(constant(0), x.shape), indices, dy, axis, 'add'), undefined],
  );
}

/** A copy of `x` in which the elements at `indices` along `axis` are replaced by (or increased by) `updates`. */
export function scatterElements(
  x: Tensor,
  indices: Tensor,
  updates: Tensor,
  axis: number,
  reduction: 'none' | 'add' = 'none',
): Tensor {
  return apply(
    'ScatterElements',
    [x, indices, updates],
    { shape: x.shape, attributes: { axis, reduction } },
    (dy) => [
      reduction === 'add' ? dy : scatterElements(dy, indices, expand(constant(0), indices.shape), axis),
      undefined,
      gatherElements(dy, indices, axis),
    ],
  );
}
