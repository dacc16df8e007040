import { apply, applyMany, type Tensor } from '../tensor.ts';
import { add, div, mul, sqrt, sub } from './elementwise.ts';
import { mean, sum } from './reduce.ts';
import { reshape } from './shape.ts';

/** exp(x) / Σ exp(x) along one axis, default the last. */
export function softmax(x: Tensor, axis = -1): Tensor {
  const y: Tensor = apply('Softmax', [x], { shape: x.shape, attributes: { axis } }, (dy) => {
    const weighted = mul(dy, y);
    return [sub(weighted, mul(y, sum(weighted, [axis], { keepDims: true })))];
  });
  return y;
}

/** Natural logarithm of `softmax`, stable. */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  return apply('LogSoftmax', [x], { shape: x.shape, attributes: { axis } }, (dy) => [
    sub(dy, mul(softmax(x, axis), sum(dy, [axis], { keepDims: true }))),
  ]);
}

/** (x − mean) / √(variance + ε) over the last axis, times `scale`, plus `bias` (Ba et al. 2016). */
export function layerNorm(x: Tensor, scale: Tensor, bias: Tensor, epsilon = 1e-5): Tensor {
  const stat = { shape: [...x.shape.slice(0, -1), 1] };
  const [y, mu, inverse] = applyMany(
    'LayerNormalization',
    [x, scale, bias],
    { outputs: [{ shape: x.shape }, stat, stat], attributes: { axis: -1, epsilon: { float: epsilon } } },
    (dy) => {
      const rows = [...x.shape.keys()].slice(0, -1);
      const centred = mul(sub(x, mu), inverse);
      const weighted = mul(dy, centred);
      const g = mul(dy, scale);
      const along = mean(mul(g, centred), [-1], { keepDims: true });
      const dx = mul(sub(sub(g, mean(g, [-1], { keepDims: true })), mul(centred, along)), inverse);
      return [dx, sum(weighted, rows), sum(dy, rows)];
    },
  );
  return y;
}

/** x / √(mean(x²) + ε) over the last axis, times `scale` (Zhang & Sennrich 2019). */
export function rmsNorm(x: Tensor, scale: Tensor, epsilon = 1e-6): Tensor {
  const root = sqrt(add(mean(mul(x, x), [-1], { keepDims: true }), epsilon));
  return mul(div(x, root), scale);
}

/**
 * Group normalisation (Wu & He 2018) of (B, C, H, W) or (B, C, …): each of `groups` groups of channels is normalised over
 * its channels and positions; `scale` and `bias` are (C).
 */
export function groupNorm(x: Tensor, groups: number, scale: Tensor, bias: Tensor, epsilon = 1e-5): Tensor {
  const [b, c] = x.shape;
  const grouped = reshape(x, [b, groups, -1]);
  const centred = sub(grouped, mean(grouped, [2], { keepDims: true }));
  const variance = mean(mul(centred, centred), [2], { keepDims: true });
  const normal = reshape(div(centred, sqrt(add(variance, epsilon))), x.shape);
  const perChannel = [c, ...x.shape.slice(2).map(() => 1)];
  return add(mul(normal, reshape(scale, perChannel)), reshape(bias, perChannel));
}
