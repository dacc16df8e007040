/** The pieces that captions are made of. What is said here is true; how it is said is drawn at random. */
import type { Random } from '../random.ts';
import { groupRelations, type Zone, zoneOf } from './graph.ts';
import { type Attributes, type Background, boxOf, type Group, type Letters, type Scene } from './scene.ts';
import type { Relation, Shape, Size, Texture } from './vocabulary.ts';

export const NUMBERS = ['one', 'two', 'three', 'four'] as const;

export const SIZE_WORDS: Record<Size, readonly string[]> = {
  small: ['small', 'small', 'little', 'tiny'],
  large: ['large', 'large', 'big'],
};

export const TEXTURE_WORDS: Record<Texture, readonly string[]> = {
  solid: ['solid', 'plain'],
  striped: ['striped'],
  dotted: ['dotted', 'spotted'],
};

/** Said after the noun in place of the adjective. */
export const TEXTURE_TAILS: Partial<Record<Texture, string>> = {
  striped: 'with stripes',
  dotted: 'with dots',
};

/** `behind` says `in front of` the other way round. */
export const RELATION_WORDS: Record<Relation | 'behind', readonly string[]> = {
  'left of': ['left of', 'to the left of'],
  'right of': ['right of', 'to the right of'],
  above: ['above'],
  below: ['below', 'under'],
  inside: ['inside'],
  'in front of': ['in front of'],
  behind: ['behind'],
};

export const ZONE_WORDS: Record<`${Zone['row']} ${Zone['column']}`, readonly string[]> = {
  'top left': ['in the upper left', 'at the top left', 'in the top left corner'],
  'top center': ['at the top', 'near the top'],
  'top right': ['in the upper right', 'at the top right', 'in the top right corner'],
  'middle left': ['on the left', 'on the left side'],
  'middle center': ['in the center', 'in the middle'],
  'middle right': ['on the right', 'on the right side'],
  'bottom left': ['in the lower left', 'at the bottom left', 'in the bottom left corner'],
  'bottom center': ['at the bottom', 'near the bottom'],
  'bottom right': ['in the lower right', 'at the bottom right', 'in the bottom right corner'],
};

export function plural(shape: Shape): string {
  return shape === 'cross' ? 'crosses' : `${shape}s`;
}

export interface Details {
  size: boolean;
  /** Textures that are not solid are named; solid ones now and then. */
  texture: boolean;
}

/** "small striped red", "circles with dots" …: adjectives, noun and tail, without an article. */
export function noun(group: Attributes, count: number, details: Details, random: Random): string {
  const words: string[] = [];
  let tail = '';
  if (details.size) words.push(random.pick(SIZE_WORDS[group.size]));
  if (details.texture && (group.texture !== 'solid' || random.uniform() < 0.3)) {
    const after = TEXTURE_TAILS[group.texture];
    if (after !== undefined && random.uniform() < 0.25) tail = ` ${after}`;
    else words.push(random.pick(TEXTURE_WORDS[group.texture]));
  }
  words.push(group.color, count > 1 ? plural(group.shape) : group.shape);
  return words.join(' ') + tail;
}

export function withArticle(phrase: string): string {
  return `${/^[aeiou]/.test(phrase) ? 'an' : 'a'} ${phrase}`;
}

/** First mention: "a small red circle", "three striped blue squares". */
export function introduce(group: Group, details: Details, random: Random): string {
  const count = group.objects.length;
  const phrase = noun(group, count, details, random);
  return count > 1 ? `${NUMBERS[count - 1]} ${phrase}` : withArticle(phrase);
}

/** Later mention: "the red circle". Colour and shape are enough: no two groups of a scene share both. */
export function refer({ color, shape, objects }: Group): string {
  return `the ${color} ${objects.length > 1 ? plural(shape) : shape}`;
}

/** "is", "sit" … in agreement with the group. */
export function verb({ objects }: Group, random: Random): string {
  return random.pick(objects.length > 1 ? ['are', 'are', 'sit', 'appear'] : ['is', 'is', 'sits', 'appears']);
}

/** Where a group is: "at the top left", or of several apart "spread out, two on the left and one in the center". */
export function placeOf({ objects }: Group, random: Random): string {
  const zones = objects.map((object) => zoneOf(boxOf(object)));
  const places = [...new Set(zones.map(({ row, column }) => `${row} ${column}` as const))];
  const says = (place: (typeof places)[number]) => random.pick(ZONE_WORDS[place]);
  if (places.length === 1) return says(places[0]);
  const counted = places.map((place) => {
    const count = zones.filter(({ row, column }) => place === `${row} ${column}`).length;
    return `${NUMBERS[count - 1]} ${says(place)}`;
  });
  return `spread out, ${list(counted)}`;
}

export interface Statement {
  subject: Group;
  words: string;
  object: Group;
}

/** A relation between all of `a` and all of `b`, in words; undefined where none holds. */
export function relate(scene: Scene, a: Group, b: Group, random: Random): Statement | undefined {
  const statements = [
    ...groupRelations(scene, a, b).map((relation) => ({ subject: a, relation, object: b })),
    ...groupRelations(scene, b, a).map((relation) => ({ subject: b, relation, object: a })),
  ];
  if (statements.length === 0) return undefined;
  const { subject, relation, object } = random.pick(statements);
  if (relation === 'in front of' && random.uniform() < 0.3) {
    return { subject: object, words: random.pick(RELATION_WORDS.behind), object: subject };
  }
  return { subject, words: random.pick(RELATION_WORDS[relation]), object };
}

export function overlapping(scene: Scene, a: Group, b: Group): boolean {
  return [...groupRelations(scene, a, b), ...groupRelations(scene, b, a)].some(
    (relation) => relation === 'inside' || relation === 'in front of',
  );
}

/** "on a white background", to follow a list of objects. */
export function onBackground({ color, fadesTo }: Background, random: Random): string {
  if (fadesTo !== undefined) return `on a background that fades from ${color} to ${fadesTo}`;
  return random.pick([
    `on a ${color} background`,
    `on a plain ${color} background`,
    `against a ${color} background`,
  ]);
}

/** "the background is white". */
export function backgroundIs({ color, fadesTo }: Background, random: Random): string {
  if (fadesTo !== undefined) {
    return random.pick([
      `the background fades from ${color} to ${fadesTo}`,
      `the background is ${color} at the top and ${fadesTo} at the bottom`,
    ]);
  }
  return random.pick([`the background is ${color}`, `the background is plain ${color}`]);
}

/** `the letters "C A T" are written in black at the top`: letters apart, so that each is a word. */
export function lettersSay({ text, color, place }: Letters, random: Random): string {
  const one = text.length === 1;
  const what = one ? 'letter' : 'letters';
  const spelled = `"${[...text].join(' ')}"`;
  return random.pick([
    `the ${what} ${spelled} ${one ? 'is' : 'are'} written in ${color} at the ${place}`,
    `at the ${place} it says ${spelled} in ${color}`,
    `the ${color} ${what} at the ${place} ${one ? 'says' : 'say'} ${spelled}`,
  ]);
}

/** "a, b and c". */
export function list(items: string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}
