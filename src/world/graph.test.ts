import { describe, expect, it } from 'vitest';
import { groupRelations, relationHolds, sceneGraph, zoneOf } from './graph.ts';
import { groupsOf, type Scene, type SceneObject } from './scene.ts';

const at = (x: number, y: number) => ({ x: x - 0.1, y: y - 0.1, width: 0.2, height: 0.2 });
const object = (look: Partial<SceneObject>): SceneObject => ({
  shape: 'circle',
  color: 'red',
  size: 'small',
  texture: 'solid',
  x: 0.5,
  y: 0.5,
  extent: 0.28,
  ...look,
});

describe('relationHolds', () => {
  it('follows the direction of the centres, both directions on a diagonal', () => {
    const middle = at(0.5, 0.5);
    expect(relationHolds('left of', at(0.2, 0.5), middle)).toBe(true);
    expect(relationHolds('left of', at(0.8, 0.5), middle)).toBe(false);
    expect(relationHolds('above', at(0.5, 0.1), middle)).toBe(true);
    expect(relationHolds('above', at(0.2, 0.5), middle)).toBe(false);
    expect(relationHolds('left of', at(0.2, 0.2), middle)).toBe(true);
    expect(relationHolds('above', at(0.2, 0.2), middle)).toBe(true);
  });

  it('needs more than the margin, and never holds of a box and itself', () => {
    expect(relationHolds('left of', at(0.47, 0.5), at(0.5, 0.5))).toBe(false);
    for (const relation of ['left of', 'right of', 'above', 'below'] as const) {
      expect(relationHolds(relation, at(0.5, 0.5), at(0.5, 0.5))).toBe(false);
    }
  });

  it('tells inside from in front of', () => {
    const big = { x: 0.2, y: 0.2, width: 0.5, height: 0.5 };
    expect(relationHolds('inside', at(0.45, 0.45), big)).toBe(true);
    expect(relationHolds('in front of', at(0.45, 0.45), big)).toBe(false);
    expect(relationHolds('in front of', at(0.2, 0.4), big)).toBe(true);
    expect(relationHolds('inside', big, at(0.45, 0.45))).toBe(false);
  });
});

describe('sceneGraph', () => {
  const scene: Scene = {
    background: { color: 'white' },
    objects: [
      object({ shape: 'square', color: 'blue', size: 'large', extent: 0.46, x: 0.7, y: 0.7 }),
      object({ x: 0.7, y: 0.7 }),
      object({ color: 'green', x: 0.2, y: 0.7 }),
      object({ color: 'green', x: 0.2, y: 0.2 }),
    ],
    letters: { text: 'AB', color: 'black', place: 'top', x: 0.7, y: 0.15 },
  };

  it('lists objects with their attributes, and each pair of objects once', () => {
    const graph = sceneGraph(scene);
    expect(graph.objects[0]).toMatchObject({ name: 'square', attributes: ['blue', 'large', 'solid'] });
    expect(graph.objects[3].zone).toEqual({ row: 'top', column: 'left' });
    expect(graph.relations).toContainEqual({ subject: 1, predicate: 'inside', object: 0 });
    expect(graph.relations).toContainEqual({ subject: 2, predicate: 'left of', object: 1 });
    expect(graph.relations).toContainEqual({ subject: 3, predicate: 'above', object: 2 });
    expect(graph.relations.every(({ subject, object }) => subject > object)).toBe(true);
    expect(graph.letters).toBe('AB');
  });

  it('relates groups only by what holds between all their members', () => {
    const [square, , green] = groupsOf(scene);
    expect(green.objects).toHaveLength(2);
    expect(groupRelations(scene, green, square)).toEqual(['left of']);
    expect(groupRelations(scene, square, green)).toEqual(['right of']);
  });
});

describe('zoneOf', () => {
  it('divides the canvas in nine', () => {
    expect(zoneOf(at(0.5, 0.5))).toEqual({ row: 'middle', column: 'center' });
    expect(zoneOf(at(0.9, 0.1))).toEqual({ row: 'top', column: 'right' });
  });
});
