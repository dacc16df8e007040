import { expect, test } from 'vitest';
import { addClasses, CLASSES, choose, classPlace, feature, hash, softmax } from './log-linear.ts';

test('the chance of an outcome is the softmax of the weights of its features', () => {
  const weights = { values: Int8Array.from([0, 2, -4, 0]), scale: 0.5 };
  const choice = {
    groups: [[1, 1], [2]],
    outcomes: [
      { features: [1], groups: [] }, // 2
      { features: [0], groups: [1] }, // 0 − 4
      { features: [5], groups: [0] }, // place 5 is place 1: 2 + 4
    ],
  };
  const powers = [Math.exp(1), Math.exp(-2), Math.exp(3)];
  const total = powers.reduce((sum, power) => sum + power);
  choose(weights, choice).forEach((chance, i) => {
    expect(chance).toBeCloseTo(powers[i] / total, 12);
  });
});

test('large scores do not overflow', () => {
  expect(softmax([1000, -1000], 1)).toEqual([1, 0]);
});

test('classes of a feature have their weights side by side, inside the table', () => {
  const values = Float32Array.from({ length: 32 }, (_, i) => i);
  const place = classPlace(0xffffffff, values.length);
  expect(place).toBe(32 - CLASSES);
  const sums = [0, 100, 0];
  addClasses({ values, scale: 1 }, [0xffffffff, 0], sums);
  expect(sums).toEqual([24, 100 + 25 + 1, 26 + 2]);
});

test('features that differ in one part lie far apart', () => {
  const kind = hash('kind');
  const seen = [
    feature(kind),
    feature(kind, 1),
    feature(kind, 0, 1),
    feature(kind, 0, 0, 1),
    feature(kind, 1, 2),
    feature(kind, 2, 1),
    feature(hash('other'), 1, 2),
  ];
  expect(new Set(seen).size).toBe(seen.length);
  const places = new Set(Array.from({ length: 64 }, (_, i) => feature(kind, i) & 1023));
  expect(places.size).toBeGreaterThan(55); // 62 are expected of even spread
});
