import { sizeOf } from '../dtype.ts';
import { apply, type Shape, shapeError, type Tensor } from '../tensor.ts';
import { broadcastShapes, sumTo } from './elementwise.ts';
import { sum } from './reduce.ts';
import { reshape } from './shape.ts';

export interface MatmulOptions {
  /** Use the transpose (last two axes) of the left operand. */
  transposeA?: boolean;
  /** Use the transpose (last two axes) of the right operand. */
  transposeB?: boolean;
  /** Factor on the product, applied inside the kernel. */
  alpha?: number;
}

/**
 * Matrix product over the last two axes; leading axes broadcast. (…, M, K) × (…, K, N) → (…, M, N).
 * Two matrices become one `Gemm`, batches one `FusedMatMul`: transposes and the factor cost nothing extra.
 */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  const { transposeA = false, transposeB = false, alpha = 1 } = options;
  if (a.rank < 2 || b.rank < 2) throw shapeError('matmul', `[${a.shape}] × [${b.shape}] needs matrices`);
  const [m, k] = ends(a.shape, transposeA);
  const [k2, n] = ends(b.shape, transposeB);
  if (k !== k2)
    throw shapeError('matmul', `[${a.shape}] × [${b.shape}] (transposed: ${transposeA}, ${transposeB})`);

  if (b.rank === 2 && a.rank > 2 && !transposeA) {
    const rows = reshape(a, [sizeOf(a.shape) / k, k]);
    return reshape(matmul(rows, b, options), [...a.shape.slice(0, -2), m, n]);
  }
  const matrices = a.rank === 2 && b.rank === 2;
  const batch = broadcastShapes('matmul', a.shape.slice(0, -2), b.shape.slice(0, -2));
  const flags = { transA: +transposeA, transB: +transposeB, alpha: { float: alpha } };
  return apply(
    matrices ? 'Gemm' : 'FusedMatMul',
    [a, b],
    { shape: [...batch, m, n], attributes: flags, domain: matrices ? '' : 'com.microsoft' },
    (dy) => {
      // C = α·op(A)·op(B):  dop(A) = α·dC·op(B)ᵀ,  dop(B) = α·op(A)ᵀ·dC; a transposed operand gets the transposed product.
      const da = transposeA
        ? matmul(b, dy, { transposeA: transposeB, transposeB: true, alpha })
        : matmul(dy, b, { transposeB: !transposeB, alpha });
      const db = transposeB
        ? matmul(dy, a, { transposeA: true, transposeB: transposeA, alpha })
        : matmul(a, dy, { transposeA: !transposeA, alpha });
      return [sumTo(da, a.shape), sumTo(db, b.shape)];
    },
  );
}

/** x·W + b over the last axis: (…, K) × (K, N) + (N) → (…, N), as one `Gemm`. */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const k = x.shape[x.rank - 1];
  const [k2, n] = weight.shape;
  if (weight.rank !== 2 || k !== k2) throw shapeError('linear', `[${x.shape}] × [${weight.shape}]`);
  const rows = reshape(x, [sizeOf(x.shape) / k, k]);
  const y = apply(
    'Gemm',
    bias ? [rows, weight, bias] : [rows, weight],
    { shape: [rows.shape[0], n] },
    (dy) => [
      matmul(dy, weight, { transposeB: true }),
      matmul(rows, dy, { transposeA: true }),
      ...(bias ? [sum(dy, [0])] : []),
    ],
  );
  return reshape(y, [...x.shape.slice(0, -1), n]);
}

function ends(shape: Shape, transposed: boolean): [number, number] {
  const [rows, columns] = shape.slice(-2);
  return transposed ? [columns, rows] : [rows, columns];
}
