import { additiveMean } from './additive.ts';
import { type MetricItem, type MetricResult, mean, requireReferences } from './item.ts';
import { corpusNgrams, forEachShared, MAX_ORDER, type NgramCounts, NgramIndex } from './ngrams.ts';

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
  /** By the number of the n-gram; a hole is 0. */
  readonly frequency: readonly number[];
}

/** A reference in the form a scorer needs; only for scorers over the same document frequencies. */
export interface CiderReference {
  counts: NgramCounts;
  /** tf-idf of each n-gram. */
  weights: number[];
  /** By order − 1: the length of that vector. */
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
  const counted = function* () {
    for (const references of corpus) yield references.map((reference) => index.count(reference));
  };
  return frequenciesOf(index, counted());
}

function frequenciesOf(index: NgramIndex, corpus: Iterable<readonly NgramCounts[]>): DocumentFrequencies {
  const frequency: number[] = [];
  const lastSeen: number[] = []; // in which image, from 1
  let images = 0;
  for (const references of corpus) {
    images++;
    for (const { grams } of references) {
      for (const gram of grams) {
        if (lastSeen[gram] === images) continue;
        lastSeen[gram] = images;
        frequency[gram] = (frequency[gram] ?? 0) + 1;
      }
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
  const { index } = frequencies;
  const { vector, score } = countScorer(frequencies, variant);
  return {
    prepare: (references) => references.map((reference) => vector(index.count(reference))),
    score: (candidate, references) => score(vector(index.countOnly(candidate)), references),
  };
}

/** The same for captions whose n-grams have been counted. */
function countScorer({ index, frequency, images }: DocumentFrequencies, variant: CiderVariant) {
  const logImages = Math.log(Math.max(1, images));
  const damped = variant === 'CIDEr-D';

  function vector(counts: NgramCounts): CiderReference {
    const weights: number[] = [];
    const norms = new Array<number>(MAX_ORDER).fill(0);
    let bigrams = 0;
    for (const [i, gram] of counts.grams.entries()) {
      const order = index.order(gram);
      const count = counts.counts[i];
      const weight = count * (logImages - Math.log(Math.max(1, frequency[gram] ?? 0)));
      weights.push(weight);
      norms[order] += weight * weight;
      if (order === 1) bigrams += count;
    }
    return { counts, weights, norms: norms.map(Math.sqrt), bigrams };
  }

  function similarity(candidate: CiderReference, reference: CiderReference): number {
    const products = new Array<number>(MAX_ORDER).fill(0);
    forEachShared(candidate.counts, reference.counts, (a, b) => {
      const own = candidate.weights[a];
      const theirs = reference.weights[b];
      products[index.order(candidate.counts.grams[a])] += (damped ? Math.min(own, theirs) : own) * theirs;
    });
    let sum = 0;
    for (let n = 0; n < MAX_ORDER; n++) {
      const norm = candidate.norms[n] * reference.norms[n];
      if (norm > 0) sum += products[n] / norm;
    }
    if (!damped) return sum / MAX_ORDER;
    const difference = candidate.bigrams - reference.bigrams;
    return (sum / MAX_ORDER) * Math.exp(-(difference ** 2) / (2 * SIGMA ** 2));
  }

  return {
    vector,
    score: (candidate: CiderReference, references: readonly CiderReference[]) =>
      10 * mean(references.map((reference) => similarity(candidate, reference))),
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
  const perImage = options.frequencies
    ? againstFrequencies(items, options.frequencies, options.variant)
    : againstItself(items, options.variant);
  return { corpus: mean(perImage), perImage, additive: additiveMean(perImage) };
}

function againstFrequencies(
  items: readonly MetricItem[],
  frequencies: DocumentFrequencies,
  variant?: CiderVariant,
): number[] {
  const scorer = ciderScorer(frequencies, variant);
  return items.map(({ candidate, references }) => scorer.score(candidate, scorer.prepare(references)));
}

function againstItself(items: readonly MetricItem[], variant: CiderVariant = 'CIDEr-D'): number[] {
  const { index, candidates, references } = corpusNgrams(items);
  const { vector, score } = countScorer(frequenciesOf(index, references), variant);
  return candidates.map((candidate, i) => score(vector(candidate), references[i].map(vector)));
}
