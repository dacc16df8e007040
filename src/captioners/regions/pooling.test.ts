import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Box } from '../../data/regions.ts';
import type { MapGrid } from '../../models/vision/encoder.ts';
import { poolingWeights, union } from './pooling.ts';

const weights = (box: Box, side: number, fit: MapGrid['fit'] = 'fill', aspect = 1) => {
  const out = new Float32Array(side * side).fill(9);
  poolingWeights(out, box, { side, lead: 0, fit }, aspect);
  return [...out];
};
const inside = fc.double({ min: 0.01, max: 0.99, noNaN: true });
const boxes = fc
  .tuple(inside, inside, inside, inside)
  .map(([x, y, w, h]): Box => ({ x, y, width: w * (1 - x), height: h * (1 - y) }));

describe('how much each cell of a map counts for a box', () => {
  it('sums to one, and is never negative', () => {
    fc.assert(
      fc.property(boxes, fc.integer({ min: 1, max: 20 }), fc.constantFrom('fill', 'letterbox', 'crop'), fc.double({ min: 0.3, max: 3, noNaN: true }), (box, side, fit, aspect) => {
        const all = weights(box, side, fit, aspect);
        expect(all.every((weight) => weight >= 0)).toBe(true);
        expect(all.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 4);
      }),
    ); // biome-ignore format: one line
  });

  it('has its centre of mass at the centre of the box', () => {
    const [x, y] = [0.3, 0.45];
    const all = weights({ x, y, width: 0.2, height: 0.3 }, 10);
    const mass = (at: (cell: number) => number) =>
      all.reduce((sum, weight, cell) => sum + (weight * (at(cell) + 0.5)) / 10, 0);
    expect(mass((cell) => cell % 10)).toBeCloseTo(x + 0.1, 2);
    expect(mass((cell) => Math.floor(cell / 10))).toBeCloseTo(y + 0.15, 2);
  });

  it('is all of the cell at whose centre a tiny box lies', () => {
    const all = weights({ x: 0.625 - 1e-4, y: 0.125 - 1e-4, width: 2e-4, height: 2e-4 }, 4);
    expect(all[2]).toBeCloseTo(1, 2);
  });

  it('leaves out the bars of a letterbox and what a crop has cut away', () => {
    const whole = { x: 0, y: 0, width: 1, height: 1 };
    const row = (all: number[], r: number) => all.slice(8 * r, 8 * r + 8).reduce((a, b) => a + b, 0);
    const wide = weights(whole, 8, 'letterbox', 2); // bars above and below: rows 0, 1, 6, 7
    expect([row(wide, 0), row(wide, 7)]).toEqual([0, 0]);
    expect(row(wide, 3)).toBeCloseTo(0.25, 1);
    const left = weights({ x: 0.25, y: 0, width: 0.25, height: 1 }, 8, 'crop', 2); // the left half of what is seen
    const columns = [0, 7].map((c) => left.filter((_, cell) => cell % 8 === c).reduce((a, b) => a + b, 0));
    expect(columns[0]).toBeGreaterThan(0.2);
    expect(columns[1]).toBe(0);
  });
});

describe('the union of two boxes', () => {
  it('holds both and no more', () => {
    fc.assert(
      fc.property(boxes, boxes, (a, b) => {
        const all = union(a, b);
        expect(all.x).toBe(Math.min(a.x, b.x));
        expect(all.y + all.height).toBeCloseTo(Math.max(a.y + a.height, b.y + b.height), 10);
      }),
    );
  });
});
