import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fillDropout, fillNormal, fillUniform, random, reservoir, streamKey } from './random.ts';

const N = 100_000;
const stream = (...path: (number | string)[]) => {
  const draw = random(1, ...path);
  return Float64Array.from({ length: N }, () => draw.uniform());
};
const mean = (values: ArrayLike<number>) => Array.prototype.reduce.call(values, (a, b) => a + b, 0) as number;

/** Pearson's statistic of counts that should be equal, in standard deviations from its mean. */
function unevenness(counts: ArrayLike<number>): number {
  const expected = mean(counts) / counts.length;
  const chi2 = Array.from(counts).reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  const freedom = counts.length - 1;
  return (chi2 - freedom) / Math.sqrt(2 * freedom);
}
/** Correlation of two samples of uniforms, in standard deviations of its estimate. */
const correlation = (a: ArrayLike<number>, b: ArrayLike<number>, shift = 0) => {
  let sum = 0;
  const count = a.length - shift;
  for (let i = 0; i < count; i++) sum += (a[i] - 0.5) * (b[i + shift] - 0.5);
  return (12 * sum) / Math.sqrt(count);
};

describe('uniform numbers', () => {
  it('fill the interval evenly, one by one and in pairs and by their lowest bits', () => {
    const values = stream('even');
    const [single, pairs, low] = [new Int32Array(256), new Int32Array(1024), new Int32Array(256)];
    for (let i = 0; i < N; i++) {
      single[Math.floor(values[i] * 256)]++;
      low[(values[i] * 2 ** 32) & 255]++;
      if (i % 2) pairs[32 * Math.floor(values[i - 1] * 32) + Math.floor(values[i] * 32)]++;
    }
    for (const counts of [single, pairs, low]) expect(Math.abs(unevenness(counts))).toBeLessThan(4.5);
  });

  it('are not correlated with what came before', () => {
    const values = stream('lag');
    for (const lag of [1, 2, 3, 7, 64]) expect(Math.abs(correlation(values, values, lag))).toBeLessThan(4.5);
  });

  it('of neighbouring seeds and paths are independent', () => {
    const base = stream('a', 0);
    for (const other of [stream('a', 1), stream('b', 0), stream('a'), stream(0, 'a'), stream('a', 2 ** 31)]) {
      expect(Math.abs(correlation(base, other))).toBeLessThan(4.5);
      expect(Math.abs(correlation(base, other, 1))).toBeLessThan(4.5);
    }
  });

  it('of the first draw of many streams are as even as those of one', () => {
    const counts = new Int32Array(256);
    for (let seed = 0; seed < 20_000; seed++) counts[random(seed, 'first').int(256)]++;
    expect(Math.abs(unevenness(counts))).toBeLessThan(4.5);
  });

  it('never reach 1, and integers never their bound', () => {
    fc.assert(
      fc.property(fc.integer(), fc.string(), fc.integer({ min: 1, max: 2 ** 31 }), (seed, path, n) => {
        const draw = random(seed, path);
        for (let i = 0; i < 20; i++) {
          const value = draw.uniform();
          expect(value >= 0 && value < 1).toBe(true);
          const whole = draw.int(n);
          expect(Number.isInteger(whole) && whole >= 0 && whole < n).toBe(true);
        }
      }),
    );
  });
});

