import { wordnet } from '../wordnet.ts';
import type { Token } from './token.ts';

/** Words that place things: they make predicates, but are no verbs, and the text need not contain them. */
const PLACING = new Set(
  `on in at of with by for from to into onto over under above below behind beside near next up down out off along across
  around through between among against inside outside toward towards within without upon alongside opposite beyond atop
  underneath beneath before after past as like front top side back left right middle bottom center centre edge end corner
  rear both either the`.split(/\s+/),
);
/** Verbs that a graph may say where the text has none: "man in shirt", "leg of the man". */
const UNSAID = new Set(['have', 'wear']);
const NEVER_VERBS = new Set(['be', 'have', 'and', 'or', 'not']);

/** Whether a predicate may be said of a text that has none of its words. */
export function isLight(predicate: string): boolean {
  return predicate.split(' ').every((word) => PLACING.has(word) || UNSAID.has(word));
}

export const isPlacing = (word: string): boolean => PLACING.has(word);

/** What is known of verbs: `forms` gives the base of an inflected form, `bases` are those seen in predicates. */
export interface Verbs {
  forms: ReadonlyMap<string, string>;
  bases: ReadonlySet<string>;
}

/**
 * The base form as predicates have it. A participle that the tagger takes for a noun ("people standing") keeps its
 * ending there, and "riding" becomes "rid"; so what was learnt comes first, then WordNet's verbs: best one that predicates
 * have been seen with.
 */
export function baseForm({ text, tag, lemma }: Token, { forms, bases }: Verbs): string {
  const learnt = forms.get(text);
  if (learnt !== undefined) return learnt;
  if (PLACING.has(text) || !(tag === 'VERB' || PARTICIPLE.test(text))) return lemma;
  const found = wordnet()
    .baseForms(text, 'verb')
    .filter((base) => base !== text);
  return found.find((base) => bases.has(base)) ?? found[0] ?? lemma;
}

/** Whether a word, given its base form, can head a predicate. */
export function isVerb(base: string, { text, tag }: Token, { bases }: Verbs): boolean {
  if (PLACING.has(base) || NEVER_VERBS.has(base) || tag === 'ADP' || tag === 'DET') return false;
  return tag === 'VERB' || bases.has(base) || (PARTICIPLE.test(text) && base !== text);
}

const PARTICIPLE = /..(?:ing|ed)$/;
