import { expect } from 'vitest';
import { type Random, random } from '../random.ts';
import { allocate, sizeOf, type TensorData } from './dtype.ts';
import { gradients } from './gradient.ts';
import { mul, sum } from './index.ts';
import { compile } from './program.ts';
import { input, type Tensor } from './tensor.ts';

export interface Checked {
  /** Starting values; by default uniform in [low, high]. */
  low?: number;
  high?: number;
  /** Key of the random leaves, the same in every run. */
  random?: number;
}

/**
 * Compares the derivative of a random weighting of `build`'s result with central differences, for every element of every input.
 * Returns the value of the result.
 */
export async function checkGradient(
  shapes: number[][],
  build: (...inputs: Tensor[]) => Tensor,
  {
    low = -2,
    high = 2,
    random: key,
    draw = random(1, 'check') as Random,
    step = 1e-2,
  }: Checked & { draw?: Random; step?: number } = {},
): Promise<Float32Array> {
  const inputs = shapes.map((shape, i) => input(`x${i}`, shape));
  const y = build(...inputs);
  const loss = sum(mul(y, input('weights', y.shape)));
  const slopes = gradients(loss, inputs);
  const outputs = Object.fromEntries(slopes.flatMap((slope, i) => (slope ? [[`dx${i}`, slope]] : [])));
  const program = await compile({ outputs: { loss, y, ...outputs } });
  const values = (count: number, from: number, to: number) =>
    Float32Array.from({ length: count }, () => from + (to - from) * draw.uniform());
  const feeds: Record<string, TensorData> = { weights: values(sizeOf(y.shape), -1, 1) };
  for (const [i, shape] of shapes.entries()) feeds[`x${i}`] = values(sizeOf(shape), low, high);
  const run = () => program.run(feeds, { random: key });
  const result = (await run()) as Record<string, Float32Array>;
  for (const [i, shape] of shapes.entries()) {
    const x = feeds[`x${i}`] as Float32Array;
    const slope = result[`dx${i}`] ?? allocate('float32', sizeOf(shape));
    for (let k = 0; k < x.length; k++) {
      const at = x[k];
      x[k] = at + step;
      const above = (await run()).loss[0] as number;
      x[k] = at - step;
      const below = (await run()).loss[0] as number;
      x[k] = at;
      const measured = (above - below) / (2 * step);
      const scale = Math.max(1, Math.abs(measured));
      expect(
        Math.abs(slope[k] - measured) / scale,
        `input ${i}, element ${k}: ${slope[k]} against ${measured}`,
      ).toBeLessThan(0.02);
    }
  }
  await program.dispose();
  return result.y;
}

/** The value of a graph without inputs, or with the given ones. */
export async function evaluate(
  y: Tensor,
  feeds: Record<string, TensorData> = {},
  random?: number,
): Promise<number[]> {
  const program = await compile({ outputs: { y } });
  const result = await program.run(feeds, { random });
  await program.dispose();
  return Array.from(result.y as Float32Array);
}
