/** From captions to what a relation graph learns from: vocabularies, bags of pairs, priors (paper B, section on CGVRG). */

import type { LabelMatcher } from '../../models/relation-graph/grounding.ts';
import {
  type Counted,
  countNames,
  type GroundedTriplet,
  groundTriplets,
  type Triplet,
  tripletsOf,
} from '../../models/relation-graph/triplets.ts';
import type { PreparedImage } from '../../models/training/prepare.ts';
import type { SceneGraphParser } from '../../text/scene-graph/index.ts';
import type { ProposedRegion } from '../regions/proposer.ts';
import { pairsOf, priorKey } from './inputs.ts';

export interface ParsingEvent {
  kind: 'parsing';
  done: number;
  total: number;
  imagesPerSecond: number;
  secondsLeft: number;
}

/** Pictures parsed between two events. */
const EVERY = 256;

/** Triplets of the captions of each picture. */
export const parseAll = (
  images: readonly PreparedImage[],
  parser: SceneGraphParser,
  signal: AbortSignal,
): AsyncGenerator<ParsingEvent, Triplet[][]> =>
  eachParsed(images, ({ references }) => tripletsOf(references, parser), signal);

/** What is made of each picture by parsing its captions; ends early when it is stopped. */
export async function* eachParsed<T, U>(
  images: readonly T[],
  parse: (image: T) => U,
  signal: AbortSignal,
): AsyncGenerator<ParsingEvent, U[]> {
  const start = performance.now();
  const all: U[] = [];
  for (const image of images) {
    if (signal.aborted) return all;
    all.push(parse(image));
    if (all.length % EVERY > 0) continue;
    const rate = all.length / ((performance.now() - start) / 1000);
    yield {
      kind: 'parsing',
      done: all.length,
      total: images.length,
      imagesPerSecond: rate,
      secondsLeft: (images.length - all.length) / rate,
    };
    await new Promise(setImmediate); // a signal must get through
  }
  return all;
}

/** What the captions of a picture tell of its regions: a bag of pairs for each predicate, and how many triplets speak of them. */
export type Told = { predicate: number; pairs: [subject: number, object: number][]; triplets: number }[];

export interface Vocabulary {
  /** Predicates with the number of pictures where both ends of one are regions, the commonest first. */
  predicates: Counted[];
  /** Nouns of captions that were found among the regions. */
  objects: Counted[];
}

/** Names that captions use and regions bear out. @param most predicates @param least pictures that a predicate must be told of in */
export function vocabularyOf(
  pictures: readonly { triplets: readonly Triplet[]; regions: readonly ProposedRegion[] }[],
  matcher: LabelMatcher,
  { most, least }: { most: number; least: number },
): Vocabulary {
  const grounded = pictures.map(({ triplets, regions }) =>
    triplets.filter((triplet) => groundTriplets([triplet], regions, matcher).length > 0),
  );
  return {
    predicates: countNames(grounded.map((list) => list.map(({ predicate }) => predicate)))
      .filter(({ count }) => count >= least)
      .slice(0, most),
    objects: countNames(grounded.map((list) => list.flatMap(({ subject, object }) => [subject, object]))),
  };
}

/** Triplets with both ends among the regions and a predicate of the vocabulary; those of one predicate are one bag. */
export function toldOf(
  triplets: readonly Triplet[],
  regions: readonly ProposedRegion[],
  matcher: LabelMatcher,
  predicates: ReadonlyMap<string, number>,
): Told {
  const bags = new Map<number, { pairs: Map<string, [number, number]>; triplets: number }>();
  for (const { predicate, pairs } of groundTriplets(triplets, regions, matcher) satisfies GroundedTriplet[]) {
    const place = predicates.get(predicate);
    if (place === undefined) continue;
    const bag = bags.get(place) ?? { pairs: new Map(), triplets: 0 };
    for (const pair of pairs) bag.pairs.set(pair.join(' '), pair);
    bag.triplets++;
    bags.set(place, bag);
  }
  return [...bags].map(([predicate, { pairs, triplets }]) => ({
    predicate,
    pairs: [...pairs.values()],
    triplets,
  }));
}

export interface Priors {
  /** Pairs of labels, in the order of the table's rows from 1. */
  pairs: [subject: number, object: number][];
  /** Log odds (pairs + 1, predicates); row 0 is that of any other pair. */
  table: Float32Array;
}

/** A pair of labels counts as if it had been seen this many times more, with the predicates of all pairs. */
const SMOOTHING = 10;
/** Pairs of labels that are seen less often have no row. */
const LEAST_SEEN = 5;

/** How often each predicate holds between two labels: of a bag of n pairs, each counts 1/n. */
export function countPriors(
  pictures: Iterable<{ regions: readonly ProposedRegion[]; told: Told }>,
  most: number,
  predicates: number,
): Priors {
  const counts = new Map<string, { labels: [number, number]; seen: number; told: Float64Array }>();
  const all = { seen: 0, told: new Float64Array(predicates) };
  for (const { regions, told } of pictures) {
    const of = (i: number, j: number) => {
      const labels: [number, number] = [regions[i].label, regions[j].label];
      const key = priorKey(...labels);
      const entry = counts.get(key) ?? { labels, seen: 0, told: new Float64Array(predicates) };
      counts.set(key, entry);
      return entry;
    };
    for (const [i, j] of pairsOf(regions, most)) {
      of(i, j).seen++;
      all.seen++;
    }
    for (const { predicate, pairs } of told) {
      for (const [i, j] of pairs) of(i, j).told[predicate] += 1 / pairs.length;
      all.told[predicate]++;
    }
  }
  const kept = [...counts.values()].filter(({ seen }) => seen >= LEAST_SEEN);
  const table = new Float32Array((kept.length + 1) * predicates);
  for (const [row, { seen, told }] of [all, ...kept].entries()) {
    for (let r = 0; r < predicates; r++) {
      const base = (all.told[r] + 0.5) / (all.seen + 1);
      const share = row === 0 ? base : (told[r] + SMOOTHING * base) / (seen + SMOOTHING);
      const p = Math.min(0.999, share);
      table[row * predicates + r] = Math.log(p / (1 - p));
    }
  }
  return { pairs: kept.map(({ labels }) => labels), table };
}
