import { additive, sumRows } from './additive.ts';
import { type MetricItem, type MetricResult, requireReferences } from './item.ts';
import { alignWords } from './meteor-alignment.ts';
import { type MeteorModule, type MeteorWords, meteorWords } from './meteor-words.ts';

/** Parameters of METEOR 1.5 for English, task "rank". */
const ALPHA = 0.85;
const BETA = 0.2;
const GAMMA = 0.6;

export interface MeteorOptions {
  /** Default: all there are. The paraphrase module of METEOR 1.5 is not among them, as its table is not to be had. */
  modules?: readonly MeteorModule[];
}

/** What METEOR is computed from, in this order; sums over images give the corpus. */
type Statistics = readonly [
  /** Weights of the matched words: weight of the match × weight of the word. */
  candidateMatched: number,
  referenceMatched: number,
  /** Weights of all words. */
  candidateWeight: number,
  referenceWeight: number,
  matches: number,
  chunks: number,
  /** In words. */
  candidateLength: number,
  referenceLength: number,
];
const WIDTH = 8;

/**
 * METEOR 1.5 (Denkowski and Lavie 2014) with exact, stem and synonym matches, without paraphrases: weighted precision and
 * recall of aligned words, punished for broken order; of each image, the reference that is best. The corpus value is the
 * score of the summed statistics of these. In [0, 1].
 * @throws RecaptionError `no-references`.
 */
export function meteor(items: readonly MetricItem[], { modules }: MeteorOptions = {}): MetricResult {
  requireReferences(items);
  const words = meteorWords(modules);
  const rows = items.map((item) => best(item, words));
  const sums = additive(rows, WIDTH, (sum) => [score(sum)]);
  return { corpus: score(sumRows(sums)), perImage: rows.map(score), additive: sums };
}

function best({ candidate, references }: MetricItem, words: MeteorWords): Statistics {
  const own = words.read(candidate);
  return references
    .map((reference) => statistics(own, words.read(reference), words))
    .reduce((one, other) => (score(other) > score(one) ? other : one));
}

function statistics(candidate: number[], reference: number[], words: MeteorWords): Statistics {
  const { pairs, chunks } = alignWords(candidate.length, reference.length, (i, j) =>
    words.match(candidate[i], reference[j]),
  );
  const weightOf = (all: number[]) => all.reduce((total, word) => total + words.weigh(word), 0);
  let candidateMatched = 0;
  let referenceMatched = 0;
  for (const pair of pairs) {
    candidateMatched += pair.weight * words.weigh(candidate[pair.candidate]);
    referenceMatched += pair.weight * words.weigh(reference[pair.reference]);
  }
  return [
    candidateMatched,
    referenceMatched,
    weightOf(candidate),
    weightOf(reference),
    pairs.length,
    chunks,
    candidate.length,
    reference.length,
  ];
}

function score(statistics: ArrayLike<number>): number {
  const [candidateMatched, referenceMatched, candidateWeight, referenceWeight, matches, chunks, ...lengths] =
    Array.from(statistics);
  if (matches === 0) return 0;
  const precision = candidateMatched / candidateWeight;
  const recall = referenceMatched / referenceWeight;
  const mean = 1 / ((1 - ALPHA) / precision + ALPHA / recall);
  const complete = chunks === 1 && lengths.every((length) => length === matches);
  const fragmentation = complete ? 0 : chunks / matches;
  return mean * (1 - GAMMA * fragmentation ** BETA);
}
