/** Sets what a caption claims beside what a picture of the world shows. */
import {
  boxOf,
  type Claims,
  type GroupClaim,
  relationHolds,
  type Scene,
  type SceneObject,
  zoneHolds,
} from '../world/index.ts';

/** What a prompt can ask for, and a picture can get right or wrong. */
export const SKILLS = [
  'object',
  'shape',
  'colour',
  'size',
  'texture',
  'count',
  'place',
  'relation',
  'background',
  'letters',
] as const;
export type Skill = (typeof SKILLS)[number];

/** How often each skill was asked for, and how often it was met. */
export type Tally = Record<Skill, { asked: number; met: number }>;

export interface Verdict {
  tally: Tally;
  /** Something was asked for, and all of it is there. What was not asked for is not held against the picture. */
  met: boolean;
}

/**
 * Centres may lie this far beyond the border of the part of the picture that they are said to be in, as a share of it: less than a pixel,
 * which is as well as they can be read.
 */
const TOLERANCE = 0.02;

/**
 * Counts what of the claims a scene meets.
 *
 * `object` is an object that is named and there, with the colour, shape and size that it is said to have; `shape`, `colour`, `size` and
 * `texture` are asked of the object that is most like it. `count` asks that there are exactly as many of that colour and shape. Relations
 * follow GenEval's rule, between all of the one and all of the other.
 */
export function checkScene(
  claims: Claims,
  scene: Pick<Scene, 'objects' | 'background' | 'letters'>,
): Verdict {
  const tally = emptyTally();
  const mark = (skill: Skill, met: boolean) => {
    tally[skill].asked++;
    tally[skill].met += Number(met);
  };
  const members = assign(claims.groups, scene.objects);
  for (const [i, group] of claims.groups.entries()) {
    for (const object of members[i]) {
      mark('object', object !== undefined && fits(group, object, ['shape', 'color', 'size']));
      mark('shape', object?.shape === group.shape);
      if (group.color) mark('colour', object?.color === group.color);
      if (group.size) mark('size', object?.size === group.size);
      if (group.texture) mark('texture', object?.texture === group.texture);
    }
    const alike = scene.objects.filter((object) => fits(group, object, ['shape', 'color']));
    mark(
      'count',
      group.count === 'several' ? alike.length > 1 : alike.length === expectedCount(claims.groups, group),
    );
    const there = members[i].filter((object) => object !== undefined);
    for (const { zone, count } of group.places) {
      const within = there.filter((object) => zoneHolds(zone, boxOf(object), TOLERANCE)).length;
      const wanted = count === 'all' ? members[i].length : count;
      mark('place', count === 'all' ? within === wanted : within >= wanted);
    }
  }
  for (const { subject, relation, object } of claims.relations)
    mark('relation', related(scene.objects, members[subject], relation, members[object]));
  const { background, letters } = claims;
  if (background) {
    const { color, fadesTo } = scene.background;
    mark('background', color === background.color && fadesTo === background.fadesTo);
  }
  if (letters) {
    const found = scene.letters;
    const as = (key: 'color' | 'place') => letters[key] === undefined || letters[key] === found?.[key];
    mark('letters', found?.text === letters.text && as('color') && as('place'));
  }
  const asked = SKILLS.filter((skill) => tally[skill].asked > 0);
  return { tally, met: asked.length > 0 && asked.every((skill) => tally[skill].met === tally[skill].asked) };
}

export const emptyTally = (): Tally =>
  Object.fromEntries(SKILLS.map((skill) => [skill, { asked: 0, met: 0 }])) as Tally;

type Feature = 'shape' | 'color' | 'size' | 'texture';

const fits = (group: GroupClaim, object: SceneObject, features: readonly Feature[]): boolean =>
  features.every((feature) => group[feature] === undefined || group[feature] === object[feature]);

/** Of one colour and shape a caption may speak in two groups ("a small red circle and a large red circle"): these add up. */
function expectedCount(groups: GroupClaim[], { shape, color }: GroupClaim): number {
  const alike = groups.filter((group) => group.shape === shape && group.color === color);
  return alike.reduce((sum, { count }) => sum + (count === 'several' ? 2 : count), 0);
}

/** What counts when objects are matched with what is named: the kind of thing first, and where it is last. */
const WORTH: Record<Feature, number> = { shape: 8, color: 8, size: 4, texture: 2 };

/**
 * For each group the objects that it most likely means, each object in one group; undefined for those that are not there. Of all
 * assignments the one with the most agreement.
 */
function assign(groups: GroupClaim[], objects: SceneObject[]): (SceneObject | undefined)[][] {
  const slots = groups.flatMap((group, i) =>
    Array.from({ length: group.count === 'several' ? 2 : group.count }, () => ({ group, i })),
  );
  const worth = slots.map(({ group }) => objects.map((object) => agreement(group, object)));
  let best: { total: number; chosen: number[] } = { total: -1, chosen: [] };
  const used = new Set<number>();
  const chosen: number[] = [];
  const search = (at: number, total: number) => {
    if (at === slots.length) {
      if (total > best.total) best = { total, chosen: [...chosen] };
      return;
    }
    for (let k = 0; k < objects.length; k++) {
      if (used.has(k) || worth[at][k] === 0) continue;
      used.add(k);
      chosen.push(k);
      search(at + 1, total + worth[at][k]);
      chosen.pop();
      used.delete(k);
    }
    if (objects.length < slots.length || worth[at].some((value) => value === 0)) {
      chosen.push(-1);
      search(at + 1, total);
      chosen.pop();
    }
  };
  search(0, 0);
  const found: (SceneObject | undefined)[][] = groups.map(() => []);
  for (const [at, { i }] of slots.entries()) found[i].push(objects[best.chosen[at]]);
  return found;
}

/** 0 for an object that shares neither shape nor colour. */
function agreement(group: GroupClaim, object: SceneObject): number {
  if (group.shape !== object.shape && (group.color === undefined || group.color !== object.color)) return 0;
  const features = (Object.keys(WORTH) as Feature[]).filter((key) => group[key] !== undefined && group[key] === object[key]); // biome-ignore format: one line
  const inPlace = group.places.some(({ zone }) => zoneHolds(zone, boxOf(object), TOLERANCE));
  return features.reduce((sum, key) => sum + WORTH[key], 0) + Number(inPlace);
}

function related(
  all: SceneObject[],
  subjects: (SceneObject | undefined)[],
  relation: Claims['relations'][number]['relation'],
  others: (SceneObject | undefined)[],
): boolean {
  return subjects.every((a) =>
    others.every((b) => {
      if (a === undefined || b === undefined) return false;
      if (relation === 'behind') return relationHolds('in front of', boxOf(b), boxOf(a)) && all.indexOf(b) > all.indexOf(a); // biome-ignore format: one line
      const inFront =
        relation !== 'in front of' && relation !== 'inside' ? true : all.indexOf(a) > all.indexOf(b);
      return inFront && relationHolds(relation, boxOf(a), boxOf(b));
    }),
  );
}
