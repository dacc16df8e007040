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

/**
 * The bootstrap interval (percentiles; Efron 1979) of each score of a set, over images drawn with replacement. Scores are
 * made from the summed statistics of the images drawn, as that of the whole set is.
 */
export function bootstrap(of: Additive, options: BootstrapOptions = {}): Interval[] {
  const { draws, seed, level } = { ...DEFAULTS, ...options };
  const drawn = byScore(resample([of], draws, seed).map(([scores]) => scores));
  return drawn.map((values) => middle(values, level));
}

/**
 * How two candidate sets differ on the same images (paired bootstrap; Koehn 2004): each draw takes the same images of both.
 * @throws RecaptionError `unequal-lengths` when they are not as many.
 */
export function pairedBootstrap(
  one: Additive,
  other: Additive,
  options: BootstrapOptions = {},
): Difference[] {
  const { draws, seed, level } = { ...DEFAULTS, ...options };
  const counts = [one, other].map(({ rows, width }) => rows.length / width);
  if (counts[0] !== counts[1]) {
    throw new RecaptionError(
      'unequal-lengths',
      `one set has ${counts[0]} images and the other ${counts[1]}`,
      {
        hint: 'Compare captions of the same images.',
      },
    );
  }
  const whole = [one, other].map((of) => of.scores(sumRows(of)));
  const drawn = byScore(
    resample([one, other], draws, seed).map(([first, second]) => second.map((score, k) => score - first[k])),
  );
  return drawn.map((differences, k) => {
    const notAbove = differences.filter((d) => d <= 0).length;
    const notBelow = differences.filter((d) => d >= 0).length;
    return {
      difference: whole[1][k] - whole[0][k],
      interval: middle(differences, level),
      p: Math.min(1, (2 * (1 + Math.min(notAbove, notBelow))) / (1 + draws)),
    };
  });
}

/** `[draw][set]`: the scores of the sets on the images of a draw. */
function resample(sets: readonly Additive[], draws: number, seed: number): number[][][] {
  const images = sets[0].rows.length / sets[0].width;
  const draw = random(seed, 'bootstrap');
  const chosen = new Int32Array(images);
  return Array.from({ length: draws }, () => {
    for (let i = 0; i < images; i++) chosen[i] = draw.int(images);
    return sets.map((of) => of.scores(sumRows(of, chosen)));
  });
}

/** `[draw][score]` as `[score][draw]`. */
const byScore = (drawn: number[][]): number[][] => drawn[0].map((_, k) => drawn.map((scores) => scores[k]));

/** The middle `level` of the values. */
function middle(values: readonly number[], level: number): Interval {
  const sorted = Float64Array.from(values).sort();
  const outside = (1 - level) / 2;
  return [sorted[Math.floor(outside * sorted.length)], sorted[Math.ceil((1 - outside) * sorted.length) - 1]];
}
