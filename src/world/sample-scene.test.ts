import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { overlap, sceneGraph } from './graph.ts';
import { type SceneOptions, sampleScene } from './sample-scene.ts';
import { boxOf, groupsOf, parseScene } from './scene.ts';
import { BACKDROPS, colorDistance, INKS } from './vocabulary.ts';

const index = fc.nat(100_000);
const scenes = (count: number, options: SceneOptions = {}) =>
  Array.from({ length: count }, (_, i) => sampleScene(7, i, options));
const codeOf = (options: SceneOptions) => {
  try {
    sampleScene(1, 0, options);
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

describe('sampleScene', () => {
  it('gives the same scene for the same seed and index, and others for others', () => {
    fc.assert(
      fc.property(fc.nat(), index, (seed, i) => {
        expect(sampleScene(seed, i)).toEqual(sampleScene(seed, i));
      }),
    );
    const distinct = new Set(scenes(200).map((scene) => JSON.stringify(scene)));
    expect(distinct.size).toBe(200);
    expect(sampleScene(1, 5)).not.toEqual(sampleScene(2, 5));
  });

  it('draws scenes that survive JSON', () => {
    for (const scene of scenes(100)) expect(parseScene(JSON.parse(JSON.stringify(scene)))).toEqual(scene);
  });

  it('keeps every object on the canvas, and apart unless one is inside or in front of another', () => {
    fc.assert(
      fc.property(index, (i) => {
        const scene = sampleScene(3, i);
        const boxes = scene.objects.map(boxOf);
        for (const { x, y, width, height } of boxes) {
          expect(Math.min(x, y)).toBeGreaterThan(0);
          expect(Math.max(x + width, y + height)).toBeLessThan(1);
        }
        const touching = boxes.flatMap((a, at) => boxes.slice(0, at).filter((b) => overlap(a, b)));
        const told = sceneGraph(scene).relations.filter(({ predicate }) => /inside|front/.test(predicate));
        expect(touching.length).toBe(told.length);
        expect(touching.length).toBeLessThanOrEqual(1);
      }),
    );
  });

  it.each([5, 8, 16])('on a grid of %i puts every centre on it, and the scene is as sound as any', (grid) => {
    for (const scene of scenes(150, { grid })) {
      const boxes = scene.objects.map(boxOf);
      for (const { x, y } of scene.objects)
        for (const at of [x, y]) expect(at * grid).toBeCloseTo(Math.round(at * grid), 9);
      for (const { x, y, width, height } of boxes) {
        expect(Math.min(x, y)).toBeGreaterThan(0);
        expect(Math.max(x + width, y + height)).toBeLessThan(1);
      }
      const touching = boxes.flatMap((a, at) => boxes.slice(0, at).filter((b) => overlap(a, b)));
      const told = sceneGraph(scene).relations.filter(({ predicate }) => /inside|front/.test(predicate));
      expect(touching.length).toBe(told.length);
    }
  });

  it('draws every object, and letters, in a colour that stands out from the background', () => {
    fc.assert(
      fc.property(index, (i) => {
        const { background, objects, letters } = sampleScene(4, i);
        for (const { color } of letters === undefined ? objects : [...objects, letters]) {
          expect(colorDistance(INKS[color].fill, BACKDROPS[background.color])).toBeGreaterThanOrEqual(90);
        }
      }),
    );
  });

  it('never gives two groups of a scene the same colour and shape, so that "the red circle" is clear', () => {
    for (const scene of scenes(300)) {
      const names = groupsOf(scene).map(({ color, shape }) => `${color} ${shape}`);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it('draws each count, relation and kind of scene often enough to learn from', () => {
    const all = scenes(1500);
    const share = (holds: (scene: (typeof all)[number]) => boolean) => all.filter(holds).length / all.length;
    for (const n of [1, 2, 3, 4]) expect(share(({ objects }) => objects.length === n)).toBeGreaterThan(0.2);
    for (const relation of ['left of', 'above', 'inside', 'in front of']) {
      const told = share((scene) =>
        sceneGraph(scene).relations.some(({ predicate }) => predicate === relation),
      );
      expect(told, relation).toBeGreaterThan(0.05);
    }
    expect(share(({ letters }) => letters !== undefined)).toBeGreaterThan(0.08);
    expect(share((scene) => groupsOf(scene).some(({ objects }) => objects.length === 3))).toBeGreaterThan(
      0.05,
    );
  });

  it('does what the options say', () => {
    for (const scene of scenes(100, {
      maxObjects: 2,
      letters: 0,
      textures: 0,
      gradients: 0,
      colors: ['red', 'blue'],
    })) {
      expect(scene.objects.length).toBeLessThanOrEqual(2);
      expect(scene.letters).toBeUndefined();
      expect(scene.background.fadesTo).toBeUndefined();
      expect(scene.objects.every(({ texture, color }) => texture === 'solid' && /red|blue/.test(color))).toBe(
        true,
      );
    }
    for (const { letters } of scenes(50, { letters: 1, maxObjects: 3 }))
      expect(letters?.text).toMatch(/^[A-Z]{1,4}$/);
    for (const { objects } of scenes(50, { minObjects: 4 })) expect(objects).toHaveLength(4);
    const trio = scenes(50, { minObjects: 3, maxObjects: 3, alike: 1, overlaps: 0 });
    expect(trio.every((scene) => groupsOf(scene).length <= 2)).toBe(true);
  });

  it('holds out rare looks, and finds them when asked for them', () => {
    const match = ({ color, shape }: { color: string; shape: string }) => color === 'red' && shape === 'star';
    const held = scenes(400, { rare: { match, share: 0 } });
    expect(held.some(({ objects }) => objects.some(match))).toBe(false);
    const sought = scenes(20, { accept: ({ objects }) => objects.some(match) });
    expect(sought.every(({ objects }) => objects.some(match))).toBe(true);
  });

  it('says what is wrong with options that no scene can meet', () => {
    expect(codeOf({ maxObjects: 5 })).toBe('world-options');
    expect(codeOf({ minObjects: 3, maxObjects: 2 })).toBe('world-options');
    expect(codeOf({ letters: 2 })).toBe('world-options');
    expect(codeOf({ shapes: [] })).toBe('world-options');
    expect(codeOf({ accept: () => false, maxObjects: 1 })).toBe('world-options');
    expect(() => sampleScene(1, 0, { textures: -1 })).toThrow(/textures/);
  });
});

describe('parseScene', () => {
  it('names the field that is wrong', () => {
    const scene = sampleScene(1, 1);
    expect(() => parseScene({ ...scene, objects: [] })).toThrow(/objects/);
    const [first] = scene.objects;
    expect(() => parseScene({ ...scene, objects: [{ ...first, color: 'mauve' }] })).toThrow(
      /objects\.0\.color/,
    );
    expect(() => parseScene('a red circle')).toThrow(/not a scene/);
  });
});
