/** Who is preferred to whom: from people's votes on pairs of pictures to ratings with intervals. */
import { z } from 'zod';
import { readLines, tryJson } from '../data/lines.ts';
import { RecaptionError } from '../errors.ts';
import type { Interval } from '../metrics/bootstrap.ts';
import { random } from '../random.ts';

/** Two pictures of one prompt were shown; one was chosen, or neither. */
export interface Vote {
  prompt: string;
  left: string;
  right: string;
  winner: 'left' | 'right' | 'tie';
  rater?: string;
}

export interface Rating {
  system: string;
  /** 400 points are odds of ten to one; the mean of all systems is 0. */
  elo: number;
  /** 95 %, bootstrapped over prompts with all their votes. */
  interval: Interval;
  wins: number;
  losses: number;
  ties: number;
  /** Share of its votes that it won; a tie is half of one. */
  winRate: { rate: number; interval: Interval };
}

export interface PreferenceReport {
  votes: number;
  prompts: number;
  /** The highest first. */
  ratings: Rating[];
  /** How likely ties are: of two equals, ν / (2 + ν) of the votes. */
  ties: number;
  /** Krippendorff's α of raters who saw the same two pictures; undefined where no two did. */
  agreement?: number;
  /** What has to be known beside, in sentences. */
  warnings: string[];
}

export interface PreferenceOptions {
  draws?: number;
  seed?: number;
  /** Weight of the pull towards 0, as if of a few even votes: a system that never lost has a finite rating. */
  ridge?: number;
  /** Systems that may be voted on. Default: those that are. */
  systems?: readonly string[];
  /** Where the votes come from, for errors. */
  place?: string;
}

const DEFAULTS = { draws: 1000, seed: 1, ridge: 0.01 };
/** Natural units to Elo's. */
const ELO = 400 / Math.LN10;

const voteSchema = z.object({ prompt: z.string().min(1), left: z.string().min(1), right: z.string().min(1), winner: z.enum(['left', 'right', 'tie']), rater: z.string().min(1).optional() }); // biome-ignore format: one line

/** Votes as JSON lines. @throws RecaptionError `bad-votes` with file and line, `file-not-found` */
export async function readVotes(path: string): Promise<Vote[]> {
  const votes: Vote[] = [];
  for await (const { number, bytes } of readLines(path)) {
    const line = `${bytes ?? ''}`.trim();
    if (bytes && line === '') continue;
    const { data, error } = voteSchema.safeParse(tryJson(line));
    const wrong = error ? `${error.issues[0].path.join('.') || 'no JSON object'}: ${error.issues[0].message}` : data!.left === data!.right ? 'left and right are the same system' : undefined; // biome-ignore format: one line
    if (wrong !== undefined)
      throw new RecaptionError('bad-votes', `this line is no vote (${wrong})`, {
        place: `${path}:${number}`,
        hint: 'A vote is {"prompt": …, "left": …, "right": …, "winner": "left", "right" or "tie"}, with "rater" where there are several.',
      });
    votes.push(data!);
  }
  return votes;
}

/** @throws RecaptionError `no-votes`, `unknown-system` */
export function preferences(votes: readonly Vote[], options: PreferenceOptions = {}): PreferenceReport {
  const { draws, seed, ridge } = { ...DEFAULTS, ...options };
  const known = options.systems;
  const stranger = votes
    .flatMap(({ left, right }) => [left, right])
    .find((name) => known && !known.includes(name));
  if (stranger !== undefined) {
    throw new RecaptionError('unknown-system', `there is a vote on "${stranger}", which is none of the systems`, {
      place: options.place,
      hint: `The systems are ${known!.map((name) => `"${name}"`).join(', ')}.`,
    }); // biome-ignore format: one line
  }
  const systems = [...new Set(votes.flatMap(({ left, right }) => [left, right]))].sort();
  if (systems.length < 2) {
    throw new RecaptionError('no-votes', 'there are no votes between two systems', {
      place: options.place,
      hint: 'A vote has "left", "right" and "winner": left, right or tie.',
    });
  }
  const place = new Map(systems.map((name, i) => [name, i]));
  const size = systems.length;
  const byPrompt = new Map<string, Tally>();
  for (const { prompt, left, right, winner } of votes) {
    const tally = byPrompt.get(prompt) ?? emptyTally(size);
    byPrompt.set(prompt, tally);
    addVote(tally, place.get(left)!, place.get(right)!, winner);
  }
  const tallies = [...byPrompt.values()];
  const all = sumTallies(tallies, size);
  const { strengths, ties } = bradleyTerry(all, ridge);
  const draw = random(seed, 'preferences');
  const drawn = Array.from({ length: draws }, () => {
    const chosen = tallies.map(() => tallies[draw.int(tallies.length)]);
    return bradleyTerry(sumTallies(chosen, size), ridge).strengths;
  });
  const ratings = systems.map((system, i): Rating => {
    const of = (k: number) => ({ wins: all.wins[i * size + k], losses: all.wins[k * size + i], ties: all.ties[i * size + k] }); // biome-ignore format: one line
    const sum = (part: 'wins' | 'losses' | 'ties') => systems.reduce((total, _, k) => total + of(k)[part], 0);
    const [wins, losses, tied] = [sum('wins'), sum('losses'), sum('ties')];
    const count = wins + losses + tied;
    return {
      system,
      elo: ELO * strengths[i],
      interval: middle(drawn.map((one) => ELO * one[i])),
      wins,
      losses,
      ties: tied,
      winRate: { rate: (wins + tied / 2) / count, interval: wilson(wins + tied / 2, count) },
    };
  });
  const agreement = krippendorff(unitsOf(votes));
  return {
    votes: votes.length,
    prompts: tallies.length,
    ratings: ratings.sort((a, b) => b.elo - a.elo),
    ties,
    ...(agreement !== undefined && { agreement }),
    warnings: warningsOf(votes, tallies.length, all, agreement),
  };
}

