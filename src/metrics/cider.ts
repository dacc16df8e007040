import { additiveMean } from './additive.ts';
import { type MetricItem, type MetricResult, mean, requireReferences } from './item.ts';
import { forEachShared, MAX_ORDER, type NgramCounts, NgramIndex } from './ngrams.ts';

/**
 * `CIDEr-D` clips repeated n-grams and damps differences in length; it is what the COCO evaluation calls CIDEr.
 * `CIDEr` does neither.
 */
export type CiderVariant = 'CIDEr-D' | 'CIDEr';

const SIGMA = 6;

/** In how many images of a corpus each n-gram occurs: how little it says. */
export interface DocumentFrequencies {
  /** Number of images. */
  readonly images: number;
  readonly index: NgramIndex;
  /** `frequency[order - 1][number of the n-gram]`; a hole is 0. */
  readonly frequency: number[][];
}

/** A reference in the form a scorer needs; only for scorers over the same document frequencies. */
export interface CiderReference {
  counts: NgramCounts;
  /** By order: tf-idf of each n-gram, and the length of that vector. */
  weights: number[][];
  norms: number[];
  bigrams: number;
}

export interface CiderScorer {
  /** Once per image; then `score` as often as there are captions of it. */
  prepare(references: readonly (readonly string[])[]): CiderReference[];
  /** In [0, 10]; an empty list of references gives 0. */
  score(candidate: readonly string[], references: readonly CiderReference[]): number;
}

/** Counts an n-gram once per image, in whichever of its references it occurs. `corpus[image][reference][word]`. */
export function documentFrequencies(corpus: Iterable<readonly (readonly string[])[]>): DocumentFrequencies {
  const index = new NgramIndex();
  const frequency: number[][] = Array.from({ length: MAX_ORDER }, () => []);
  const lastSeen: number[][] = Array.from({ length: MAX_ORDER }, () => []); // in which image, from 1
  let images = 0;
  for (const references of corpus) {
    images++;
    for (const reference of references) {
      index.count(reference).forEach(({ grams }, n) => {
        for (const gram of grams) {
          if (lastSeen[n][gram] === images) continue;
          lastSeen[n][gram] = images;
          frequency[n][gram] = (frequency[n][gram] ?? 0) + 1;
        }
      });
    }
  }
  return { images, index, frequency };
}

/**
 * CIDEr (Vedantam, Zitnick, Parikh 2015) against fixed document frequencies, for use caption by caption:
 * mean over n = 1 … 4 and over the references of the cosine of tf-idf vectors, times 10. tf is the plain count,
 * idf = ln(images) − ln(max(1, df)). No stemming.
 */
export function ciderScorer(
  frequencies: DocumentFrequencies,
  variant: CiderVariant = 'CIDEr-D',
): CiderScorer {
  const { index, frequency } = frequencies;
  const logImages = Math.log(Math.max(1, frequencies.images));
  const damped = variant === 'CIDEr-D';
  const idf = (n: number, gram: number) => logImages - Math.log(Math.max(1, frequency[n][gram] ?? 0));

  function vector(counts: NgramCounts): CiderReference {
    const weights = counts.map((ofOrder, n) =>
      ofOrder.counts.map((count, i) => count * idf(n, ofOrder.grams[i])),
    );
    const norms = weights.map((ofOrder) =>
      Math.sqrt(ofOrder.reduce((sum, weight) => sum + weight * weight, 0)),
    );
    const bigrams = counts[1].counts.reduce((sum, count) => sum + count, 0);
    return { counts, weights, norms, bigrams };
  }

  function similarity(candidate: CiderReference, reference: CiderReference): number {
    let sum = 0;
    for (let n = 0; n < MAX_ORDER; n++) {
      const norm = candidate.norms[n] * reference.norms[n];
      if (norm === 0) continue;
      let product = 0;
      forEachShared(candidate.counts[n], reference.counts[n], (a, b) => {
        const own = candidate.weights[n][a];
        const theirs = reference.weights[n][b];
        product += (damped ? Math.min(own, theirs) : own) * theirs;
      });
      sum += product / norm;
    }
    if (!damped) return sum / MAX_ORDER;
    const difference = candidate.bigrams - reference.bigrams;
    return (sum / MAX_ORDER) * Math.exp(-(difference ** 2) / (2 * SIGMA ** 2));
  }

  return {
    prepare: (references) => references.map((reference) => vector(index.count(reference))),
    score(candidate, references) {
      const own = vector(index.countOnly(candidate));
      return 10 * mean(references.map((reference) => similarity(own, reference)));
    },
  };
}

/** The scorer of self-critical training and of validation. */
export function ciderD(frequencies: DocumentFrequencies): CiderScorer {
  return ciderScorer(frequencies, 'CIDEr-D');
}

export interface CiderOptions {
  variant?: CiderVariant;
  /** By default those of the references under test. With a single image these make every score 0. */
  frequencies?: DocumentFrequencies;
}

/**
 * CIDEr of a set of images, in [0, 10]; the corpus value is the mean.
 * @throws RecaptionError `no-references`.
 */
export function cider(items: readonly MetricItem[], options: CiderOptions = {}): MetricResult {
  requireReferences(items);
  const frequencies = options.frequencies ?? documentFrequencies(items.map(({ references }) => references));
  const scorer = ciderScorer(frequencies, options.variant);
  const perImage = items.map(({ candidate, references }) =>
    scorer.score(candidate, scorer.prepare(references)),
  );
  return { corpus: mean(perImage), perImage, additive: additiveMean(perImage) };
}
