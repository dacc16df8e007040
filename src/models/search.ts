/** Which words come next: searched for or drawn, from the log-probabilities that any decoder gives. */
import { random } from '../random.ts';

/** Ids with a meaning of their own. */
export interface SpecialTokens {
  bos: number;
  eos: number;
  /** Never written: padding, unknown, begin. */
  never: number[];
}

export interface DecodeOptions {
  /** Hypotheses kept per image; 1 is greedy. */
  beam: number;
  maxTokens: number;
  minTokens: number;
  /** Above 0: draw instead of search; `beam` is then 1. */
  temperature: number;
  topP: number;
  /** 0 allows repetitions. */
  noRepeatNgram: number;
  /** Finished hypotheses are ranked by total log-probability / tokens^lengthPenalty. */
  lengthPenalty: number;
}

export const DECODE_DEFAULTS: DecodeOptions = {
  beam: 3,
  maxTokens: Number.POSITIVE_INFINITY,
  minTokens: 1,
  temperature: 0,
  topP: 1,
  noRepeatNgram: 3,
  lengthPenalty: 1,
};

export interface Decoded {
  /** Without begin and end. */
  tokens: number[];
  /** Mean natural-log probability per token, the end included. */
  score: number;
}

export interface Search {
  done: boolean;
  /** Takes the log-probabilities (beams, V) that follow the live hypotheses. */
  advance(logp: Float32Array, last: boolean): void;
  /** Token that each live hypothesis ends in, and the row it continued. */
  live(): { token: number; parent: number }[];
  /** What it was searching for, the best first. */
  found(): Decoded[];
}

/** Steps through `searches`, one per picture, each of `beams` hypotheses, for at most `most` tokens. */
export type RunSearches<Images> = (images: Images, beams: number, most: number, searches: Search[]) => Promise<void>; // biome-ignore format: one line

/** The two ways to get captions from a network: searched for, or drawn. */
export function captionsBy<Images>(run: RunSearches<Images>, special: SpecialTokens) {
  const sample = async (images: Images, count: number, samples: number, options: DecodeOptions, seeds: number[] = []): Promise<Decoded[][]> => {
    const searches = Array.from({ length: count }, (_, i) => sampling(samples, options, special, seeds[i] ?? i));
    await run(images, samples, options.maxTokens, searches);
    return searches.map((search) => search.found());
  };
  const decode = async (images: Images, count: number, options: DecodeOptions, seeds?: number[]): Promise<Decoded[]> => {
    if (options.temperature > 0) return (await sample(images, count, 1, options, seeds)).map(([one]) => one);
    const searches = Array.from({ length: count }, () => beamSearch(options, special));
    await run(images, options.beam, options.maxTokens, searches);
    return searches.map((search) => search.found()[0]);
  };
  return { sample, decode };
} // biome-ignore format: one line

interface Hypothesis {
  tokens: number[];
  total: number;
  parent: number;
}

/** Tokens that may not follow: those that would repeat an n-gram, the end before its time, and the ones never written. */
function banned(tokens: number[], options: DecodeOptions, special: SpecialTokens): Set<number> {
  const out = new Set(special.never);
  if (tokens.length < options.minTokens) out.add(special.eos);
  const n = options.noRepeatNgram;
  if (n > 0 && tokens.length >= n) {
    const tail = tokens.slice(tokens.length - n + 1);
    for (let i = 0; i + n <= tokens.length; i++) {
      if (tail.every((token, k) => tokens[i + k] === token)) out.add(tokens[i + n - 1]);
    }
  }
  return out;
}

