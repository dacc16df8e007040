import { mean } from '../../src/metrics/item.ts';

/** Pearson's correlation of two lists of the same length. */
export function correlation(a: readonly number[], b: readonly number[]): number {
  const [centreA, centreB] = [mean(a), mean(b)];
  const product = (x: readonly number[], y: readonly number[], cx: number, cy: number) =>
    x.reduce((sum, value, i) => sum + (value - cx) * (y[i] - cy), 0);
  return (
    product(a, b, centreA, centreB) /
    Math.sqrt(product(a, a, centreA, centreA) * product(b, b, centreB, centreB))
  );
}
