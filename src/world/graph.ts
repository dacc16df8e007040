/** What holds between the objects of a scene, decided from geometry alone. */
import type { Box } from '../data/regions.ts';
import { type Background, boxOf, type Group, type Scene, type SceneObject } from './scene.ts';
import { OUTLINES } from './shapes.ts';
import type { Relation, Shape } from './vocabulary.ts';

/**
 * Whether the box `a` is left of, above … the box `b`. Directions follow GenEval's rule: the offset of the centres,
 * less a tenth of the summed sizes on each axis, must point within 60° of the direction. `inside` asks that `b`
 * contains `a`, `in front of` that they overlap without that; who is in front, boxes cannot tell.
 */
export function relationHolds(relation: Relation, a: Box, b: Box): boolean {
  if (relation === 'inside') return contains(b, a);
  if (relation === 'in front of') return overlap(a, b) && !contains(a, b) && !contains(b, a);
  const dx = withoutMargin(a.x + a.width / 2 - b.x - b.width / 2, (a.width + b.width) / 10);
  const dy = withoutMargin(a.y + a.height / 2 - b.y - b.height / 2, (a.height + b.height) / 10);
  const along = { 'left of': -dx, 'right of': dx, above: -dy, below: dy }[relation];
  return along > Math.hypot(dx, dy) / 2;
}

function withoutMargin(offset: number, margin: number): number {
  return Math.sign(offset) * Math.max(0, Math.abs(offset) - margin);
}

function contains(outer: Box, inner: Box): boolean {
  return (
    outer.x <= inner.x &&
    outer.y <= inner.y &&
    outer.x + outer.width >= inner.x + inner.width &&
    outer.y + outer.height >= inner.y + inner.height
  );
}

/** Whether two boxes have an area in common. */
export function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

/** Relations of `a` to `b`, both objects of `scene`. Objects that overlap are inside or in front, and nothing else. */
function relationsBetween(scene: Scene, a: number, b: number): Relation[] {
  const [first, second] = [boxOf(scene.objects[a]), boxOf(scene.objects[b])];
  if (!overlap(first, second)) {
    return (['left of', 'right of', 'above', 'below'] as const).filter((r) =>
      relationHolds(r, first, second),
    );
  }
  if (a < b) return [];
  return relationHolds('inside', first, second) ? ['inside'] : ['in front of'];
}

/** Relations that hold between every member of `a` and every member of `b`. */
export function groupRelations(scene: Scene, a: Group, b: Group): Relation[] {
  const pairs = a.objects.flatMap((first) =>
    b.objects.map((second) =>
      relationsBetween(scene, scene.objects.indexOf(first), scene.objects.indexOf(second)),
    ),
  );
  return pairs[0].filter((relation) => pairs.every((pair) => pair.includes(relation)));
}

/** The ninth of the canvas in which a box has its centre. */
export interface Zone {
  row: 'top' | 'middle' | 'bottom';
  column: 'left' | 'center' | 'right';
}

/** Centres between 40 and 60 % of the canvas are in the middle. */
export function zoneOf(box: Box): Zone {
  const x = box.x + box.width / 2;
  const y = box.y + box.height / 2;
  return {
    row: y < 0.4 ? 'top' : y > 0.6 ? 'bottom' : 'middle',
    column: x < 0.4 ? 'left' : x > 0.6 ? 'right' : 'center',
  };
}

/** Whether a box has its centre in a part of the canvas, or no further than `tolerance` from it. */
export function zoneHolds(zone: `${Zone['row']} ${Zone['column']}`, box: Box, tolerance = 0): boolean {
  const [row, column] = zone.split(' ');
  const within = (part: string, center: number) =>
    part === 'top' || part === 'left'
      ? center < 0.4 + tolerance
      : part === 'bottom' || part === 'right'
        ? center > 0.6 - tolerance
        : center >= 0.4 - tolerance && center <= 0.6 + tolerance;
  return within(row, box.y + box.height / 2) && within(column, box.x + box.width / 2);
}

/** Where an object lies: all of it that geometry needs. */
export type Body = Pick<SceneObject, 'shape' | 'x' | 'y' | 'extent'>;

/** Whether the point (x, y) of the canvas lies on the object. */
function covers({ shape, x: centerX, y: centerY, extent }: Body, x: number, y: number): boolean {
  return OUTLINES[shape].distance((x - centerX) / extent, (y - centerY) / extent) < 0;
}

/** Share of `lower` that `upper` hides, counted on a grid of 24 × 24 points. */
export function hiddenShare(lower: Body, upper: Body): number {
  let hidden = 0;
  let all = 0;
  for (let i = 0; i < 576; i++) {
    const x = lower.x + (((i % 24) + 0.5) / 24 - 0.5) * lower.extent;
    const y = lower.y + ((Math.floor(i / 24) + 0.5) / 24 - 0.5) * lower.extent;
    if (!covers(lower, x, y)) continue;
    all++;
    if (covers(upper, x, y)) hidden++;
  }
  return hidden / all;
}

export interface SceneGraph {
  objects: { id: number; name: Shape; attributes: string[]; box: Box; zone: Zone }[];
  /** Each pair once, from the later (nearer) object to the earlier; ids of `objects`. */
  relations: { subject: number; predicate: Relation; object: number }[];
  background: Background;
  letters?: string;
}

/** Objects with attributes (colour, size, texture), boxes and zones, and every relation that holds. */
export function sceneGraph(scene: Scene): SceneGraph {
  const objects = scene.objects.map((object, id) => {
    const box = boxOf(object);
    const attributes = [object.color, object.size, object.texture];
    return { id, name: object.shape, attributes, box, zone: zoneOf(box) };
  });
  const relations = objects.flatMap(({ id: subject }) =>
    objects
      .slice(0, subject)
      .flatMap(({ id: object }) =>
        relationsBetween(scene, subject, object).map((predicate) => ({ subject, predicate, object })),
      ),
  );
  const graph: SceneGraph = { objects, relations, background: scene.background };
  if (scene.letters !== undefined) graph.letters = scene.letters.text;
  return graph;
}
