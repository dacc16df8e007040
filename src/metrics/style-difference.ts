import type { Counts, StyleCounts } from './style.ts';

/** A word or an opening that one set uses more than the other; shares of captions. */
export interface ShareDifference {
  text: string;
  one: number;
  other: number;
}

export interface StyleDifference {
  /**
   * How far two distributions are apart, in [0, 1] (total variation): the share of captions of one set that would have to
   * change for both to be alike; 0 alike, 1 nothing in common. Sets of few captions are apart by chance alone.
   */
  distance: {
    letterCase: number;
    closing: number;
    length: number;
    firstWords: number;
    openings: number;
    words: number;
  };
  /** Those that differ most. */
  firstWords: ShareDifference[];
  openings: ShareDifference[];
  /** Share of each set's vocabulary that the other has too, and how many words that is. */
  vocabulary: { shared: number; ofOne: number; ofOther: number };
}

/** Sets two caption sets side by side; they may be of different images and sizes. Of lists, the first `top`. */
export function compareStyles(
  one: StyleCounts,
  other: StyleCounts,
  { top = 10 }: { top?: number } = {},
): StyleDifference {
  const shared = [...one.words.keys()].filter((word) => other.words.has(word)).length;
  return {
    distance: {
      letterCase: totalVariation(one.letterCase, other.letterCase),
      closing: totalVariation(one.closing, other.closing),
      length: totalVariation(one.lengths, other.lengths),
      firstWords: totalVariation(one.firstWords, other.firstWords),
      openings: totalVariation(one.openings, other.openings),
      words: totalVariation(one.words, other.words),
    },
    firstWords: mostDifferent(one.firstWords, other.firstWords, top),
    openings: mostDifferent(one.openings, other.openings, top),
    vocabulary: {
      shared,
      ofOne: shared / Math.max(1, one.words.size),
      ofOther: shared / Math.max(1, other.words.size),
    },
  };
}

/** Half the sum of the differences of all shares; 0 where one set has nothing to be counted. */
function totalVariation<Key>(one: ReadonlyMap<Key, number>, other: ReadonlyMap<Key, number>): number {
  const pairs = shares(one, other);
  if (one.size === 0 || other.size === 0) return 0;
  return pairs.reduce((sum, [, a, b]) => sum + Math.abs(a - b), 0) / 2;
}

function mostDifferent(one: Counts, other: Counts, top: number): ShareDifference[] {
  return shares(one, other)
    .map(([text, a, b]) => ({ text, one: a, other: b }))
    .filter(({ one, other }) => one !== other)
    .sort((a, b) => Math.abs(b.one - b.other) - Math.abs(a.one - a.other) || (a.text < b.text ? -1 : 1))
    .slice(0, top);
}

function shares<Key>(
  one: ReadonlyMap<Key, number>,
  other: ReadonlyMap<Key, number>,
): [key: Key, one: number, other: number][] {
  const sums = [one, other].map((counts) => [...counts.values()].reduce((sum, count) => sum + count, 0) || 1);
  const keys = new Set([...one.keys(), ...other.keys()]);
  return [...keys].map((key) => [key, (one.get(key) ?? 0) / sums[0], (other.get(key) ?? 0) / sums[1]]);
}
