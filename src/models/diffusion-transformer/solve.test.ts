import { describe, expect, test } from 'vitest';
import { fillNormal, random, streamKey } from '../../random.ts';
import { signalAndNoise } from './process.ts';
import { type Expect, SAMPLERS, type SolveOptions, solve, timesOf } from './solve.ts';

type Process = NonNullable<SolveOptions['process']>;

/** Pictures of independent pixels, normal with this mean and deviation: there the expectation is known (by Bayes' rule). */
const [MEAN, DEVIATION] = [0.4, 0.3];
const exact =
  (process: Process): Expect =>
  async (xt, t) => {
    const [alpha, sigma] = signalAndNoise(process, t);
    const gain = (alpha * DEVIATION ** 2) / ((alpha * DEVIATION) ** 2 + sigma ** 2);
    return xt.map((value) => MEAN + gain * (value - alpha * MEAN));
  };
const noise = () => {
  const draw = random(1, 'noise');
  return Float32Array.from({ length: 4000 }, () => draw.normal());
};
const fresh = (step: number, out: Float32Array) => fillNormal(out, streamKey(7, step));
/** The exact flow keeps the place within the distribution. */
const ideal = (start: Float32Array) => start.map((value) => MEAN + DEVIATION * value);
const error = (a: Float32Array, b: Float32Array) =>
  Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0) / a.length);
const moments = (x: Float32Array) => {
  const mean = x.reduce((a, b) => a + b) / x.length;
  return [mean, Math.sqrt(x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length)];
};

/** Draws well only with expectations that are the same all along a way. */
const OF_MANY_STEPS = SAMPLERS.filter((sampler) => sampler !== 'consistency');
const CASES = OF_MANY_STEPS.flatMap((sampler) =>
  (['flow', 'ddpm'] as const).map((process) => [sampler, process] as const),
);

describe.each(CASES)('%s along the %s process', (sampler, process) => {
  test('draws from the distribution whose expectations it follows', async () => {
    const drawn = await solve(exact(process), noise(), { process, steps: 100, sampler, fresh });
    const [mean, deviation] = moments(drawn);
    expect(mean).toBeCloseTo(MEAN, 1);
    expect(Math.abs(deviation - DEVIATION)).toBeLessThan(0.03);
    if (sampler !== 'ddpm') expect(error(drawn, ideal(noise()))).toBeLessThan(0.03);
  });

  test('comes closer with more steps', async () => {
    if (sampler === 'ddpm') return;
    const errors = [];
    for (const steps of [5, 10, 40])
      errors.push(error(await solve(exact(process), noise(), { process, steps, sampler }), ideal(noise())));
    expect(errors).toEqual(errors.toSorted((a, b) => b - a));
    // Of first order the error is a quarter with four times the steps.
    expect(errors[1] / errors[2]).toBeGreaterThan(3);
  });
});

test('the second-order samplers are nearer than the first-order one in as many steps', async () => {
  const off = async (sampler: SolveOptions['sampler']) =>
    error(await solve(exact('flow'), noise(), { steps: 12, sampler }), ideal(noise()));
  const euler = await off('euler');
  expect(await off('dpm++')).toBeLessThan(0.7 * euler);
  expect(await off('heun')).toBeLessThan(0.7 * euler);
});

test('along the flow, ddim is euler', async () => {
  const [a, b] = await Promise.all(
    (['euler', 'ddim'] as const).map((sampler) => solve(exact('flow'), noise(), { steps: 7, sampler })),
  );
  expect(error(a, b)).toBeLessThan(1e-5);
});

test('times go from 1 to 0, and a shift puts more of them near the noise', () => {
  expect(timesOf(4)).toEqual([1, 0.75, 0.5, 0.25, 0]);
  const shifted = timesOf(4, 3);
  expect([shifted[0], shifted[4]]).toEqual([1, 0]);
  expect(shifted[2]).toBeCloseTo(0.75);
});

test('each step tells what the picture would be', async () => {
  const told: number[] = [];
  await solve(exact('flow'), noise(), {
    steps: 10,
    onStep: (_, expected) => void told.push(error(expected, ideal(noise()))),
  });
  expect(told).toHaveLength(10);
  expect(told[9]).toBeLessThan(told[0]);
});

test('a consistent network is drawn from in one step, and more steps do not spoil it', async () => {
  // On the exact way from noise, the picture at its end is known wherever one stands.
  const consistent: Expect = async (xt, t) => {
    const [alpha, sigma] = signalAndNoise('flow', t);
    const spread = Math.hypot(alpha * DEVIATION, sigma);
    return xt.map((value) => MEAN + (DEVIATION * (value - alpha * MEAN)) / spread);
  };
  for (const steps of [1, 2, 4]) {
    const drawn = await solve(consistent, noise(), { steps, sampler: 'consistency', fresh });
    const [mean, deviation] = moments(drawn);
    expect(Math.abs(mean - MEAN)).toBeLessThan(0.02);
    expect(Math.abs(deviation - DEVIATION)).toBeLessThan(0.02);
  }
});
