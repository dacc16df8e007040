import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromBfloat16, fromHalf, toBfloat16, toHalf } from './half.ts';

/** The definition of IEEE 754-2008 binary16. */
function valueOfHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -14 : sign * (1 + fraction) * 2 ** (exponent - 15);
}

const allWords = Uint16Array.from({ length: 0x10000 }, (_, i) => i);
const allHalves = fromHalf(allWords);

/** The word whose value is nearest, the even one of two: by search over the sorted non-negative finite values. */
function nearest(values: Float32Array, x: number, infinityAt: number): number {
  const magnitude = Math.abs(x);
  let low = 0;
  let high = infinityAt; // the word of infinity stands for the next power of two, as IEEE rounding has it
  const at = (word: number) =>
    word === infinityAt ? 2 * values[infinityAt - 1] - values[infinityAt - 2] : values[word];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (at(middle) <= magnitude) low = middle;
    else high = middle;
  }
  const below = magnitude - at(low);
  const above = at(high) - magnitude;
  const word = below < above ? low : above < below ? high : low % 2 === 0 ? low : high;
  return Object.is(Math.sign(x), -1) || Object.is(x, -0) ? word | 0x8000 : word;
}

const single = (): fc.Arbitrary<number> =>
  fc.oneof(
    fc.float({ noNaN: true }),
    fc.float({ noNaN: true, min: -7e4, max: 7e4 }),
    fc.float({ noNaN: true, min: Math.fround(-1e-4), max: Math.fround(1e-4) }),
    // exact halfway points between neighbouring halves
    fc.nat(0x7bfe).map((word) => (allHalves[word] + allHalves[word + 1]) / 2),
  );

describe('half precision', () => {
  it('has the value IEEE 754 gives to each of the 65,536 words', () => {
    for (let word = 0; word < 0x10000; word++) {
      if (!Object.is(allHalves[word], valueOfHalf(word))) expect.fail(`${word}: ${allHalves[word]}`);
    }
  });

  it('survives the way to single precision and back, word by word', () => {
    const back = toHalf(allHalves);
    for (let word = 0; word < 0x10000; word++) {
      if (Number.isNaN(valueOfHalf(word))) expect(valueOfHalf(back[word])).toBeNaN();
      else if (back[word] !== word) expect.fail(`${word} became ${back[word]}`);
    }
  });

  it('rounds to the nearest, halfway to the even one', () => {
    fc.assert(
      fc.property(single(), (x) => {
        expect(toHalf(Float32Array.of(x))[0]).toBe(nearest(allHalves, x, 0x7c00));
      }),
      { numRuns: 3000 },
    );
  });

  it.each([
    [0, 0x0000],
    [-0, 0x8000],
    [1, 0x3c00],
    [65504, 0x7bff],
    [65519.996, 0x7bff],
    [65520, 0x7c00],
    [-Infinity, 0xfc00],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [1.5 * 2 ** -25, 0x0001],
    [3 * 2 ** -25, 0x0002],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
  ])('writes %f as the known word %i', (x, word) => {
    expect(toHalf(Float32Array.of(x))[0]).toBe(word);
  });
});

describe('bfloat16', () => {
  const all = fromBfloat16(allWords);

  it('survives the way to single precision and back, word by word', () => {
    const back = toBfloat16(all);
    for (let word = 0; word < 0x10000; word++) {
      if (Number.isNaN(all[word])) expect(all[back[word]]).toBeNaN();
      else if (back[word] !== word) expect.fail(`${word} became ${back[word]}`);
    }
  });

  it('rounds to the nearest, halfway to the even one', () => {
    const halfway = fc.nat(0x7f7e).map((word) => (all[word] + all[word + 1]) / 2);
    fc.assert(
      fc.property(fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), halfway), (x) => {
        expect(toBfloat16(Float32Array.of(x))[0]).toBe(nearest(all, x, 0x7f80));
      }),
      { numRuns: 3000 },
    );
  });

  it.each([
    [1, 0x3f80],
    [Infinity, 0x7f80],
    [3.4028234663852886e38, 0x7f80],
    [1 + 2 ** -8, 0x3f80],
    [1 + 3 * 2 ** -8, 0x3f82],
  ])('writes %f as the known word %i', (x, word) => {
    expect(toBfloat16(Float32Array.of(x))[0]).toBe(word);
  });
});
