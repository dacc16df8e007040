import { HIDDEN } from '../nn/index.ts';
import { random } from '../random.ts';
import {
  type Arrays,
  allocate,
  compile,
  type Device,
  type DType,
  type Program,
  params,
  type Shape,
  sizeOf,
  type Weights,
} from '../tensor/index.ts';
import { decodeStep, encodeImage, imageMemory, PHRASE } from './captioner.ts';
import type { CaptionerConfig } from './captioner-config.ts';

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

export interface CaptionDecoder {
  /** Images per run: hand over exactly this many, padded with anything. */
  batch: number;
  /**
   * Captions of `count` ≤ batch images. `images` holds the network's image inputs; `seeds` one number per image, for drawing:
   * an image draws the same whatever else is in its batch.
   */
  decode(images: Arrays, count: number, options: DecodeOptions, seeds?: number[]): Promise<Decoded[]>;
  /** As `decode`, but `samples` captions of each image, drawn independently at `temperature`. */
  sample(
    images: Arrays,
    count: number,
    samples: number,
    options: DecodeOptions,
    seeds?: number[],
  ): Promise<Decoded[][]>;
  dispose(): Promise<void>;
}

/**
 * Compiles a captioner for inference, its weights packed into the graphs; one step graph per beam width, made when needed.
 * Without weights they are inputs by their paths, to be handed over with the images: for weights that change.
 */
export async function captionDecoder(
  config: CaptionerConfig,
  weights: Weights | undefined,
  special: SpecialTokens,
  { batch, device = 'cpu' }: { batch: number; device?: Device },
): Promise<CaptionDecoder> {
  const memory = await compile({
    outputs: imageMemory(params(), config, { batch }),
    frozen: weights,
    device,
  });
  const memorySize = memoryTokens(config, batch);
  const steps = new Map<number, Promise<Program>>();
  const stepFor = (beams: number): Promise<Program> => {
    const known = steps.get(beams);
    if (known) return known;
    const outputs = decodeStep(params(), config, { images: batch, beams, memory: memorySize });
    const made = compile({ outputs, frozen: weights, device });
    steps.set(beams, made);
    return made;
  };
  const spare = new Map<Program, Arrays[]>(); // buffers of calls that have ended: fresh memory is dear
  const buffersOf = (program: Program): Arrays =>
    spare.get(program)?.pop() ?? arrays([...program.feeds, ...Object.entries(program.outputs)]);
  const giveBack = (program: Program, buffers: Arrays) =>
    spare.set(program, [...(spare.get(program) ?? []), buffers]);

  /** Steps through `searches`, one per image, each of `beams` hypotheses. */
  const run = async (images: Arrays, beams: number, most: number, searches: Search[]) => {
    const step = await stepFor(beams);
    const buffers = buffersOf(step);
    for (const name of step.feeds.keys()) if (images[name]) buffers[name] = images[name];
    const tokens = (buffers.tokens as Int32Array).fill(special.bos);
    const recent = (buffers.recent as Int32Array | undefined)?.fill(special.bos);
    const width = (config.maxTokens + 1) * beams;
    const masks = Array.from({ length: batch * beams }, (_, row) =>
      (buffers.path as Float32Array).subarray(row * width, (row + 1) * width),
    );
    const paths: number[][] = masks.map(() => []);
    for (const [row, mask] of masks.entries()) showPath(mask, beams, row % beams, []);
    const logp = buffers.logp as Float32Array;
    const into = Object.fromEntries(Object.keys(step.outputs).map((name) => [name, buffers[name]]));
    const caches = Object.keys(buffers).filter((name) => name.startsWith('cache.'));
    for (const name of caches) (buffers[name] as Float32Array).fill(0); // hidden is weight 0, and 0 · NaN is NaN
    // The image's keys and values are written where the steps read them.
    await memory.run(images, { into: buffers });

    const last = Math.min(most, config.maxTokens);
    for (let position = 0; position < last && searches.some((s) => !s.done); position++) {
      buffers.position[0] = position;
      await step.run(buffers, { into });
      for (const name of caches) {
        const fresh = buffers[name.replace('cache', 'fresh')] as Float32Array;
        const [, heads] = step.feeds.get(name)!.shape;
        putSlots(buffers[name] as Float32Array, fresh, batch * heads, position);
      }
      for (const [i, search] of searches.entries()) {
        if (search.done) continue;
        const row = i * beams;
        search.advance(
          logp.subarray(row * config.vocabulary, (row + beams) * config.vocabulary),
          position + 1 === last,
        );
        const before = paths.slice(row, row + beams);
        const earlier = recent?.slice(row * PHRASE, (row + beams) * PHRASE);
        for (const [k, { token, parent }] of search.live().entries()) {
          tokens[row + k] = token;
          paths[row + k] = [...before[parent], parent];
          if (earlier) remember(recent!, row + k, earlier.subarray(parent * PHRASE), token);
          showPath(masks[row + k], beams, k, paths[row + k]);
        }
      }
    }
    giveBack(step, buffers);
  };

  const sample: CaptionDecoder['sample'] = async (images, count, samples, options, seeds = []) => {
    const searches = Array.from({ length: count }, (_, i) =>
      sampling(samples, options, special, seeds[i] ?? i),
    );
    await run(images, samples, options.maxTokens, searches);
    return searches.map((search) => search.found());
  };

  return {
    batch,
    sample,
    async decode(images, count, options, seeds) {
      if (options.temperature > 0)
        return (await sample(images, count, 1, options, seeds)).map(([one]) => one);
      const searches = Array.from({ length: count }, () => beamSearch(options, special));
      await run(images, options.beam, options.maxTokens, searches);
      return searches.map((search) => search.found()[0]);
    },
    async dispose() {
      await memory.dispose();
      for (const step of steps.values()) await (await step).dispose();
    },
  };
}

