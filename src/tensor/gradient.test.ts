import { describe, expect, it } from 'vitest';
import { checkGradient } from './check-gradient.ts';
import { gradients, topological } from './gradient.ts';
import { add, input, matmul, parameter, sum, type Tensor, tanh } from './index.ts';

/** h ← tanh(h·W), so many times. */
function recurrent(h: Tensor, w: Tensor, times: number): Tensor {
  let state = h;
  for (let i = 0; i < times; i++) state = tanh(matmul(state, w));
  return state;
}

const products = (of: Tensor) => topological([of]).filter(({ op }) => op === 'Gemm').length;

describe('the derivative of a weight that is used again and again', () => {
  it('is right, of matrices and of batches of them', async () => {
    await checkGradient([[2, 6], [6, 6]], (h, w) => recurrent(h, w, 4), { low: -1, high: 1 }); // biome-ignore format: one line
    await checkGradient([[2, 2, 5], [2, 5, 5]], (h, w) => recurrent(h, w, 3), { low: -1, high: 1 }); // biome-ignore format: one line
    await checkGradient([[2, 6], [6, 6]], (h, w) => add(recurrent(h, w, 4), sum(w)), { low: -1, high: 1 }); // biome-ignore format: one line
  });

  it('is one product of all rows where the weight is large, and a sum of products where there are many rows', () => {
    const w = parameter('w', [64, 64]);
    const slopeOf = (rows: number) => gradients(sum(recurrent(input('h', [rows, 64]), w, 5)), [w])[0]!;
    const passes = 5 + 4; // forward, and back to each state but the first
    expect(products(slopeOf(4))).toBe(passes + 1);
    expect(products(slopeOf(400))).toBe(passes + 5);
  });
});