/** How often each system won against each other, and tied with it: (n, n), rows against columns. */
interface Tally {
  size: number;
  wins: Float64Array;
  ties: Float64Array;
}
const emptyTally = (size: number): Tally => ({ size, wins: new Float64Array(size * size), ties: new Float64Array(size * size) }); // biome-ignore format: one line

function addVote({ size, wins, ties }: Tally, left: number, right: number, winner: Vote['winner']): void {
  if (left === right) return;
  if (winner === 'left') wins[left * size + right]++;
  else if (winner === 'right') wins[right * size + left]++;
  else {
    ties[left * size + right]++;
    ties[right * size + left]++;
  }
}

function sumTallies(tallies: readonly Tally[], size: number): Tally {
  const sum = emptyTally(size);
  for (const { wins, ties } of tallies) {
    for (let i = 0; i < wins.length; i++) {
      sum.wins[i] += wins[i];
      sum.ties[i] += ties[i];
    }
  }
  return sum;
}

/**
 * Strengths of systems (Bradley & Terry 1952) with ties (Davidson 1970): i beats j as e^{d/2} : e^{−d/2} : ν, d the difference of their
 * strengths. Maximum likelihood with a ridge, by Newton's method. @returns strengths of mean 0, in natural units; ν
 */
export function bradleyTerry(tally: Tally, ridge: number): { strengths: number[]; ties: number } {
  const { size } = tally;
  const tied = tally.ties.some((count) => count > 0);
  const x = new Float64Array(size + 1); // strengths, and the logarithm of ν
  let value = likelihood(x, tally, ridge, tied).value;
  for (let round = 0; round < 100; round++) {
    const { gradient, hessian } = likelihood(x, tally, ridge, tied);
    const step = solve(hessian, gradient);
    let scale = 1;
    let next = x.map((one, i) => one + step[i]);
    let after = likelihood(next, tally, ridge, tied).value;
    while (!(after >= value - 1e-12) && scale > 1e-6) {
      scale /= 2;
      next = x.map((one, i) => one + scale * step[i]);
      after = likelihood(next, tally, ridge, tied).value;
    }
    x.set(next);
    value = after;
    if (step.every((one) => Math.abs(one) < 1e-9)) break;
  }
  const strengths = [...x.subarray(0, size)];
  const mean = strengths.reduce((a, b) => a + b, 0) / size;
  return { strengths: strengths.map((one) => one - mean), ties: tied ? Math.exp(x[size]) : 0 };
}

/** The penalised log-likelihood, its gradient, and its negative Hessian. */
function likelihood(x: Float64Array, { size, wins, ties }: Tally, ridge: number, tied: boolean) {
  const n = size + 1;
  const gradient = new Float64Array(n);
  const hessian = new Float64Array(n * n);
  const nu = tied ? Math.exp(x[size]) : 0;
  let value = 0;
  for (let i = 0; i < size; i++) {
    for (let j = i + 1; j < size; j++) {
      const [won, lost, even] = [wins[i * size + j], wins[j * size + i], ties[i * size + j]];
      const count = won + lost + even;
      if (count === 0) continue;
      const d = x[i] - x[j];
      const [a, b] = [Math.exp(d / 2), Math.exp(-d / 2)];
      const z = a + b + nu;
      const tilt = (a - b) / (2 * z);
      value += ((won - lost) * d) / 2 - count * Math.log(z) + (tied ? even * x[size] : 0);
      const slope = (won - lost) / 2 - count * tilt;
      gradient[i] += slope;
      gradient[j] -= slope;
      const bend = count * ((a + b) / (4 * z) - tilt * tilt);
      hessian[i * n + i] += bend;
      hessian[j * n + j] += bend;
      hessian[i * n + j] -= bend;
      hessian[j * n + i] -= bend;
      if (!tied) continue;
      const share = nu / z;
      gradient[size] += even - count * share;
      hessian[size * n + size] += count * share * (1 - share);
      const mixed = -count * share * tilt;
      for (const [k, sign] of [
        [i, 1],
        [j, -1],
      ]) {
        // biome-ignore format: one line
        hessian[k * n + size] += sign * mixed;
        hessian[size * n + k] += sign * mixed;
      }
    }
  }
  for (let k = 0; k < n; k++) {
    value -= (ridge / 2) * x[k] ** 2;
    gradient[k] -= ridge * x[k];
    hessian[k * n + k] += ridge;
  }
  return { value, gradient, hessian };
}

