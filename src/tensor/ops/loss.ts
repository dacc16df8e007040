import { apply, constant, shapeError, type Tensor } from '../tensor.ts';
import { add, div, maximum, mul, sub } from './elementwise.ts';
import { gatherElements, scatterElements } from './index-ops.ts';
import { logSoftmax, softmax } from './normalise.ts';
import { mean, sum } from './reduce.ts';
import { expand, reshape } from './shape.ts';

export interface CrossEntropyOptions {
  /** Share ε of the probability spread evenly over all classes (Szegedy et al. 2016). */
  smoothing?: number;
  /** (N) weights, 0 to leave a row out; the loss is the weighted sum over the sum of weights, or over 1 where that is less. */
  mask?: Tensor;
  /** Scalar to divide the weighted sum by instead, where weights may be negative. */
  over?: Tensor;
}

/**
 * Mean cross-entropy in nats of logits (N, V) against integer targets (N). The gradient, softmax − target distribution, is
 * written directly: two passes over the logits, no one-hot matrix.
 */
export function crossEntropy(logits: Tensor, targets: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const { smoothing = 0, mask, over } = options;
  const [n, classes] = logits.shape;
  if (logits.rank !== 2 || targets.rank !== 1 || targets.shape[0] !== n) {
    throw shapeError(
      'crossEntropy',
      `logits [${logits.shape}] and targets [${targets.shape}]; (N, V) and (N) are wanted`,
    );
  }
  const column = reshape(targets, [n, 1]);
  const weights = mask ? div(mask, over ?? maximum(sum(mask), 1)) : expand(constant(1 / n), [n]);
  const logp = logSoftmax(logits);
  const onTarget = mul(reshape(gatherElements(logp, column, 1), [n]), smoothing - 1);
  const perRow = smoothing === 0 ? onTarget : sub(onTarget, mul(mean(logp, [1]), smoothing));
  const value = sum(mul(perRow, weights));
  return apply('Identity', [value, logits], { shape: [] }, (dy) => {
    const rowWeight = reshape(mul(weights, dy), [n, 1]);
    const spread = smoothing === 0 ? softmax(logits) : add(softmax(logits), -smoothing / classes);
    const d = mul(spread, rowWeight);
    return [undefined, scatterElements(d, column, mul(rowWeight, smoothing - 1), 1, 'add')];
  });
}