const arrays = (specs: [string, { shape: Shape; dtype: DType }][]): Arrays =>
  Object.fromEntries(specs.map(([name, { shape, dtype }]) => [name, allocate(dtype, sizeOf(shape))]));

/** Row of the mask `path` of `decodeStep` for hypothesis `own`, whose t-th word was written by the image's hypothesis `rows[t]`. */
function showPath(mask: Float32Array, beams: number, own: number, rows: number[]): void {
  mask.fill(HIDDEN);
  for (const [t, row] of rows.entries()) mask[t * beams + row] = 0;
  mask[mask.length - beams + own] = 0;
}

/** Puts a word before the last ones of the hypothesis that it continues, in the row `row` of `recent`. */
function remember(recent: Int32Array, row: number, before: Int32Array, token: number): void {
  recent[row * PHRASE] = token;
  recent.set(before.subarray(0, PHRASE - 1), row * PHRASE + 1);
}

/** Copies what one step wrote, (groups, beams, d), into its slots of a cache (groups, T, beams, d). */
function putSlots(cache: Float32Array, fresh: Float32Array, groups: number, position: number): void {
  const size = fresh.length / groups;
  const stride = cache.length / groups;
  for (let g = 0; g < groups; g++) {
    cache.set(fresh.subarray(g * size, (g + 1) * size), g * stride + position * size);
  }
}

const memoryTokens = (config: CaptionerConfig, batch: number): number =>
  encodeImage(params(), config, { batch }).shape[1];

interface Search {
  done: boolean;
  /** Takes the log-probabilities (beams, V) that follow the live hypotheses. */
  advance(logp: Float32Array, last: boolean): void;
  /** Token that each live hypothesis ends in, and the row it continued. */
  live(): { token: number; parent: number }[];
  /** What it was searching for, the best first. */
  found(): Decoded[];
}

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

function beamSearch(options: DecodeOptions, special: SpecialTokens): Search {
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
function sampling(rows: number, options: DecodeOptions, special: SpecialTokens, seed: number): Search {
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
