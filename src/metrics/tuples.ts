import type { SceneGraphParser } from '../text/scene-graph/index.ts';
import { type Additive, additive, sumRows } from './additive.ts';
import { type Slots, sameSlots, tupleReader } from './graph-tuples.ts';
import { type CaptionItem, requireReferences } from './item.ts';
import { ptbTokenize } from './ptb-tokenizer.ts';

/** Means are per caption; shares are of the whole set's tuples, in [0, 1], and 0 where there are none. */
export interface TupleFigures {
  Words: number;
  Objects: number;
  Attributes: number;
  Relations: number;
  /** Tuples said that a reference says too, per caption. */
  True: number;
  /** Share of the tuples said that no reference says. */
  Hallucination: number;
  /** Share of the references' tuples that are said. */
  Recall: number;
  Recall_Object: number;
  Recall_Attribute: number;
  Recall_Relation: number;
}

export interface TupleResult {
  metrics: TupleFigures;
  /** What each caption says that its references say, and what it says beside them: `man`, `hat red`, `man wear hat`. */
  perImage: { words: number; true: string[]; hallucinated: string[] }[];
  /** The metrics in their order, for intervals. */
  additive: Additive;
}

const NAMES = [
  'Words',
  'Objects',
  'Attributes',
  'Relations',
  'True',
  'Hallucination',
  'Recall',
  'Recall_Object',
  'Recall_Attribute',
  'Recall_Relation',
] as const satisfies readonly (keyof TupleFigures)[];
/** One, two and three words: an object, its attribute, a relation. */
const LENGTHS = [1, 2, 3];

/**
 * What captions say, counted: objects, attributes and relations of their scene graphs as SPICE reads them (compounds by their
 * head, words the same by WordNet), and how many of these the references of the image say, taken together. A tuple that no reference
 * has need not be wrong, since people leave much unsaid: compare captions with each other on the same references.
 * @throws RecaptionError `no-references`.
 */
export function tupleFigures(
  items: readonly Pick<CaptionItem, 'candidateText' | 'referenceTexts'>[],
  parser: SceneGraphParser,
): TupleResult {
  requireReferences(items.map(({ referenceTexts }) => ({ references: referenceTexts })));
  const reader = tupleReader(parser);
  const ofLength = (tuples: readonly Slots[]) => LENGTHS.map((length) => tuples.filter((one) => one.length === length).length); // biome-ignore format: one line
  const rows: number[][] = [];
  const perImage = items.map(({ candidateText, referenceTexts }) => {
    const [own, theirs] = [reader.read(candidateText), reader.readAll(referenceTexts)];
    const isIn = (tuples: readonly Slots[]) => (one: Slots) => tuples.some((other) => sameSlots(one, other, reader.same)); // biome-ignore format: one line
    const found = own.filter(isIn(theirs));
    const words = ptbTokenize(candidateText).length;
    rows.push([
      1,
      words,
      ...ofLength(own),
      found.length,
      ...ofLength(theirs),
      ...ofLength(theirs.filter(isIn(own))),
    ]);
    const text = (tuple: Slots) => reader.textOf(tuple).join(' ');
    return {
      words,
      true: found.map(text),
      hallucinated: own.filter((one) => !found.includes(one)).map(text),
    };
  });
  const sums = additive(rows, WIDTH, scoresOf);
  const scores = sums.scores(sumRows(sums));
  const metrics = Object.fromEntries(NAMES.map((name, i) => [name, scores[i]])) as unknown as TupleFigures;
  return { metrics, perImage, additive: sums };
}

/** Captions, words, tuples said (3 kinds), true ones, the references' tuples (3 kinds), those of them that are said (3 kinds). */
const WIDTH = 12;

function scoresOf(sum: Float64Array): number[] {
  const [captions, words, objects, attributes, relations, found] = sum;
  const theirs = sum.subarray(6, 9);
  const hits = sum.subarray(9, 12);
  const total = (values: Float64Array) => values[0] + values[1] + values[2];
  const share = (part: number, whole: number) => part / Math.max(1, whole);
  const means = [words, objects, attributes, relations, found].map((value) => share(value, captions));
  const said = objects + attributes + relations;
  return [
    ...means,
    share(said - found, said),
    share(total(hits), total(theirs)),
    ...LENGTHS.map((_, i) => share(hits[i], theirs[i])),
  ];
}
