import type { SceneGraph } from './graph.ts';
import { sameTuple, type Tuple, tuplesOf } from './tuples.ts';

export interface GraphDifference {
  /** Said by both, in the words of the new graph. */
  matched: Tuple[];
  /** Said by the old graph alone. */
  missing: Tuple[];
  /** Said by the new graph alone. */
  extra: Tuple[];
}

/**
 * What a new graph says that an old one did not, and the other way round. Synonyms and inflected forms match: "two dogs" says what
 * "a dog" says, and their number. A tuple matches one other at most.
 */
export function compareGraphs(before: SceneGraph, after: SceneGraph): GraphDifference {
  const missing = tuplesOf(before);
  const matched: Tuple[] = [];
  const extra: Tuple[] = [];
  for (const tuple of tuplesOf(after)) {
    const exact = missing.findIndex((other) => other.length === tuple.length && other.every((slot, i) => slot === tuple[i])); // biome-ignore format: one line
    const at = exact >= 0 ? exact : missing.findIndex((other) => sameTuple(other, tuple));
    if (at >= 0) missing.splice(at, 1);
    (at >= 0 ? matched : extra).push(tuple);
  }
  return { matched, missing, extra };
}
