/** What captions say, as tuples of their scene graphs in the way of SPICE. */
import { type SceneGraphParser, type Tuple, tuplesOf } from '../text/scene-graph/index.ts';
import { intersect, wordnet } from '../text/wordnet.ts';

/** A tuple by the numbers of its words. */
export type Slots = readonly number[];
type Same = (a: number, b: number) => boolean;

export const sameSlots = (a: Slots, b: Slots, same: Same): boolean =>
  a.length === b.length && a.every((slot, i) => same(slot, b[i]));

/** Each thing once, however it is said. */
export function distinct(tuples: readonly Slots[], same: Same): Slots[] {
  const kept: Slots[] = [];
  for (const tuple of tuples) if (!kept.some((other) => sameSlots(tuple, other, same))) kept.push(tuple);
  return kept;
}

/**
 * Compounds as the reference's parser reads them: a "tennis racket" is a racket, and the racket is tennis. Nouns alone, since
 * whatever else a tuple says is said of the racket.
 */
function headed(tuple: Tuple): Tuple[] {
  const whole = tuple.map((slot, i) => (isNoun(tuple, i) ? slot.slice(slot.lastIndexOf(' ') + 1) : slot));
  if (tuple.length > 1) return [whole];
  return [whole, ...tuple[0].split(' ').slice(0, -1).map((word) => [whole[0], word])]; // biome-ignore format: one line
}

/** Objects and subjects; not attributes and predicates. */
const isNoun = ({ length }: Tuple, i: number): boolean => i === 0 || (length === 3 && i === 2);

export const TUPLE_CATEGORIES = ['Object', 'Attribute', 'Relation', 'Color', 'Cardinality', 'Size'] as const;
export type TupleCategory = (typeof TUPLE_CATEGORIES)[number];

const COLOURS = new Set(
  `white black brown red blue green yellow orange purple pink gray grey tan beige golden gold silver blond blonde maroon
  turquoise violet teal navy cream`.split(/\s+/),
);
const SIZES = new Set(
  `big large huge giant enormous massive tall long wide small little tiny miniature short narrow thin thick mini`.split(
    /\s+/,
  ),
);

/** What a text says, and when two say the same. */
export interface TupleReader {
  /** The tuples of a text, each once, however it is said. A text that comes again is not parsed again. */
  read(text: string): readonly Slots[];
  /** As `read`, of several texts together. */
  readAll(texts: readonly string[]): Slots[];
  /** Whether two words are equal, or in one synset of WordNet in some form. */
  same(a: number, b: number): boolean;
  isIn(category: TupleCategory, tuple: Slots): boolean;
  /** The words of a tuple. */
  textOf(tuple: Slots): string[];
}

/** Reads texts as tuples; words are kept under numbers, with their synsets at hand. */
export function tupleReader(parser: SceneGraphParser): TupleReader {
  const numbers = new Map<string, number>();
  const texts: string[] = [];
  const synsets: (readonly number[])[] = [];
  const numberOf = (word: string): number => {
    const known = numbers.get(word);
    if (known !== undefined) return known;
    numbers.set(word, texts.length);
    synsets.push(wordnet().synsets(word));
    return texts.push(word) - 1;
  };
  const isColour = (slot: number) => COLOURS.has(texts[slot].split(' ').at(-1)!);
  const kinds: Record<TupleCategory, (tuple: Slots) => boolean> = {
    Object: ({ length }) => length === 1,
    Attribute: ({ length }) => length === 2,
    Relation: ({ length }) => length === 3,
    Color: ({ length, 1: attribute }) => length === 2 && isColour(attribute),
    Cardinality: ({ length, 1: attribute }) => length === 2 && /^\d+$/.test(texts[attribute]),
    Size: ({ length, 1: attribute }) => length === 2 && SIZES.has(texts[attribute]),
  };
  const same = (a: number, b: number) => a === b || intersect(synsets[a], synsets[b]);
  const known = new Map<string, readonly Slots[]>(); // people say the same of many images
  const read = (text: string): readonly Slots[] => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const all = tuplesOf(parser.parse(text)).flatMap(headed);
    const tuples = distinct(all.map((tuple) => tuple.map(numberOf)), same); // biome-ignore format: one line
    known.set(text, tuples);
    return tuples;
  };
  return {
    read,
    readAll: (given) => distinct(given.flatMap(read), same),
    same,
    isIn: (category, tuple) => kinds[category](tuple),
    textOf: (tuple) => tuple.map((slot) => texts[slot]),
  };
}
