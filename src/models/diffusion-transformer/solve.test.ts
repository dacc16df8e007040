import { describe, expect, test } from 'vitest';
import { random } from '../../random.ts';
import { guided, SOLVERS, solve, timesOf, type Velocity } from './solve.ts';

/** Pictures of independent pixels, normal with this mean and deviation: there the velocity is known (by Bayes' rule). */
const [MEAN, DEVIATION] = [0.4, 0.3];
const exact: Velocity = async (x, t) => {
  const variance = ((1 - t) * DEVIATION) ** 2 + t ** 2;
  const slope = (t - (1 - t) * DEVIATION ** 2) / variance; // of E[ε − x | x_t]
  return x.map((value) => slope * (value - (1 - t) * MEAN) - MEAN);
};
const noise = () => {
  const draw = random(1, 'noise');
  return Float32Array.from({ length: 4000 }, () => draw.normal());
};
/** The exact flow keeps the place within the distribution. */
const ideal = (start: Float32Array) => start.map((value) => MEAN + DEVIATION * value);
const error = (a: Float32Array, b: Float32Array) =>
  Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0) / a.length);

describe.each(SOLVERS)('%s', (solver) => {
  test('draws from the distribution whose velocity it follows', async () => {
    const drawn = await solve(exact, noise(), { steps: 100, solver });
    expect(error(drawn, ideal(noise()))).toBeLessThan(0.02);
  });

  test('comes closer with more steps', async () => {
    const errors = [];
    for (const steps of [5, 10, 20, 40])
      errors.push(error(await solve(exact, noise(), { steps, solver }), ideal(noise())));
    expect(errors).toEqual(errors.toSorted((a, b) => b - a));
    // Of first order the error halves with twice the steps, of second order it is a quarter.
    expect(errors[2] / errors[3]).toBeGreaterThan(solver === 'heun' ? 3 : 1.6);
  });
});

test('times go from 1 to 0, and a shift puts more of them near the noise', () => {
  expect(timesOf(4)).toEqual([1, 0.75, 0.5, 0.25, 0]);
  const shifted = timesOf(4, 3);
  expect([shifted[0], shifted[4]]).toEqual([1, 0]);
  expect(shifted[2]).toBeCloseTo(0.75);
});

test('each step tells what the picture would be', async () => {
  const told: number[] = [];
  await solve(exact, noise(), {
    steps: 10,
    onStep: (_, expected) => told.push(error(expected, ideal(noise()))),
  });
  expect(told).toHaveLength(10);
  expect(told[9]).toBeLessThan(told[0]);
});

test('guidance 1 is what the words say, 0 is without them, and more goes beyond', () => {
  const [words, without] = [Float32Array.of(1, 2), Float32Array.of(0, 4)];
  expect(guided(words, without, 1)).toEqual(words);
  expect(guided(words, without, 0)).toEqual(without);
  expect(guided(words, without, 3)).toEqual(Float32Array.of(3, -2));
});
