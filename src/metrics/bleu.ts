import { type Additive, additive, sumRows } from './additive.ts';
import { type MetricItem, requireReferences } from './item.ts';
import { corpusNgrams, forEachShared, MAX_ORDER, type NgramCounts, type NgramIndex } from './ngrams.ts';

/** Keep an n-gram order without a match from making the whole product zero, as the COCO evaluation does. */
const TINY = 1e-15;
const SMALL = 1e-9;

export interface BleuResult {
  /** BLEU-1 … BLEU-4. */
  corpus: number[];
  /** BLEU-1 … BLEU-4 of each image, in the order of the items. */
  perImage: number[][];
  /** What the corpus values are made of, for intervals. */
  additive: Additive;
}

/** What BLEU is computed from; sums over images give the corpus. */
interface Statistics {
  candidateLength: number;
  referenceLength: number;
  /** Clipped matches, by order. */
  correct: readonly number[];
  /** n-grams of the candidate, by order. */
  guess: readonly number[];
}

/**
 * BLEU (Papineni et al. 2002) as the COCO evaluation has it: matches clipped by the references' maximum, the reference
 * length closest to the candidate's (of two, the shorter), geometric mean of orders 1 … n, brevity penalty. In [0, 1].
 * @throws RecaptionError `no-references`.
 */
export function bleu(items: readonly MetricItem[]): BleuResult {
  requireReferences(items);
  const { index, candidates, references } = corpusNgrams(items);
  const own = items.map((item, i) => statistics(item, candidates[i], references[i], index));
  const rows = own.map(({ candidateLength, referenceLength, correct, guess }) => [
    candidateLength,
    referenceLength,
    ...correct,
    ...guess,
  ]);
  const sums = additive(rows, 2 + 2 * MAX_ORDER, scoresOfSum);
  return {
    corpus: items.length > 0 ? sums.scores(sumRows(sums)) : new Array(MAX_ORDER).fill(0),
    perImage: own.map(scores),
    additive: sums,
  };
}

const scoresOfSum = (sum: Float64Array): number[] =>
  scores({
    candidateLength: sum[0],
    referenceLength: sum[1],
    correct: [...sum.subarray(2, 2 + MAX_ORDER)],
    guess: [...sum.subarray(2 + MAX_ORDER)],
  });

function statistics(
  { candidate, references }: MetricItem,
  own: NgramCounts,
  theirs: NgramCounts[],
  index: NgramIndex,
): Statistics {
  const most = new Array<number>(own.grams.length).fill(0);
  for (const reference of theirs) {
    forEachShared(own, reference, (a, b) => {
      most[a] = Math.max(most[a], reference.counts[b]);
    });
  }
  const correct = new Array<number>(MAX_ORDER).fill(0);
  for (const [i, count] of own.counts.entries())
    correct[index.order(own.grams[i])] += Math.min(count, most[i]);
  return {
    candidateLength: candidate.length,
    referenceLength: closestLength(candidate.length, references),
    correct,
    guess: correct.map((_, n) => Math.max(0, candidate.length - n)),
  };
}

function closestLength(length: number, references: MetricItem['references']): number {
  let best = references[0].length;
  for (const reference of references) {
    const nearer = Math.abs(reference.length - length) - Math.abs(best - length);
    if (nearer < 0 || (nearer === 0 && reference.length < best)) best = reference.length;
  }
  return best;
}

function scores({ candidateLength, referenceLength, correct, guess }: Statistics): number[] {
  const ratio = (candidateLength + TINY) / (referenceLength + SMALL);
  const brevity = ratio < 1 ? Math.exp(1 - 1 / ratio) : 1;
  let product = 1;
  return correct.map((matches, n) => {
    product *= (matches + TINY) / (guess[n] + SMALL);
    return product ** (1 / (n + 1)) * brevity;
  });
}