export function beamSearch(options: DecodeOptions, special: SpecialTokens): Search {
  const { beam } = options;
  let live: Hypothesis[] = [{ tokens: [], total: 0, parent: 0 }];
  const finished: { tokens: number[]; total: number; length: number; rank: number }[] = [];
  const finish = (tokens: number[], total: number, length: number) => {
    finished.push({ tokens, total, length, rank: total / length ** options.lengthPenalty });
  };
  return {
    done: false,
    advance(logp, last) {
      const vocabulary = logp.length / beam;
      const candidates: { row: number; token: number; total: number }[] = [];
      for (const [row, { tokens, total }] of live.entries()) {
        const values = logp.subarray(row * vocabulary, (row + 1) * vocabulary);
        const next = largest(values, beam + 1, banned(tokens, options, special));
        if (next.length === 0) finish(tokens, total, Math.max(1, tokens.length)); // no word is left to say
        for (const token of next) {
          candidates.push({ row, token, total: total + values[token] });
        }
      }
      candidates.sort((a, b) => b.total - a.total);
      const grown: Hypothesis[] = [];
      for (const { row, token, total } of candidates) {
        if (grown.length === beam) break;
        const { tokens } = live[row];
        if (token === special.eos) finish(tokens, total, tokens.length + 1);
        else grown.push({ tokens: [...tokens, token], total, parent: row });
      }
      live = grown;
      if (last || live.length === 0) {
        for (const { tokens, total } of live) finish(tokens, total, tokens.length);
        this.done = true;
      } else if (finished.length >= beam) {
        // Enough have ended; but the likeliest may still be on its way, while unlikely ones ended early.
        finished.sort((a, b) => b.rank - a.rank);
        const { total, tokens } = live[0];
        this.done = finished[beam - 1].rank >= total / tokens.length ** options.lengthPenalty;
      }
    },
    live: () => live.map(({ tokens, parent }) => ({ token: tokens[tokens.length - 1], parent })),
    found: () =>
      finished
        .toSorted((a, b) => b.rank - a.rank)
        .map(({ tokens, total, length }) => ({ tokens, score: total / length })),
  };
}

/** Draws `rows` captions, each for itself. */
export function sampling(rows: number, options: DecodeOptions, special: SpecialTokens, seed: number): Search {
  const captions = Array.from({ length: rows }, (_, row) => ({
    draw: random(seed, 'caption', row),
    tokens: [] as number[],
    total: 0,
    length: 0,
    ended: false,
  }));
  return {
    done: false,
    advance(logp, last) {
      const vocabulary = logp.length / rows;
      for (const [row, caption] of captions.entries()) {
        if (caption.ended) continue;
        const values = logp.subarray(row * vocabulary, (row + 1) * vocabulary);
        const token = nucleus(
          values,
          banned(caption.tokens, options, special),
          options,
          caption.draw.uniform(),
        );
        if (token !== undefined) {
          caption.total += values[token];
          caption.length++;
          if (token !== special.eos) caption.tokens.push(token);
        }
        caption.ended = last || token === undefined || token === special.eos; // undefined: no word is left to say
      }
      this.done = captions.every(({ ended }) => ended);
    },
    live: () => captions.map(({ tokens }, row) => ({ token: tokens.at(-1) ?? special.eos, parent: row })),
    found: () =>
      captions.map(({ tokens, total, length }) => ({ tokens, score: total / Math.max(1, length) })),
  };
}

/** Positions of the `count` largest values that are not banned, largest first. */
function largest(values: Float32Array, count: number, without: Set<number>): number[] {
  const top: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (top.length === count && values[i] <= values[top[count - 1]]) continue;
    if (without.has(i)) continue;
    let at = top.length;
    while (at > 0 && values[top[at - 1]] < values[i]) at--;
    top.splice(at, 0, i);
    if (top.length > count) top.pop();
  }
  return top;
}

/** Draws from the smallest set of tokens whose probabilities at the temperature reach `topP` (Holtzman et al. 2020). */
function nucleus(
  logp: Float32Array,
  without: Set<number>,
  { temperature, topP }: DecodeOptions,
  u: number,
): number | undefined {
  const allowed = logp.slice();
  for (const token of without) allowed[token] = Number.NEGATIVE_INFINITY;
  const highest = allowed.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  if (highest === Number.NEGATIVE_INFINITY) return undefined;
  const weights = allowed.map((value) => Math.exp((value - highest) / temperature));
  let mass = weights.reduce((a, b) => a + b, 0);
  if (topP < 1) {
    const most = topP * mass;
    mass = 0;
    for (const i of [...weights.keys()].sort((a, b) => weights[b] - weights[a])) {
      if (mass >= most) weights[i] = 0;
      mass += weights[i];
    }
  }
  let rest = u * mass;
  let last: number | undefined;
  for (const [i, weight] of weights.entries()) {
    if (weight === 0) continue;
    last = i;
    rest -= weight;
    if (rest < 0) break;
  }
  return last;
}
