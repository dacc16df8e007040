import { type SceneGraph, type SceneGraphParser, type Tuple, tuplesOf } from '../text/scene-graph/index.ts';
import { intersect, wordnet } from '../text/wordnet.ts';
import { additiveMean } from './additive.ts';
import { type CaptionItem, type MetricResult, mean, requireReferences } from './item.ts';

export const SPICE_CATEGORIES = ['Object', 'Attribute', 'Relation', 'Color', 'Cardinality', 'Size'] as const;
export type SpiceCategory = (typeof SPICE_CATEGORIES)[number];

export interface SpiceResult extends MetricResult {
  /** Mean F1 of the tuples of each kind, over the images where either side has one; undefined where none has. */
  categories: Partial<Record<SpiceCategory, number>>;
}

/**
 * SPICE (Anderson et al. 2016): F1 of what a caption and its references say, as tuples of their scene graphs: objects, objects with
 * an attribute, pairs with a relation. What the references of an image say is taken together; words are the same if they are
 * in one synset of WordNet in some form. In [0, 1]; the corpus value is the mean. The graphs are our parser's, which reads a
 * caption otherwise than the reference program's: figures of the two are alike, not equal.
 * @throws RecaptionError `no-references`.
 */
export function spice(
  items: readonly Pick<CaptionItem, 'candidateText' | 'referenceTexts'>[],
  parser: SceneGraphParser,
): SpiceResult {
  requireReferences(items.map(({ referenceTexts }) => ({ references: referenceTexts })));
  const words = wordNumbers();
  const read = new Map<string, Slots[]>(); // people say the same of many images
  const slotsOf = (text: string): Slots[] => {
    const known = read.get(text) ?? words.read(parser.parse(text));
    read.set(text, known);
    return known;
  };
  const told = (texts: readonly string[]) => distinct(texts.flatMap(slotsOf), words.same);
  const sums = new Map<SpiceCategory, { sum: number; images: number }>();
  const perImage = items.map(({ candidateText, referenceTexts }) => {
    const [own, theirs] = [told([candidateText]), told(referenceTexts)];
    const found = own.map((one) => theirs.some((other) => sameSlots(one, other, words.same)));
    for (const category of SPICE_CATEGORIES) {
      const inIt = (tuple: Slots) => words.isIn(category, tuple);
      const f = f1(found.filter((hit, i) => hit && inIt(own[i])).length, own.filter(inIt).length, theirs.filter(inIt).length); // biome-ignore format: one line
      if (f === undefined) continue;
      const { sum, images } = sums.get(category) ?? { sum: 0, images: 0 };
      sums.set(category, { sum: sum + f, images: images + 1 });
    }
    return f1(found.filter(Boolean).length, own.length, theirs.length) ?? 0;
  });
  const categories = Object.fromEntries([...sums].map(([name, { sum, images }]) => [name, sum / images]));
  return { corpus: mean(perImage), perImage, additive: additiveMean(perImage), categories };
}

/** Undefined where neither side says anything. */
const f1 = (matched: number, own: number, theirs: number): number | undefined =>
  own + theirs === 0 ? undefined : (2 * matched) / (own + theirs);

/** A tuple by the numbers of its words. */
type Slots = readonly number[];
type Same = (a: number, b: number) => boolean;

const sameSlots = (a: Slots, b: Slots, same: Same): boolean =>
  a.length === b.length && a.every((slot, i) => same(slot, b[i]));

/** Each thing once, however it is said. */
function distinct(tuples: readonly Slots[], same: Same): Slots[] {
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

const COLOURS = new Set(
  `white black brown red blue green yellow orange purple pink gray grey tan beige golden gold silver blond blonde maroon
  turquoise violet teal navy cream`.split(/\s+/),
);
const SIZES = new Set(
  `big large huge giant enormous massive tall long wide small little tiny miniature short narrow thin thick mini`.split(
    /\s+/,
  ),
);

/** Words under numbers, with their synsets at hand. */
function wordNumbers() {
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
  const kinds: Record<SpiceCategory, (tuple: Slots) => boolean> = {
    Object: ({ length }) => length === 1,
    Attribute: ({ length }) => length === 2,
    Relation: ({ length }) => length === 3,
    Color: ({ length, 1: attribute }) => length === 2 && isColour(attribute),
    Cardinality: ({ length, 1: attribute }) => length === 2 && /^\d+$/.test(texts[attribute]),
    Size: ({ length, 1: attribute }) => length === 2 && SIZES.has(texts[attribute]),
  };
  return {
    read: (graph: SceneGraph): Slots[] =>
      tuplesOf(graph)
        .flatMap(headed)
        .map((tuple) => tuple.map(numberOf)),
    same: (a: number, b: number) => a === b || intersect(synsets[a], synsets[b]),
    isIn: (category: SpiceCategory, tuple: Slots) => kinds[category](tuple),
  };
}
