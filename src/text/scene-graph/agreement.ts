import { factsOf, readFactual } from './factual.ts';
import { tuplesOf } from './tuples.ts';

/** How far parsed graphs agree with annotated ones, all shares in [0, 1]. */
export interface Agreement {
  /** Share of captions whose facts are exactly the annotated ones. */
  setMatch: number;
  /** F1 of objects, attributes and relations: mean over the captions, as FACTUAL reports it. */
  tupleF1: number;
  /** F1 of the facts alone, over all captions together. */
  factF1: number;
}

/**
 * Compares linear forms caption by caption. Facts are compared as strings, after FACTUAL's normalisation and nothing more:
 * no lemmas, no synonyms.
 * @throws RecaptionError `bad-scene-graph`.
 */
export function agreement(pairs: readonly { parsed: string; annotated: string }[]): Agreement {
  let matches = 0;
  let tupleF1 = 0;
  let [shared, either] = [0, 0];
  for (const { parsed, annotated } of pairs) {
    const facts = overlap(factsOf(parsed), factsOf(annotated));
    const tuples = overlap(tupleTexts(parsed), tupleTexts(annotated));
    if (2 * facts.shared === facts.either) matches++;
    tupleF1 += f1(tuples);
    shared += facts.shared;
    either += facts.either;
  }
  const captions = Math.max(1, pairs.length);
  return { setMatch: matches / captions, tupleF1: tupleF1 / captions, factF1: f1({ shared, either }) };
}

const tupleTexts = (linear: string) => tuplesOf(readFactual(linear)).map((tuple) => tuple.join(' , '));

function overlap(own: string[], theirs: string[]): { shared: number; either: number } {
  const known = new Set(theirs);
  return { shared: own.filter((one) => known.has(one)).length, either: own.length + theirs.length };
}

/** Two empty sides agree. */
const f1 = ({ shared, either }: { shared: number; either: number }) =>
  either === 0 ? 1 : (2 * shared) / either;
