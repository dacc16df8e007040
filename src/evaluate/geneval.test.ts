import { describe, expect, it } from 'vitest';
import { INKS } from '../world/index.ts';
import { colourName, patchColour } from './colour.ts';
import { checkGeneval, type Found, positionsOf, THRESHOLDS } from './geneval.ts';
import type { GenevalAsked } from './suites.ts';

const thing = (label: string, x = 0, y = 0, score = 0.95, size = 10): Found => ({ label, score, box: { x, y, width: size, height: size } }); // biome-ignore format: one line
const asked = (tag: string, include: GenevalAsked['include'], exclude?: GenevalAsked['exclude']): GenevalAsked => ({ tag, include, exclude }); // biome-ignore format: one line
const met = (what: GenevalAsked, found: Found[], colours: Record<string, string> = {}) =>
  checkGeneval(what, found, ({ label }) => colours[label] ?? 'gray').met;

describe('a picture is what GenEval asks for', () => {
  it('with a single object, if the detector is sure enough of it', () => {
    const bench = asked('single_object', [{ class: 'bench', count: 1 }]);
    expect(met(bench, [thing('bench', 0, 0, THRESHOLDS.least + 0.01)])).toBe(true);
    expect(met(bench, [thing('bench', 0, 0, THRESHOLDS.least)])).toBe(false);
    expect(met(bench, [thing('chair')])).toBe(false);
    expect(met(bench, [])).toBe(false);
  });

  it('with two objects, if both are there, whatever else is', () => {
    const both = asked('two_object', [{ class: 'bench', count: 1 }, { class: 'sports ball', count: 1 }]); // biome-ignore format: one line
    expect(met(both, [thing('bench'), thing('sports ball'), thing('dog')])).toBe(true);
    expect(met(both, [thing('bench'), thing('bench')])).toBe(false);
  });

  it('with so many objects, no more and no fewer, each of which must be surely there', () => {
    const two = asked('counting', [{ class: 'clock', count: 2 }], [{ class: 'clock', count: 3 }]);
    const clocks = (count: number, score = 0.95) => Array.from({ length: count }, (_, i) => thing('clock', 20 * i, 0, score)); // biome-ignore format: one line
    expect([1, 2, 3].map((count) => met(two, clocks(count)))).toEqual([false, true, false]);
    expect(met(two, clocks(2, THRESHOLDS.counting - 0.01))).toBe(false);
    expect(met(two, [...clocks(2), ...clocks(2, 0.5)])).toBe(true); // the unsure ones count for nothing
  });

  it('with an object of a colour', () => {
    const bench = asked('colors', [{ class: 'bench', count: 1, color: 'green' }]);
    expect(met(bench, [thing('bench')], { bench: 'green' })).toBe(true);
    expect(met(bench, [thing('bench')], { bench: 'blue' })).toBe(false);
  });

  it('with the colours of two objects, each its own', () => {
    const both = asked('color_attr', [{ class: 'apple', count: 1, color: 'black' }, { class: 'cup', count: 1, color: 'red' }]); // biome-ignore format: one line
    const found = [thing('apple'), thing('cup', 30)];
    expect(met(both, found, { apple: 'black', cup: 'red' })).toBe(true);
    expect(met(both, found, { apple: 'red', cup: 'black' })).toBe(false);
  });

  it('with one object on the right side of another', () => {
    const dog = asked('position', [{ class: 'bear', count: 1 }, { class: 'dog', count: 1, position: ['right of', 0] }]); // biome-ignore format: one line
    expect(met(dog, [thing('bear', 0), thing('dog', 30)])).toBe(true);
    expect(met(dog, [thing('bear', 30), thing('dog', 0)])).toBe(false);
    expect(met(dog, [thing('bear', 0), thing('dog', 0, 30)])).toBe(false);
    expect(met(dog, [thing('dog', 30)])).toBe(false);
  });
});

describe('positions', () => {
  const from = (x: number, y: number) => positionsOf(thing('a', x, y).box, thing('b', 0, 0).box);

  it('need twice a tenth of the summed sizes between the centres', () => {
    // A tenth of 10 + 10 is taken off the offset; what is left must be more than half of it (relative_position of GenEval's evaluate_images.py).
    expect(from(4, 0)).toEqual([]);
    expect(from(4.1, 0)).toEqual(['right of']);
    expect(from(-4.1, 0)).toEqual(['left of']);
    expect(from(0, 4.1)).toEqual(['below']);
    expect(from(0, -4.1)).toEqual(['above']);
  });

  it('are two where enough of the offset is left on both axes, and none where on neither', () => {
    expect(from(22, 22)).toEqual(['right of', 'below']); // 20 of 31.1
    expect(from(22, 14)).toEqual(['right of']); // 12 of 26.1
    expect(from(22, 17)).toEqual(['right of', 'below']); // 15 of 27.8
    expect(from(6, 6)).toEqual([]); // 4 of 8.5
  });
});

describe('the colour of a patch', () => {
  it('has the name that the world gives it', () => {
    for (const [name, { fill }] of Object.entries(INKS)) expect(colourName(...(fill as [number, number, number])), name).toBe(name); // biome-ignore format: one line
  });

  it.each([[[128, 128, 128], 'gray'], [[20, 22, 30], 'black'], [[240, 240, 235], 'white'], [[0, 128, 128], 'blue'], [[255, 192, 203], 'pink'], [[139, 69, 19], 'brown'], [[255, 165, 0], 'orange'], [[128, 0, 128], 'purple'], [[0, 0, 128], 'blue'], [[34, 139, 34], 'green']] as const)('%j is %s', (rgb, name) => {
    const [r, g, b] = rgb;
    expect(colourName(r, g, b)).toBe(name);
  }); // biome-ignore format: one line

  it('is the commonest in the middle of its box, whatever lies at the edges', () => {
    const data = new Uint8Array(20 * 20 * 3).fill(255);
    for (let y = 4; y < 16; y++) for (let x = 4; x < 16; x++) data.set([222, 48, 44], 3 * (y * 20 + x));
    expect(patchColour({ width: 20, height: 20, data }, { x: 0.1, y: 0.1, width: 0.8, height: 0.8 })).toBe(
      'red',
    );
  });
});
