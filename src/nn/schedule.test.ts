import { describe, expect, it } from 'vitest';
import { constantSchedule, cosineSchedule, trapezoidSchedule } from './schedule.ts';

describe('warm-up', () => {
  it.each([
    ['constant', constantSchedule(4)],
    ['cosine', cosineSchedule(4)],
    ['trapezoid', trapezoidSchedule(4)],
  ])('rises in equal parts to the peak, never from nothing (%s)', (_, schedule) => {
    expect([0, 1, 2, 3, 4].map((step) => schedule(step, 0))).toEqual([0.25, 0.5, 0.75, 1, 1]);
  });
  it('of no steps starts at the peak', () => {
    expect(constantSchedule(0)(0, 0)).toBe(1);
    expect(cosineSchedule(0)(0, 0)).toBe(1);
  });
});

describe('after it', () => {
  it('constant stays at the peak to the end', () => {
    expect([0.2, 0.5, 1].map((progress) => constantSchedule(4)(1000, progress))).toEqual([1, 1, 1]);
  });
  it('cosine falls to its floor: half-way at half-time, level at both ends', () => {
    const schedule = cosineSchedule(1, 0.1);
    expect(schedule(10, 0)).toBe(1);
    expect(schedule(10, 0.5)).toBeCloseTo(0.55, 10);
    expect(schedule(10, 1)).toBeCloseTo(0.1, 10);
    expect(1 - schedule(10, 0.01)).toBeLessThan(0.001);
    expect(schedule(10, 0.99) - 0.1).toBeLessThan(0.001);
    const values = Array.from({ length: 101 }, (_, i) => schedule(10, i / 100));
    expect(values).toEqual(values.toSorted((a, b) => b - a));
  });
  it('trapezoid stays at the peak, then falls in equal parts to nothing', () => {
    const schedule = trapezoidSchedule(4, 0.2);
    expect([0.1, 0.5, 0.79].map((progress) => schedule(1000, progress))).toEqual([1, 1, 1]);
    expect(schedule(1000, 0.85)).toBeCloseTo(0.75, 10);
    expect(schedule(1000, 0.95)).toBeCloseTo(0.25, 10);
    expect([1, 1.2].map((progress) => schedule(1000, progress))).toEqual([0, 0]);
  });
  it('cosine does not rise again when time runs over', () => {
    expect(cosineSchedule(1)(10, 1.2)).toBeCloseTo(0, 10);
  });
});
