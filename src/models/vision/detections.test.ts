import { describe, expect, it } from 'vitest';
import {
  decodeDetections,
  detectionWidth,
  type HeadLevel,
  overlap,
  writeDetectionTokens,
} from './detections.ts';

const OFF = -20;
const logit = (p: number) => Math.log(p / (1 - p));

/** A level without detections, and a way to put one into a cell. */
function level(side: number, stride: number, classes: number) {
  const cells = side * side;
  const values = new Float32Array((5 + classes) * cells).fill(OFF);
  const put = (
    cell: number,
    box: [number, number, number, number],
    objectness: number,
    probabilities: number[],
  ) => {
    const all = [
      box[0],
      box[1],
      Math.log(box[2]),
      Math.log(box[3]),
      logit(objectness),
      ...probabilities.map(logit),
    ];
    for (const [row, value] of all.entries()) values[row * cells + cell] = value;
  };
  return { level: { values, side, stride } satisfies HeadLevel, put };
}
const options = { classes: 3, count: 10, threshold: 0.1, overlap: 0.5 };

describe('a detection', () => {
  it('has its box in pixels of the input, measured from its cell, and the product of its probabilities as score', () => {
    const { level: one, put } = level(4, 8, 3);
    put(6, [0.5, 0.25, 2, 3], 0.8, [0.1, 0.9, 0.2]); // row 1, column 2
    const [found, ...others] = decodeDetections([one], options);
    expect(others).toEqual([]);
    expect(found).toMatchObject({ label: 1, level: 0, cell: 6 });
    expect(found.score).toBeCloseTo(0.72, 5);
    expect(found.box.x).toBeCloseTo((2 + 0.5) * 8, 4);
    expect(found.box.y).toBeCloseTo((1 + 0.25) * 8, 4);
    expect(found.box.width).toBeCloseTo(16, 4);
    expect(found.box.height).toBeCloseTo(24, 4);
  });

  it('is left out below the threshold, even when its parts are above it', () => {
    const { level: one, put } = level(2, 8, 3);
    put(0, [0, 0, 1, 1], 0.3, [0.3, 0.1, 0.1]);
    expect(decodeDetections([one], options)).toEqual([]);
  });

  it('of one class is suppressed by a stronger one that it overlaps; of another class it stays', () => {
    const { level: one, put } = level(2, 8, 3);
    put(0, [0.5, 0.5, 2, 2], 0.9, [0.9, 0.1, 0.1]);
    put(1, [-0.5, 0.5, 2, 2], 0.7, [0.9, 0.1, 0.1]); // the same place
    put(2, [0.5, -0.5, 2, 2], 0.6, [0.1, 0.9, 0.1]); // the same place, another class
    put(3, [9, 9, 2, 2], 0.5, [0.9, 0.1, 0.1]); // elsewhere
    expect(decodeDetections([one], options).map(({ cell }) => cell)).toEqual([0, 2, 3]);
    expect(decodeDetections([one], { ...options, count: 2 }).map(({ cell }) => cell)).toEqual([0, 2]);
  });

  it('comes from every level, the strongest first', () => {
    const [fine, coarse] = [level(2, 8, 3), level(1, 16, 3)];
    fine.put(0, [0, 0, 1, 1], 0.5, [0.9, 0.1, 0.1]);
    coarse.put(0, [0.5, 0.5, 1, 1], 0.9, [0.1, 0.1, 0.9]);
    expect(decodeDetections([fine.level, coarse.level], options).map(({ level }) => level)).toEqual([1, 0]);
  });

  it('of FastestDet has its sizes as shares of the picture and a weighted product of probabilities as score', () => {
    const values = new Float32Array(8 * 4); // 2 × 2 cells, 3 classes
    const all = [0.8, Math.atanh(0.25), Math.atanh(-0.5), logit(0.5), logit(0.25), 0.1, 0.7, 0.2];
    for (const [row, value] of all.entries()) values[row * 4 + 3] = value;
    const head = { ...options, head: 'fastestdet' as const };
    const [found, ...others] = decodeDetections([{ values, side: 2, stride: 8 }], head);
    expect(others).toEqual([]);
    expect(found.label).toBe(1);
    expect(found.score).toBeCloseTo(0.8 ** 0.6 * 0.7 ** 0.4, 5);
    const { x, y, width, height } = found.box;
    for (const [is, wanted] of [[x, 10], [y, 4], [width, 8], [height, 4]]) expect(is).toBeCloseTo(wanted, 4); // biome-ignore format: one line
  });

  it('with an absurd size stays finite', () => {
    const { level: one, put } = level(1, 8, 3);
    put(0, [0, 0, 1, 1], 0.9, [0.9, 0.1, 0.1]);
    one.values[2] = 500;
    expect(Number.isFinite(decodeDetections([one], options)[0].box.width)).toBe(true);
  });
});

describe('a token of a detection', () => {
  it('holds class probabilities, score, box as shares of the input, and the features of its cell', () => {
    const { level: one, put } = level(2, 8, 3);
    put(3, [0.5, 0.5, 1, 1], 0.8, [0.1, 0.9, 0.2]);
    const features = Float32Array.of(1, 2, 3, 4, 50, 60, 70, 80);
    const shape = { classes: 3, features: 2 };
    const out = new Float32Array(2 * detectionWidth(shape));
    writeDetectionTokens(out, decodeDetections([one], options), [{ ...one, features }], shape, 16);
    const expected = [0.1, 0.9, 0.2, 0.72, 0.75, 0.75, 0.5, 0.5, 4, 80];
    for (const [i, value] of expected.entries()) expect(out[i]).toBeCloseTo(value, 4);
    expect([...out.subarray(10)]).toEqual(Array(10).fill(0)); // no second detection
  });
});

describe('overlap', () => {
  const box = (x: number, y: number, width: number, height: number) => ({ x, y, width, height });
  it('is intersection over union', () => {
    expect(overlap(box(0, 0, 2, 2), box(0, 0, 2, 2))).toBe(1);
    expect(overlap(box(0, 0, 2, 2), box(1, 0, 2, 2))).toBeCloseTo(1 / 3, 10);
    expect(overlap(box(0, 0, 2, 2), box(5, 0, 2, 2))).toBe(0);
    expect(overlap(box(0, 0, 4, 4), box(0, 0, 2, 2))).toBeCloseTo(1 / 4, 10);
  });
});
