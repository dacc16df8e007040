import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { random } from '../random.ts';
import { additive, additiveMean, sumRows } from './additive.ts';
import { bleu } from './bleu.ts';
import { bootstrap, pairedBootstrap } from './bootstrap.ts';

const normals = (count: number, seed: number) => {
  const draw = random(seed, 'test');
  return Array.from({ length: count }, () => draw.normal());
};

describe('the bootstrap interval', () => {
  it('of a mean is about 1.96 standard errors on each side', () => {
    const values = normals(400, 1);
    const mean = values.reduce((sum, value) => sum + value, 0) / 400;
    const [[low, high]] = bootstrap(additiveMean(values), { draws: 4000 });
    expect(low).toBeCloseTo(mean - 1.96 / 20, 1.7);
    expect(high).toBeCloseTo(mean + 1.96 / 20, 1.7);
    const [[inner]] = bootstrap(additiveMean(values), { draws: 4000, level: 0.5 });
    expect(inner).toBeCloseTo(mean - 0.674 / 20, 1.7);
  });

  it('is the same for the same seed, and another for another', () => {
    const values = additiveMean(normals(50, 1));
    expect(bootstrap(values, { seed: 3 })).toEqual(bootstrap(values, { seed: 3 }));
    expect(bootstrap(values, { seed: 3 })).not.toEqual(bootstrap(values, { seed: 4 }));
  });

  it('comes from summed statistics, not from scores of images', () => {
    // A ratio of sums of 1/1 and 1/9: between 1/9 and 1, and 2/10 in the middle, where the mean would be 5/9.
    const ratio = additive(
      Array.from({ length: 100 }, (_, i) => [1, i % 2 ? 1 : 9]),
      2,
      ([hits, all]) => [hits / all],
    );
    const [[low, high]] = bootstrap(ratio);
    expect(low).toBeGreaterThan(0.15);
    expect(high).toBeLessThan(0.27);
  });

  it('has no width where all images are alike, and holds every score that a set has', () => {
    const like = { candidate: ['a', 'dog', 'runs'], references: [['a', 'dog', 'sits', 'here']] };
    const { corpus, additive } = bleu(Array.from({ length: 20 }, () => like));
    const intervals = bootstrap(additive, { draws: 50 });
    expect(intervals).toHaveLength(4);
    for (const [n, [low, high]] of intervals.entries()) {
      expect(low).toBeCloseTo(corpus[n], 9);
      expect(high).toBeCloseTo(corpus[n], 9);
    }
  });

  it('of one image is that image', () => {
    expect(bootstrap(additiveMean([0.3]))).toEqual([[0.3, 0.3]]);
  });

  it('takes well under a second for 1,000 draws of 5,000 images with eight sums', () => {
    const rows = Array.from({ length: 5000 }, (_, i) => Array.from({ length: 8 }, (_, k) => (i * k) % 7));
    const of = additive(rows, 8, (sum) => [sum[0] / sum[1]]);
    const before = process.cpuUsage();
    bootstrap(of);
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(1); // seconds of the processor; some 0.15 measured
  });
});

describe('the paired bootstrap', () => {
  it('of a set with itself is no difference at all', () => {
    const of = additiveMean(normals(60, 1));
    expect(pairedBootstrap(of, of)).toEqual([{ difference: 0, interval: [0, 0], p: 1 }]);
  });

  it('sees a small, steady difference that the images drown', () => {
    const values = normals(60, 1);
    const better = values.map((value) => value + 0.1);
    const [{ difference, interval, p }] = pairedBootstrap(additiveMean(values), additiveMean(better));
    expect(difference).toBeCloseTo(0.1, 12);
    expect(interval[0]).toBeCloseTo(0.1, 9);
    expect(p).toBeCloseTo(2 / 1001, 12);
    const [unpaired] = bootstrap(additiveMean(values));
    expect(unpaired[1] - unpaired[0]).toBeGreaterThan(0.3);
  });

  it('finds nothing in noise of no direction, and turns with its sides', () => {
    const values = normals(400, 1);
    const noisy = normals(400, 2);
    const centred = noisy.map((value) => value - noisy.reduce((sum, one) => sum + one, 0) / 400);
    const others = values.map((value, i) => value + centred[i]);
    const [forth] = pairedBootstrap(additiveMean(values), additiveMean(others));
    const [back] = pairedBootstrap(additiveMean(others), additiveMean(values));
    expect(forth.p).toBeGreaterThan(0.5);
    expect(back.p).toBeCloseTo(forth.p, 12);
    expect(back.interval[0]).toBeCloseTo(-forth.interval[1], 2);
  });

  it('refuses sets of different images', () => {
    expect(() => pairedBootstrap(additiveMean([1]), additiveMean([1, 2]))).toThrow(
      expect.objectContaining({ code: 'unequal-lengths' }),
    );
  });
});

it('the sum of chosen rows counts each as often as it is chosen', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1, maxLength: 9 }), (values) => {
      const of = additiveMean(values);
      const twice = Int32Array.from([...values.keys(), ...values.keys()]);
      expect([...sumRows(of, twice)]).toEqual([...sumRows(of)].map((sum) => 2 * sum));
    }),
  );
});
