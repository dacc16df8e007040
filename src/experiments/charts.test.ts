import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { barChart, forestChart, lineChart, ticks } from './charts.ts';

describe('charts', () => {
  test('ticks are round, rise, and lie within the range', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.double({ min: 1e-3, max: 1e6, noNaN: true }), (low, width) => {
        const found = ticks(low, low + width);
        expect(found.length).toBeGreaterThanOrEqual(1);
        expect(found.length).toBeLessThanOrEqual(12);
        for (const [i, tick] of found.entries()) {
          expect(tick).toBeGreaterThanOrEqual(low - 1e-6 * width - 1e-9 * Math.abs(low));
          expect(tick).toBeLessThanOrEqual(low + width * (1 + 1e-6) + 1e-9 * Math.abs(low));
          if (i > 0) expect(tick).toBeGreaterThan(found[i - 1]);
        }
      }),
    ); // biome-ignore format: one line
  });

  test('names are escaped wherever they stand', () => {
    const evil = '<script>&"';
    const all = [
      barChart(evil, [evil], [{ name: evil, bars: [{ value: 1, low: 0, high: 2 }] }], { most: 100 }),
      lineChart(evil, [{ name: evil, points: [{ step: 1, mean: 1, least: 0, most: 2 }] }], evil),
      forestChart(evil, [{ name: evil, difference: 1, low: 0, high: 2 }], evil),
    ].join('');
    expect(all).not.toContain('<script>');
    expect(all).not.toContain('NaN');
  });

  test('a bar is as high as its value, and says its figures', () => {
    const svg = barChart('x', ['g'], [{ name: 'A', bars: [{ value: 50, low: 40, high: 60 }] }], { most: 100, unit: ' %' }); // biome-ignore format: one line
    const height = (of: string) => Number(/height="([\d.]+)"/.exec(of.slice(of.indexOf('<rect')))?.[1]);
    const full = barChart('x', ['g'], [{ name: 'A', bars: [{ value: 100, low: 90, high: 100 }] }], {
      most: 100,
    });
    expect(2 * height(svg)).toBeCloseTo(height(full), 6);
    expect(svg).toContain('A, g: 50.0 % (40.0 to 60.0)');
  });
});
