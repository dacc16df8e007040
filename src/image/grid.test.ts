import { expect, test } from 'vitest';
import { gridOf } from './grid.ts';

const solid = (value: number) => ({ width: 2, height: 2, data: new Uint8Array(12).fill(value) });
const at = ({ width, data }: { width: number; data: Uint8Array }, x: number, y: number) =>
  data[(y * width + x) * 3];

test('pictures stand side by side in rows, with lines between', () => {
  const grid = gridOf([1, 2, 3].map(solid), { columns: 2, gap: 1 });
  expect([grid.width, grid.height]).toEqual([7, 7]);
  expect([at(grid, 1, 1), at(grid, 4, 1), at(grid, 1, 4), at(grid, 4, 4)]).toEqual([1, 2, 3, 238]);
  expect(at(grid, 3, 1)).toBe(238);
});

test('without a number of columns it is about square', () => {
  expect(gridOf([1, 2, 3, 4].map(solid), { gap: 0 })).toMatchObject({ width: 4, height: 4 });
  expect(gridOf([1].map(solid), { gap: 0 })).toMatchObject({ width: 2, height: 2 });
});
