/** Reads captions of the world, ours or a model's, back into the objects and relations that they name. */
import { NUMBERS, plural, RELATION_WORDS, SIZE_WORDS, TEXTURE_TAILS, TEXTURE_WORDS } from './phrases.ts';
import { groupsOf, type Scene } from './scene.ts';
import {
  COLORS,
  type Color,
  type Relation,
  SHAPES,
  type Shape,
  type Size,
  type Texture,
} from './vocabulary.ts';

/** A noun phrase such as "the two small red circles with stripes". What it does not say is absent. */
export interface Mention {
  shape: Shape;
  color?: Color;
  size?: Size;
  texture?: Texture;
  /** Absent for a plural without a number. */
  count?: number;
  /** With "the": speaks of something named before. */
  definite: boolean;
  /** Its tokens, [start, end). */
  start: number;
  end: number;
}

export interface RelationMention {
  subject: Mention;
  relation: Relation | 'behind';
  object: Mention;
}

type Adjective = Partial<Pick<Mention, 'color' | 'size' | 'texture'>>;

const ADJECTIVES = new Map<string, Adjective>([
  ...COLORS.map((color): [string, Adjective] => [color, { color }]),
  ...entries(SIZE_WORDS).map(([size, word]): [string, Adjective] => [word, { size }]),
  ...entries(TEXTURE_WORDS).map(([texture, word]): [string, Adjective] => [word, { texture }]),
]);
const TAILS = new Map(Object.entries(TEXTURE_TAILS).map(([texture, tail]) => [tail, texture as Texture]));
const NOUNS = new Map(
  SHAPES.flatMap((shape) => [
    [shape, { shape, one: true }],
    [plural(shape), { shape, one: false }],
  ]),
);
export const COUNTS = new Map<string, number>([
  ...NUMBERS.map((word, i): [string, number] => [word, i + 1]),
  ...['a', 'an', 'another'].map((word): [string, number] => [word, 1]),
]);
export const RELATIONS = new Map(entries(RELATION_WORDS).map(([relation, words]) => [words, relation]));
export const VERB = /^(?:(?:which|that) )?(?:is|are|sits|sit|appears|appear) /;

function entries<K extends string>(table: Record<K, readonly string[]>): [K, string][] {
  return (Object.keys(table) as K[]).flatMap((key) => table[key].map((word): [K, string] => [key, word]));
}

/** Lower-case words and punctuation; quoted letters are left out. */
export function tokenize(caption: string): string[] {
  return (
    caption
      .toLowerCase()
      .replace(/"[^"]*"/g, ' " ')
      .match(/[a-z]+|[^\sa-z]/g) ?? []
  );
}

/** Every noun phrase with a shape, in order. */
export function readMentions(caption: string): Mention[] {
  const tokens = tokenize(caption);
  return tokens.flatMap((token, at) => {
    const noun = NOUNS.get(token);
    return noun === undefined ? [] : [mentionAt(tokens, at, noun)];
  });
}

function mentionAt(tokens: string[], at: number, { shape, one }: { shape: Shape; one: boolean }): Mention {
  let said: Adjective = {};
  let start = at;
  for (let i = at - 1; i >= 0; i--) {
    const adjective = ADJECTIVES.get(tokens[i]);
    if (adjective === undefined) {
      if (tokens[i] === ',' || tokens[i] === 'and') continue; // between adjectives, or the end of them
      break;
    }
    if (Object.keys(adjective).some((key) => key in said)) break; // of another phrase: "… is white, red circles …"
    said = { ...said, ...adjective };
    start = i;
  }
  let count: number | undefined = one ? 1 : undefined;
  let definite = false;
  for (; start > 0; start--) {
    const word = tokens[start - 1];
    if (word === 'the') definite = true;
    else if (COUNTS.has(word)) count = COUNTS.get(word);
    else if (word !== 'other') break;
  }
  const texture = TAILS.get(`${tokens[at + 1]} ${tokens[at + 2]}`);
  const mention: Mention = { shape, ...said, definite, start, end: texture === undefined ? at + 1 : at + 3 };
  if (texture !== undefined) mention.texture = texture;
  if (count !== undefined) mention.count = count;
  return mention;
}

/** Every statement of the form "the red circle is left of a blue square". */
export function readRelations(caption: string): RelationMention[] {
  const tokens = tokenize(caption);
  const mentions = readMentions(caption);
  return mentions.slice(1).flatMap((object, i) => {
    const subject = mentions[i];
    const between = `${tokens.slice(subject.end, object.start).join(' ')} `.replace(VERB, '').trim();
    const relation = RELATIONS.get(between);
    return relation === undefined ? [] : [{ subject, relation, object }];
  });
}

/**
 * Whether a caption names every object of the scene with its colour and its shape, as often as it is there, and no
 * object that is not. Objects newly named ("a red circle", "two red circles") add up; where all are spoken of with
 * "the", the largest number counts. Nouns without a colour ("the circle", "three shapes") are not held against it.
 */
export function namesAllObjects(scene: Scene, caption: string): boolean {
  const there = new Map<string, number>();
  for (const { color, shape, objects } of groupsOf(scene)) {
    const key = `${color} ${shape}`;
    there.set(key, (there.get(key) ?? 0) + objects.length);
  }
  const named = new Map<string, number>();
  const spokenOf = new Map<string, number>();
  for (const { color, shape, count = 0, definite } of readMentions(caption)) {
    if (color === undefined) continue;
    const key = `${color} ${shape}`;
    if (!there.has(key)) return false;
    if (!definite) named.set(key, (named.get(key) ?? 0) + count);
    else spokenOf.set(key, Math.max(spokenOf.get(key) ?? 0, count));
  }
  return [...there].every(([key, count]) => (named.get(key) || spokenOf.get(key)) === count);
}