/** Solves a symmetric positive system by Gaussian elimination. */
function solve(matrix: Float64Array, right: Float64Array): Float64Array {
  const n = right.length;
  const [a, b] = [matrix.slice(), right.slice()];
  for (let k = 0; k < n; k++) {
    const pivot = a[k * n + k];
    for (let row = k + 1; row < n; row++) {
      const factor = a[row * n + k] / pivot;
      if (factor === 0) continue;
      for (let column = k; column < n; column++) a[row * n + column] -= factor * a[k * n + column];
      b[row] -= factor * b[k];
    }
  }
  for (let k = n - 1; k >= 0; k--) {
    for (let column = k + 1; column < n; column++) b[k] -= a[k * n + column] * b[column];
    b[k] /= a[k * n + k];
  }
  return b;
}

/** The middle 95 %. */
function middle(values: number[]): Interval {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.round(share * (sorted.length - 1)))];
  return [at(0.025), at(0.975)];
}

/** The interval of a share (Wilson 1927), 95 %. */
export function wilson(hits: number, count: number): Interval {
  if (count === 0) return [0, 1];
  const z = 1.959964;
  const p = hits / count;
  const centre = (p + z ** 2 / (2 * count)) / (1 + z ** 2 / count);
  const half = (z * Math.sqrt((p * (1 - p)) / count + z ** 2 / (4 * count ** 2))) / (1 + z ** 2 / count);
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

function warningsOf(votes: readonly Vote[], prompts: number, { size, wins, ties }: Tally, agreement: number | undefined): string[] {
  const raters = new Set(votes.map(({ rater }) => rater));
  const met = (i: number, k: number) => wins[i * size + k] + wins[k * size + i] + ties[i * size + k] > 0;
  const reached = new Set([0]);
  for (const i of reached) for (let k = 0; k < size; k++) if (met(i, k)) reached.add(k);
  return [
    ...(prompts === 1 ? ['all votes are on one prompt: the intervals say nothing of others'] : []),
    ...(raters.size === 1 && !raters.has(undefined) ? ['all votes are of one rater: how far raters agree is not known'] : []),
    ...(agreement === undefined && raters.size > 1 ? ['no two raters saw the same two pictures: how far they agree is not known'] : []),
    ...(reached.size < size ? ['some systems were never compared with others, not even through a third: their ratings cannot be compared'] : []),
  ];
} // biome-ignore format: one line

/** What raters said of the same two pictures, whichever stood on the left. */
function unitsOf(votes: readonly Vote[]): string[][] {
  const units = new Map<string, Map<string, string>>();
  for (const [i, { prompt, left, right, winner, rater = `#${i}` }] of votes.entries()) {
    const key = JSON.stringify([prompt, ...[left, right].sort()]);
    const own = units.get(key) ?? new Map<string, string>();
    units.set(key, own.set(rater, winner === 'tie' ? '' : winner === 'left' ? left : right)); // who votes again has thought better of it
  }
  return [...units.values()].map((own) => [...own.values()]);
}

/** Krippendorff's α for nominal answers (2011): 1 is agreement, 0 is chance; undefined where no unit has two answers, or all are the same. */
export function krippendorff(units: readonly (readonly string[])[]): number | undefined {
  const counts = new Map<string, number>();
  let [observed, total] = [0, 0];
  for (const answers of units) {
    if (answers.length < 2) continue;
    total += answers.length;
    const own = new Map<string, number>();
    for (const answer of answers) {
      own.set(answer, (own.get(answer) ?? 0) + 1);
      counts.set(answer, (counts.get(answer) ?? 0) + 1);
    }
    for (const count of own.values()) observed += (count * (answers.length - count)) / (answers.length - 1);
  }
  if (total < 2) return undefined;
  const expected =
    [...counts.values()].reduce((sum, count) => sum + count * (total - count), 0) / (total - 1);
  return expected === 0 ? undefined : 1 - observed / expected;
}
