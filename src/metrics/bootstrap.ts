import { RecaptionError } from '../errors.ts';
import { random } from '../random.ts';
import { type Additive, sumRows } from './additive.ts';

export interface BootstrapOptions {
  /** Samples drawn. */
  draws?: number;
  /** The same seed draws the same images, whatever is scored on them. */
  seed?: number;
  /** What share of the draws lies inside the interval. */
  level?: number;
}

export type Interval = [low: number, high: number];

export interface Difference {
  /** Of the second set's score less the first's. */
  difference: number;
  interval: Interval;
  /** Two-sided, in (0, 1]: twice the share of the draws in which the difference has not the sign it mostly has. */
  p: number;
}

const DEFAULTS = { draws: 1000, seed: 1, level: 0.95 };

/** What is scored: a set, or several runs over the same images in the same order, whose sums count together. */
export type Runs = Additive | readonly Additive[];

const runsOf = (of: Runs): readonly Additive[] => ('rows' in of ? [of] : of);

/** The scores of all images of all runs. */
export const scoresOf = (of: Runs): number[] => scoresOn(runsOf(of));

/** The scores of the images `chosen`, or of all, in all of these runs. */
const scoresOn = (runs: readonly Additive[], chosen?: Int32Array): number[] => {
  const [sum, ...others] = runs.map((run) => sumRows(run, chosen));
  for (const other of others) for (const [k, value] of other.entries()) sum[k] += value;
  return runs[0].scores(sum);
};

/**
 * The bootstrap interval (percentiles; Efron 1979) of each score of a set, over images drawn with replacement. Scores are
 * made from the summed statistics of the images drawn, as that of the whole set is. Several runs and their images are crossed:
 * each draw takes runs with replacement as well, and all of the images drawn in all of these.
 */
export function bootstrap(of: Runs, options: BootstrapOptions = {}): Interval[] {
  const { draws, seed, level } = { ...DEFAULTS, ...options };
  const drawn = byScore(resample([runsOf(of)], draws, seed).map(([scores]) => scores));
  return drawn.map((values) => middle(values, level));
}

/**
 * How two candidate sets differ on the same images (paired bootstrap; Koehn 2004): each draw takes the same images, and the same
 * of several runs, of both.
 * @throws RecaptionError `unequal-lengths` when they are not as many.
 */
export function pairedBootstrap(one: Runs, other: Runs, options: BootstrapOptions = {}): Difference[] {
  const { draws, seed, level } = { ...DEFAULTS, ...options };
  const sets = [one, other].map(runsOf);
  const counts = sets.map(([{ rows, width }]) => rows.length / width);
  if (counts[0] !== counts[1]) {
    throw new RecaptionError(
      'unequal-lengths',
      `one set has ${counts[0]} images and the other ${counts[1]}`,
      {
        hint: 'Compare captions of the same images.',
      },
    );
  }
  const whole = sets.map((runs) => scoresOn(runs));
  const drawn = byScore(
    resample(sets, draws, seed).map(([first, second]) => second.map((score, k) => score - first[k])),
  );
  return drawn.map((all, k) => {
    const differences = all.filter((d) => !Number.isNaN(d));
    const notAbove = differences.filter((d) => d <= 0).length;
    const notBelow = differences.filter((d) => d >= 0).length;
    return {
      difference: whole[1][k] - whole[0][k],
      interval: middle(differences, level),
      p: Math.min(1, (2 * (1 + Math.min(notAbove, notBelow))) / (1 + differences.length)),
    };
  });
}

/** `[draw][set]`: the scores of the sets, each of as many runs, on the images and runs of a draw. */
function resample(sets: readonly (readonly Additive[])[], draws: number, seed: number): number[][][] {
  const [runs] = sets;
  const images = runs[0].rows.length / runs[0].width;
  const draw = random(seed, 'bootstrap');
  const chosen = new Int32Array(images);
  return Array.from({ length: draws }, () => {
    for (let i = 0; i < images; i++) chosen[i] = draw.int(images);
    const drawn = runs.map((_, i) => (runs.length > 1 ? draw.int(runs.length) : i));
    return sets.map((of) => scoresOn(drawn.map((run) => of[run]), chosen)); // biome-ignore format: one line
  });
}

/** `[draw][score]` as `[score][draw]`. */
const byScore = (drawn: number[][]): number[][] => drawn[0].map((_, k) => drawn.map((scores) => scores[k]));

/** The middle `level` of the values, of those draws that have one. */
function middle(values: readonly number[], level: number): Interval {
  const sorted = Float64Array.from(values.filter((value) => !Number.isNaN(value))).sort();
  if (sorted.length === 0) return [0, 0];
  const outside = (1 - level) / 2;
  return [sorted[Math.floor(outside * sorted.length)], sorted[Math.ceil((1 - outside) * sorted.length) - 1]];
}
