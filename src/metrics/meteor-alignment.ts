import type { WordMatch } from './meteor-words.ts';

/** Paths that are kept while the candidate is read from left to right. */
const BEAM = 40;

/** A word of the candidate beside the word of the reference that it matches, by their places. */
export interface AlignedPair {
  candidate: number;
  reference: number;
  weight: number;
}

export interface Alignment {
  /** In the order of the candidate; no word is in two. */
  pairs: AlignedPair[];
  /** Runs of pairs that stand side by side on both sides, in the same order. */
  chunks: number;
}

/** An alignment of the candidate's first words, as its last pair and what came before. */
interface Path {
  before: Path | undefined;
  pair: AlignedPair | undefined;
  /** Pairs of full weight. */
  full: number;
  pairs: number;
  chunks: number;
  /** Sum over the pairs of how far apart their places are. */
  distance: number;
}

/**
 * METEOR's alignment of two captions (Denkowski and Lavie 2014): each word in at most one pair, as many pairs as possible, in as
 * few chunks as possible, as little distance as possible, by a beam search. Two things are as the reference program does
 * them, found by comparing results: a pair whose words have no other choice is always taken; and where there is a
 * choice, pairs of less than full weight count after the chunks, so that one that would be a chunk of its own is left out.
 * @param match of the word at a place of the candidate with the word at a place of the reference.
 */
export function alignWords(
  candidateLength: number,
  referenceLength: number,
  match: (candidate: number, reference: number) => WordMatch | undefined,
): Alignment {
  const options: AlignedPair[][] = [];
  const waysOut: number[] = new Array(candidateLength).fill(0);
  const waysIn: number[] = new Array(referenceLength).fill(0);
  for (let candidate = 0; candidate < candidateLength; candidate++) {
    options.push([]);
    for (let reference = 0; reference < referenceLength; reference++) {
      const found = match(candidate, reference);
      if (found === undefined) continue;
      options[candidate].push({ candidate, reference, weight: found.weight });
      waysOut[candidate] += found.ways;
      waysIn[reference] += found.ways;
    }
  }

  let paths: Path[] = [{ before: undefined, pair: undefined, full: 0, pairs: 0, chunks: 0, distance: 0 }];
  for (const [candidate, choices] of options.entries()) {
    if (choices.length === 0) continue;
    if (waysOut[candidate] === 1 && waysIn[choices[0].reference] === 1) {
      paths = paths.map((path) => extend(path, choices[0]));
      continue;
    }
    const longer = [...paths]; // each may leave the word out
    for (const path of paths) {
      for (const pair of choices) if (!uses(path, pair.reference)) longer.push(extend(path, pair));
    }
    paths = longer.sort(better).slice(0, BEAM);
  }

  const best = paths.sort(better)[0];
  const pairs: AlignedPair[] = [];
  for (let path: Path | undefined = best; path?.pair; path = path.before) pairs.push(path.pair);
  return { pairs: pairs.reverse(), chunks: best.chunks };
}

function extend(before: Path, pair: AlignedPair): Path {
  const last = before.pair;
  const goesOn = last?.candidate === pair.candidate - 1 && last.reference === pair.reference - 1;
  return {
    before,
    pair,
    full: before.full + +(pair.weight === 1),
    pairs: before.pairs + 1,
    chunks: before.chunks + +!goesOn,
    distance: before.distance + Math.abs(pair.candidate - pair.reference),
  };
}

function uses(path: Path | undefined, reference: number): boolean {
  for (let at = path; at?.pair; at = at.before) if (at.pair.reference === reference) return true;
  return false;
}

const better = (a: Path, b: Path): number =>
  b.full - a.full || a.chunks - b.chunks || b.pairs - a.pairs || a.distance - b.distance;