describe('a stream', () => {
  it('is resumed by its name alone: nothing is carried over from other streams', () => {
    const first = random(3, 'step', 17);
    const values = [first.uniform(), first.normal(), first.int(10)];
    for (let i = 0; i < 100; i++) random(3, 'step', i).uniform();
    const again = random(3, 'step', 17);
    expect([again.uniform(), again.normal(), again.int(10)]).toEqual(values);
  });

  it('has a name of its own: seeds beyond 32 bits, negative ones, numbers and words are told apart', () => {
    const seeds = [0, 1, -1, 2 ** 32, 2 ** 32 + 1, 2 ** 40, -(2 ** 32)];
    const keys = [
      ...seeds.map((seed) => streamKey(seed)),
      ...['a', 'b', 'ab', 'ba', 'aa'].map((word) => streamKey(0, word)),
      ...[0, 1, 2, -1].map((n) => streamKey(0, n)),
      streamKey(0, 'a', 'b'),
      streamKey(0, 'a', 0),
      streamKey(0, 0, 'a'),
      streamKey(0, 0, 0),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('rarely meets another: 100,000 keys have no more collisions than chance', () => {
    const keys = new Set(
      Array.from({ length: N }, (_, i) => streamKey(i % 317, 'batch', Math.floor(i / 317))),
    );
    expect(N - keys.size).toBeLessThan(8); // birthday: N² / 2³³ = 1.2 expected
  });
});

describe('normal numbers', () => {
  it.each([
    [
      'drawn one by one',
      () =>
        Float64Array.from(
          { length: N },
          (
            (draw) => () =>
              draw.normal()
          )(random(2, 'n')),
        ),
    ],
    [
      'filled at once',
      () => {
        const values = new Float32Array(N);
        fillNormal(values, streamKey(2, 'n'));
        return values;
      },
    ],
  ])('%s have the moments and tails of the normal distribution', (_, make) => {
    const values = make();
    const moment = (k: number) => mean(Array.from(values, (x) => x ** k)) / N;
    expect(moment(1)).toBeCloseTo(0, 1.5);
    expect(moment(2)).toBeCloseTo(1, 1.5);
    expect(moment(3)).toBeCloseTo(0, 1);
    expect(moment(4) / 3).toBeCloseTo(1, 1);
    const beyond = Array.from(values).filter((x) => Math.abs(x) > 2).length / N;
    expect(beyond).toBeCloseTo(0.0455, 2);
    expect(
      Math.abs(
        correlation(
          Array.from(values, (x) => x / Math.sqrt(12) + 0.5),
          Array.from(values, (x) => x / Math.sqrt(12) + 0.5),
          1,
        ),
      ),
    ).toBeLessThan(4.5);
  });

  it('fill an odd number of places', () => {
    const [odd, even] = [new Float32Array(7), new Float32Array(8)];
    fillNormal(odd, 5);
    fillNormal(even, 5);
    expect(odd).toEqual(even.slice(0, 7));
    expect(odd.every(Number.isFinite)).toBe(true);
  });
});

describe('masks and fills', () => {
  it('drop the share they are told to and keep the mean', () => {
    const mask = new Float32Array(N);
    for (const rate of [0, 0.1, 0.5, 0.9]) {
      fillDropout(mask, streamKey(1, rate * 10), rate);
      const dropped = mask.filter((x) => x === 0).length / N;
      expect(Math.abs(dropped - rate)).toBeLessThanOrEqual(4.5 * Math.sqrt((rate * (1 - rate)) / N));
      expect(new Set(mask).size).toBe(rate === 0 ? 1 : 2);
      expect(Math.max(...mask.subarray(0, 1000))).toBeCloseTo(1 / (1 - rate), 4);
    }
  });

  it('depend on the key alone', () => {
    const [a, b, c] = [new Float32Array(50), new Float32Array(100), new Float32Array(50)];
    fillUniform(a, 9);
    fillUniform(b, 9);
    fillUniform(c, 10);
    expect(b.slice(0, 50)).toEqual(a);
    expect(c).not.toEqual(a);
    expect(b.every((x) => x >= 0 && x < 1)).toBe(true);
  });
});

describe('choices', () => {
  it('shuffle into every order equally often, and leave the argument alone', () => {
    const items = Object.freeze(['a', 'b', 'c', 'd']);
    const counts = new Map<string, number>();
    for (let i = 0; i < 24_000; i++) {
      const order = random(i, 'shuffle').shuffle(items).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    expect(Math.abs(unevenness([...counts.values()]))).toBeLessThan(4.5);
  });

  it('keep every item of a stream equally often, all of them where there is room', () => {
    const counts = new Int32Array(7);
    for (let i = 0; i < 7000; i++) {
      const some = reservoir<number>(2, random(i, 'reservoir'));
      for (let item = 0; item < 7; item++) some.add(item);
      expect([some.kept().length, some.seen()]).toEqual([2, 7]);
      for (const item of some.kept()) counts[item]++;
    }
    expect(Math.abs(unevenness(counts))).toBeLessThan(4.5);
    const all = reservoir<string>(3, random(1, 'reservoir'));
    for (const item of ['a', 'b']) all.add(item);
    expect(all.kept()).toEqual(['a', 'b']);
  });

  it('pick every item equally often', () => {
    const draw = random(1, 'pick');
    const counts = new Int32Array(7);
    for (let i = 0; i < 14_000; i++) counts[draw.pick([0, 1, 2, 3, 4, 5, 6])]++;
    expect(Math.abs(unevenness(counts))).toBeLessThan(4.5);
  });
});
