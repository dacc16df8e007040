import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { RecaptionError } from '../errors.ts';

/** Below so many pictures of either side the distance is mostly bias: it falls as pictures are added, whatever they show. */
export const FRECHET_LEAST = 10_000;

/** Mean and covariance of vectors, taken in one at a time: memory grows with their dimension, not with their number. */
export class Moments {
  readonly dimension: number;
  count = 0;
  /** All is kept relative to the first vector, so that a mean far from 0 costs no digits. */
  readonly #origin: Float64Array;
  readonly #sum: Float64Array;
  /** Upper triangle of the sum of outer products, row by row. */
  readonly #products: Float64Array;
  readonly #centred: Float64Array;

  constructor(dimension: number) {
    this.dimension = dimension;
    this.#origin = new Float64Array(dimension);
    this.#sum = new Float64Array(dimension);
    this.#products = new Float64Array((dimension * (dimension + 1)) / 2);
    this.#centred = new Float64Array(dimension);
  }

  /** @throws RecaptionError `shape` where the vector is of another dimension or holds what is no number: nothing is taken in then */
  add(vector: ArrayLike<number>): void {
    const [size, sum, products, centred] = [this.dimension, this.#sum, this.#products, this.#centred];
    if (vector.length !== size) throw new RecaptionError('shape', `a vector of ${vector.length} numbers among such of ${size}`); // biome-ignore format: one line
    for (let i = 0; i < size; i++)
      if (!Number.isFinite(vector[i])) throw new RecaptionError('shape', `feature ${i} is ${vector[i]}`);
    if (this.count++ === 0) this.#origin.set(vector);
    for (let i = 0; i < size; i++) centred[i] = vector[i] - this.#origin[i];
    let at = 0;
    for (let i = 0; i < size; i++) {
      const own = centred[i];
      sum[i] += own;
      for (let j = i; j < size; j++) products[at++] += own * centred[j];
    }
  }

  mean(): Float64Array {
    return this.#origin.map((value, i) => value + this.#sum[i] / Math.max(1, this.count));
  }

  /** With n − 1 below the line; zero of fewer than two vectors. */
  covariance(): Matrix {
    const [size, sum, n] = [this.dimension, this.#sum, this.count];
    const result = Matrix.zeros(size, size);
    if (n < 2) return result;
    let at = 0;
    for (let i = 0; i < size; i++)
      for (let j = i; j < size; j++) {
        const value = (this.#products[at++] - (sum[i] * sum[j]) / n) / (n - 1);
        result.set(i, j, value);
        result.set(j, i, value);
      }
    return result;
  }
}

/**
 * Squared Fréchet distance between two normal distributions: |m₁ − m₂|² + tr(C₁ + C₂ − 2 (C₁½ C₂ C₁½)½). With features of Inception-v3 it is
 * the FID (Heusel et al. 2017, equation 6), with those of CLIP the CLIP-FID (Kynkäänniemi et al. 2023). At least 0; it has no upper bound.
 * @throws RecaptionError `shape` where the two are of different dimensions, `too-few-pictures` where one has fewer than two vectors
 */
export function frechetDistance(a: Moments, b: Moments): number {
  if (a.dimension !== b.dimension) throw new RecaptionError('shape', `features of ${a.dimension} numbers against such of ${b.dimension}`); // biome-ignore format: one line
  const fewer = Math.min(a.count, b.count);
  if (fewer < 2) throw new RecaptionError('too-few-pictures', `a Fréchet distance needs two pictures on either side, and there ${fewer === 1 ? 'is one' : 'are none'}`); // biome-ignore format: one line
  const [first, second, m1, m2] = [a.covariance(), b.covariance(), a.mean(), b.mean()];
  const apart = m1.reduce((sum, value, i) => sum + (value - m2[i]) ** 2, 0);
  const root = squareRoot(first);
  const common = symmetric(root.mmul(second).mmul(root));
  const overlap = eigenvalues(common).reduce((sum, value) => sum + Math.sqrt(Math.max(0, value)), 0);
  return Math.max(0, apart + first.trace() + second.trace() - 2 * overlap);
}

/** What rounding left of asymmetry would send the solver another way. */
const symmetric = (matrix: Matrix): Matrix => Matrix.add(matrix, matrix.transpose()).mul(0.5);

const eigenvalues = (matrix: Matrix): number[] =>
  new EigenvalueDecomposition(matrix, { assumeSymmetric: true }).realEigenvalues;

/** Of a symmetric matrix without negative eigenvalues; those that rounding made negative count as 0. */
function squareRoot(matrix: Matrix): Matrix {
  const { realEigenvalues, eigenvectorMatrix: vectors } = new EigenvalueDecomposition(matrix, { assumeSymmetric: true }); // biome-ignore format: one line
  const scaled = vectors.clone();
  for (const [column, value] of realEigenvalues.entries()) scaled.mulColumn(column, Math.sqrt(Math.max(0, value))); // biome-ignore format: one line
  return scaled.mmul(vectors.transpose());
}
