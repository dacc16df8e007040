import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { random } from '../random.ts';
import { frechetDistance, Moments } from './frechet.ts';

const momentsOf = (vectors: ArrayLike<number>[]): Moments => {
  const moments = new Moments(vectors[0].length);
  for (const vector of vectors) moments.add(vector);
  return moments;
};

/** Two points for each axis, around `at`: a covariance that is diagonal, with the squares of `spread` × 2 / (2 d − 1). */
const cross = (at: number[], spread: number[]): number[][] =>
  at.flatMap((_, axis) => [-1, 1].map((side) => at.map((value, i) => value + (i === axis ? side * spread[i] : 0)))); // biome-ignore format: one line

const cloud = (seed: number, count: number, dimension: number): number[][] => {
  const source = random(seed, 'cloud');
  return Array.from({ length: count }, () => Array.from({ length: dimension }, () => source.uniform() - 0.5));
};

describe('moments', () => {
  test('are the mean and the covariance of what was taken in', () => {
    const moments = momentsOf([
      [1, 2],
      [3, 2],
      [5, 8],
    ]);
    expect([...moments.mean()]).toEqual([3, 4]);
    expect(moments.covariance().to2DArray()).toEqual([
      [4, 6],
      [6, 12],
    ]);
  });
  test('keep their digits where the mean is far away', () => {
    const far = momentsOf([[1e9 + 1], [1e9 + 2], [1e9 + 3]]);
    expect(far.covariance().get(0, 0)).toBe(1);
  });
  test('refuse vectors of another length or with what is no number, and are as before', () => {
    const moments = momentsOf([
      [1, 2],
      [2, 4],
    ]);
    const before = moments.covariance().to2DArray();
    expect(() => moments.add([1])).toThrow(/1 numbers among such of 2/);
    expect(() => moments.add([1, Number.NaN])).toThrow(/feature 1 is NaN/);
    expect([moments.count, moments.covariance().to2DArray()]).toEqual([2, before]);
  });
});

describe('the Fréchet distance', () => {
  test('of the same pictures is nothing', () => {
    expect(frechetDistance(momentsOf(cloud(1, 50, 6)), momentsOf(cloud(1, 50, 6)))).toBeCloseTo(0, 9);
  });
  test('of shifted ones is the square of the shift', () => {
    const moved = cloud(1, 50, 3).map(([x, y, z]) => [x + 3, y - 4, z]);
    expect(frechetDistance(momentsOf(cloud(1, 50, 3)), momentsOf(moved))).toBeCloseTo(25, 8);
  });
  test('along the axes is the sum of the squares of means apart and of deviations apart', () => {
    const [at, to, a, b] = [[0, 1, 2], [1, 1, 0], [1, 2, 0.5], [2, 1, 0]]; // biome-ignore format: one line
    const deviations = (spread: number[]) => spread.map((value) => value * Math.sqrt(2 / 5));
    const [s, t] = [deviations(a), deviations(b)];
    const expected = at.reduce((sum, x, i) => sum + (x - to[i]) ** 2 + (s[i] - t[i]) ** 2, 0);
    expect(frechetDistance(momentsOf(cross(at, a)), momentsOf(cross(to, b)))).toBeCloseTo(expected, 8);
  });
  test('does not mind which comes first, nor turns of the axes, nor fewer pictures than dimensions', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), fc.double({ min: 0, max: 6.3, noNaN: true }), fc.integer({ min: 2, max: 12 }), (seed, angle, count) => {
        const [a, b] = [cloud(seed, count, 5), cloud(seed + 1, 9, 5)];
        const turn = (v: number[]) => [Math.cos(angle) * v[0] - Math.sin(angle) * v[1], Math.sin(angle) * v[0] + Math.cos(angle) * v[1], ...v.slice(2)]; // biome-ignore format: one line
        const plain = frechetDistance(momentsOf(a), momentsOf(b));
        expect(frechetDistance(momentsOf(b), momentsOf(a))).toBeCloseTo(plain, 6);
        expect(frechetDistance(momentsOf(a.map(turn)), momentsOf(b.map(turn)))).toBeCloseTo(plain, 6);
        expect(plain).toBeGreaterThanOrEqual(0);
      }), // biome-ignore format: one line
    );
  });
  test('needs two pictures a side, of the same features', () => {
    const two = momentsOf(cloud(1, 2, 3));
    expect(() => frechetDistance(two, momentsOf(cloud(1, 1, 3)))).toThrow(/two pictures on either side/);
    expect(() => frechetDistance(two, momentsOf(cloud(1, 2, 4)))).toThrow(
      /features of 3 numbers against such of 4/,
    );
  });
});
