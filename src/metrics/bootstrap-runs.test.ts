import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { random } from '../random.ts';
import { type Additive, additiveMean } from './additive.ts';
import { type BootstrapOptions, bootstrap, pairedBootstrap, scoresOf } from './bootstrap.ts';

const overSeeds = (runs: readonly Additive[], options?: BootstrapOptions) => {
  const intervals = bootstrap(runs, options);
  return scoresOf(runs).map((value, k) => ({ value, interval: intervals[k] }));
};

const values = fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 3, maxLength: 12 });

describe('over seeds', () => {
  test('a single seed is the plain bootstrap over prompts', () => {
    fc.assert(
      fc.property(values, (scores) => {
        const table = additiveMean(scores);
        const [{ value, interval }] = overSeeds([table], { seed: 3 });
        expect(value).toBeCloseTo(scores.reduce((sum, x) => sum + x, 0) / scores.length, 9);
        const [plain] = bootstrap(table, { seed: 3 });
        for (const i of [0, 1]) expect(interval[i]).toBeCloseTo(plain[i], 9);
      }),
      { numRuns: 10 },
    );
  });

  test('a difference of a single seed is the paired bootstrap', () => {
    const draw = random(1, 'values');
    const [one, other] = [0, 1].map((shift) => additiveMean(Array.from({ length: 30 }, () => draw.normal() + shift))); // biome-ignore format: one line
    expect(pairedBootstrap([one], [other], { seed: 2 })).toEqual(pairedBootstrap(one, other, { seed: 2 }));
  });

  test('seeds that disagree make the interval wider', () => {
    const prompts = Array.from({ length: 40 }, (_, i) => i % 2);
    const alike = [0, 0, 0].map(() => additiveMean(prompts));
    const apart = [-1, 0, 1].map((shift) => additiveMean(prompts.map((x) => x + shift)));
    const width = ({ interval: [low, high] }: { interval: readonly [number, number] }) => high - low;
    expect(overSeeds(apart)[0].value).toBeCloseTo(overSeeds(alike)[0].value, 9);
    expect(width(overSeeds(apart)[0])).toBeGreaterThan(2 * width(overSeeds(alike)[0]));
  });

  test('what is common to a seed does not blur the difference of two arms', () => {
    const draw = random(4, 'noise');
    const prompts = Array.from({ length: 50 }, () => draw.normal());
    const arm = (gain: number) => [-3, 0, 3].map((seed) => additiveMean(prompts.map((x) => x + seed + gain)));
    const [{ difference, interval, p }] = pairedBootstrap(arm(0), arm(0.5));
    expect(difference).toBeCloseTo(0.5, 9);
    expect(interval[0]).toBeCloseTo(0.5, 9);
    expect(interval[1]).toBeCloseTo(0.5, 9);
    expect(p).toBeLessThan(0.01);
  });

  test('the interval of a difference that is not there holds zero about as often as it says', () => {
    let holds = 0;
    for (let trial = 0; trial < 60; trial++) {
      const draw = random(trial, 'trial');
      const arm = () => [0, 1].map(() => additiveMean(Array.from({ length: 25 }, () => draw.normal())));
      const [{ interval }] = pairedBootstrap(arm(), arm(), { draws: 200, seed: trial });
      holds += Number(interval[0] <= 0 && interval[1] >= 0);
    }
    expect(holds).toBeGreaterThanOrEqual(50);
  });
});
