import type { SceneGraphParser } from '../text/scene-graph/index.ts';
import { additiveMean } from './additive.ts';
import { sameSlots, TUPLE_CATEGORIES, type TupleCategory, tupleReader } from './graph-tuples.ts';
import { type CaptionItem, type MetricResult, mean, requireReferences } from './item.ts';

export const SPICE_CATEGORIES = TUPLE_CATEGORIES;
export type SpiceCategory = TupleCategory;

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
  const words = tupleReader(parser);
  const sums = new Map<SpiceCategory, { sum: number; images: number }>();
  const perImage = items.map(({ candidateText, referenceTexts }) => {
    const [own, theirs] = [words.read(candidateText), words.readAll(referenceTexts)];
    const found = own.map((one) => theirs.some((other) => sameSlots(one, other, words.same)));
    for (const category of SPICE_CATEGORIES) {
      const inIt = (tuple: (typeof own)[number]) => words.isIn(category, tuple);
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
