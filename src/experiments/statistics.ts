/** Differences between arms that drew the same prompts, from runs with the same seeds. */
import { type Additive, sumRows } from '../metrics/additive.ts';
import type { BootstrapOptions, Difference, Interval } from '../metrics/bootstrap.ts';
import { random } from '../random.ts';

export interface Estimate {
  value: number;
  /** 95 %: over prompts, and over seeds where there are several. */
  interval: Interval;
}

/** Draws of the bootstrap, and its seed where nobody names one. */
const DRAWS = 1000;

/**
 * Scores of an arm over its runs: `tables` has one for each seed, with the same prompts in the same order. Prompts and seeds are crossed, so
 * each draw of the bootstrap takes prompts with replacement, and seeds with replacement, and all of these prompts of all of these seeds.
 */
export function overSeeds(tables: readonly Additive[], options: BootstrapOptions = {}): Estimate[] {
  const whole = scoresOf(tables);
  const drawn = draws([tables], options).map(([scores]) => scores);
  return whole.map((value, k) => ({ value, interval: middle(drawn.map((scores) => scores[k]), options.level) })); // biome-ignore format: one line
}

/**
 * How much more the other arm scores than the one: paired by prompt and seed (Koehn 2004, over two factors). With a single seed it is the
 * paired bootstrap over prompts.
 */
export function pairedOverSeeds(
  one: readonly Additive[],
  other: readonly Additive[],
  options: BootstrapOptions = {},
): Difference[] {
  const [first, second] = [one, other].map(scoresOf);
  const drawn = draws([one, other], options).map(([a, b]) => b.map((score, k) => score - a[k]));
  return second.map((score, k) => {
    const differences = drawn.map((scores) => scores[k]);
    const notAbove = differences.filter((d) => d <= 0).length;
    const notBelow = differences.filter((d) => d >= 0).length;
    return {
      difference: score - first[k],
      interval: middle(differences, options.level),
      p: Math.min(1, (2 * (1 + Math.min(notAbove, notBelow))) / (1 + drawn.length)),
    };
  });
}

const scoresOf = (tables: readonly Additive[]): number[] => tables[0].scores(addUp(tables.map((of) => sumRows(of)))); // biome-ignore format: one line

/** `[draw][arm]`: the scores of each arm on the prompts and seeds of a draw. */
function draws(
  arms: readonly (readonly Additive[])[],
  { draws: count = DRAWS, seed = 1 }: BootstrapOptions,
): number[][][] {
  const [[{ rows, width }]] = arms;
  const seeds = arms[0].length;
  const draw = random(seed, 'bootstrap');
  const prompts = new Int32Array(rows.length / width);
  return Array.from({ length: count }, () => {
    for (let i = 0; i < prompts.length; i++) prompts[i] = draw.int(prompts.length);
    const runs = Array.from({ length: seeds }, (_, i) => (seeds > 1 ? draw.int(seeds) : i));
    return arms.map((tables) => tables[0].scores(addUp(runs.map((run) => sumRows(tables[run], prompts)))));
  });
}

function addUp(sums: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(sums[0].length);
  for (const sum of sums) for (let k = 0; k < all.length; k++) all[k] += sum[k];
  return all;
}

/** The middle `level` of the values. */
function middle(values: readonly number[], level = 0.95): Interval {
  const sorted = Float64Array.from(values).sort();
  const outside = (1 - level) / 2;
  return [sorted[Math.floor(outside * sorted.length)], sorted[Math.ceil((1 - outside) * sorted.length) - 1]];
}
