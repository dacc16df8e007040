import { afterAll, describe, expect, it } from 'vitest';
import {
  pixelsOf,
  SPECIAL,
  textOf,
  tinyConfig,
  tinyPictures,
  tinyWeights,
} from '../../test/helpers/tiny-captioner.ts';
import { compile, params } from '../tensor/index.ts';
import { type CaptionDecoder, captionDecoder } from './caption-decoder.ts';
import { captionerLoss } from './captioner.ts';
import { DECODE_DEFAULTS, type Decoded, type DecodeOptions } from './search.ts';

const config = tinyConfig();
const weights = tinyWeights(config);
const pictures = tinyPictures(config, 6);
const BATCH = 4;
const decoder = await captionDecoder(config, weights, SPECIAL, { batch: BATCH });
const plain: DecodeOptions = { ...DECODE_DEFAULTS, beam: 1, noRepeatNgram: 0, lengthPenalty: 1 };

const decode = (
  options: Partial<DecodeOptions> = {},
  some = pictures.slice(0, BATCH),
  seeds?: number[],
  by = decoder,
) => by.decode(pixelsOf(some, by.batch), some.length, { ...plain, ...options }, seeds);

/** Mean log-probability per token of captions (ends included where there are any), by the whole network at once. */
async function scored(captions: number[][], of = pictures, model = { config, weights }): Promise<number[]> {
  const length = model.config.maxTokens;
  const { caption } = captionerLoss(params(), model.config, { batch: 1, length, captions: 1 });
  const program = await compile({ outputs: { caption }, frozen: model.weights });
  const scores: number[] = [];
  for (const [i, tokens] of captions.entries()) {
    const result = await program.run({ ...pixelsOf([of[i]]), ...textOf([[tokens]], length, 1) });
    scores.push(-Number(result.caption[0]));
  }
  await program.dispose();
  return scores;
}

/** Targets that a decoded caption stands for: the end is there unless the caption ran out of room. */
const targets = ({ tokens }: Decoded, most = config.maxTokens) =>
  tokens.length === most ? tokens : [...tokens, SPECIAL.eos];

afterAll(() => decoder.dispose());

describe('step by step with a cache', () => {
  it('gives the log-probabilities of the whole network at once, whatever the beam', async () => {
    for (const beam of [1, 2, 4]) {
      const found = await decode({ beam });
      const expected = await scored(found.map((one) => targets(one)));
      for (const [i, { score }] of found.entries()) expect(score).toBeCloseTo(expected[i], 4);
    }
  });

  it('is not disturbed by what its buffers held before', async () => {
    const first = await decode({ beam: 3 });
    await decode({ beam: 3 }, pictures.slice(2));
    expect(await decode({ beam: 3 })).toEqual(first);
  });

  it('gives two calls at once what each would get alone', async () => {
    const alone = [await decode({ beam: 2 }), await decode({ beam: 2 }, pictures.slice(2))];
    expect(await Promise.all([decode({ beam: 2 }), decode({ beam: 2 }, pictures.slice(2))])).toEqual(alone);
  });

  it('captions an image the same whatever is beside it and however many there are', async () => {
    const all = await decode({ beam: 3 }, pictures.slice(0, 4));
    const few = await decode({ beam: 3 }, [pictures[2], pictures[0]]);
    expect(few.map(({ tokens }) => tokens)).toEqual([all[2].tokens, all[0].tokens]);
  });
});

describe('several captions drawn of an image', () => {
  const options: DecodeOptions = { ...plain, temperature: 1 };
  const some = pictures.slice(0, 3);
  const draw = (seeds: number[], by = decoder, images = pixelsOf(some, by.batch)) =>
    by.sample(images, some.length, 4, options, seeds);

  it('are each as likely as the whole network says', async () => {
    const drawn = await draw([1, 2, 3]);
    expect(drawn.map((captions) => captions.length)).toEqual([4, 4, 4]);
    for (const [i, captions] of drawn.entries()) {
      const expected = await scored(
        captions.map((one) => targets(one)),
        captions.map(() => some[i]),
      );
      for (const [k, { score }] of captions.entries()) expect(score).toBeCloseTo(expected[k], 4);
    }
  });

  it('differ from each other, and are the same again with the same seeds', async () => {
    const [once, again, other] = [await draw([1, 2, 3]), await draw([1, 2, 3]), await draw([4, 5, 6])];
    expect(again).toEqual(once);
    expect(other).not.toEqual(once);
    for (const captions of once)
      expect(new Set(captions.map(({ tokens }) => tokens.join())).size).toBeGreaterThan(1);
  });

  it('are the same from weights handed over with the images', async () => {
    const open = await captionDecoder(config, undefined, SPECIAL, { batch: BATCH });
    const images = { ...pixelsOf(some, BATCH), ...Object.fromEntries(weights) };
    const tokensOf = (drawn: Decoded[][]) => drawn.map((captions) => captions.map(({ tokens }) => tokens));
    expect(tokensOf(await draw([1, 2, 3], open, images))).toEqual(tokensOf(await draw([1, 2, 3])));
    await open.dispose();
  });
});

describe('greedy', () => {
  it('takes the likeliest token every time', async () => {
    const length = config.maxTokens;
    const [found] = await decode({ beam: 1 });
    const path = targets(found);
    for (let t = 0; t < path.length; t++) {
      const rivals = Array.from({ length: config.vocabulary }, (_, token) => token).filter(
        (token) => !SPECIAL.never.includes(token) && !(t === 0 && token === SPECIAL.eos),
      );
      const totals = (
        await scored(
          rivals.map((token) => [...path.slice(0, t), token]),
          rivals.map(() => pictures[0]),
        )
      ).map((score) => score * Math.min(length, t + 1));
      expect(rivals[totals.indexOf(Math.max(...totals))]).toBe(path[t]);
    }
  });
});

describe('beam search', () => {
  it('finds the best of all captions when nothing is pruned', async () => {
    const small = tinyConfig({ vocabulary: 7, maxTokens: 3 });
    const model = { config: small, weights: tinyWeights(small, 5) };
    const wide = await captionDecoder(small, model.weights, SPECIAL, { batch: 2 });
    const some = tinyPictures(small, 2, 9);
    const found = await decode({ beam: 64, lengthPenalty: 0 }, some, undefined, wide);
    await wide.dispose();
    const words = [4, 5, 6];
    const all: number[][] = [];
    for (const a of words) {
      all.push([a, SPECIAL.eos]);
      for (const b of words) {
        all.push([a, b, SPECIAL.eos]);
        for (const c of words) all.push([a, b, c]);
      }
    }
    for (const [i, picture] of some.entries()) {
      const scores = await scored(
        all,
        all.map(() => picture),
        model,
      );
      const totals = scores.map((score, k) => score * all[k].length);
      const best = all[totals.indexOf(Math.max(...totals))];
      expect(targets(found[i], 3)).toEqual(best);
    }
  });

  it('finds captions at least as likely as the greedy ones', async () => {
    for (const seed of [1, 2, 3]) {
      const other = await captionDecoder(config, tinyWeights(config, seed), SPECIAL, { batch: BATCH });
      const total = async (beam: number) =>
        (await decode({ beam, lengthPenalty: 0 }, undefined, undefined, other)).map(
          (one) => one.score * targets(one).length,
        );
      const [greedy, wide] = [await total(1), await total(6)];
      await other.dispose();
      for (const [i, value] of wide.entries()) expect(value).toBeGreaterThanOrEqual(greedy[i] - 1e-4);
    }
  });
});

describe('limits on what is written', () => {
  it('keeps to the shortest and longest length', async () => {
    for (const beam of [1, 3]) {
      for (const { tokens } of await decode({ beam, minTokens: 5, maxTokens: 6 })) {
        expect(tokens.length).toBeGreaterThanOrEqual(5);
        expect(tokens.length).toBeLessThanOrEqual(6);
      }
    }
    for (const { tokens } of await decode({ temperature: 1, minTokens: 8 })) expect(tokens).toHaveLength(8);
  });

  it('never writes the begin, padding or unknown token', async () => {
    const drawn = await decode({ temperature: 100, minTokens: 8 });
    for (const { tokens } of drawn) expect(tokens.filter((t) => SPECIAL.never.includes(t))).toEqual([]);
  });

  it('repeats no n-gram of the forbidden length', async () => {
    const repeats = ({ tokens }: Decoded, n: number) => {
      const grams = Array.from(
        { length: Math.max(0, tokens.length - n + 1) },
        (_, i) => `${tokens.slice(i, i + n)}`,
      );
      return grams.length - new Set(grams).size;
    };
    const stuck = new Map(weights).set(
      'text.head.bias',
      Float32Array.from({ length: 24 }, (_, i) => (i === 7 ? 90 : 0)),
    );
    const one = await captionDecoder(config, stuck, SPECIAL, { batch: BATCH }); // says 7 for ever, if it may
    const free = await decode({ minTokens: 8 }, undefined, undefined, one);
    expect(free.map((found) => repeats(found, 2))).toEqual([6, 6, 6, 6]);
    for (const n of [1, 2, 3]) {
      for (const options of [{ beam: 1 }, { beam: 3 }, { temperature: 1 }]) {
        const found = await decode({ ...options, minTokens: 8, noRepeatNgram: n }, undefined, undefined, one);
        expect(found.map((x) => repeats(x, n))).toEqual([0, 0, 0, 0]);
      }
    }
    await one.dispose();
  });

  it('ends a caption that no word may follow', async () => {
    const small = tinyConfig({ vocabulary: 6 });
    const two = await captionDecoder(small, tinyWeights(small), SPECIAL, { batch: 1 });
    for (const options of [{ beam: 1 }, { beam: 3 }, { temperature: 1 }]) {
      const [{ tokens }] = await decode(
        { ...options, minTokens: 8, noRepeatNgram: 1 },
        tinyPictures(small, 1),
        [1],
        two,
      );
      expect(tokens.toSorted()).toEqual([4, 5]); // the only words there are
    }
    await two.dispose();
  });
});

describe('drawing', () => {
  const draws = (seeds: number[], some?: Uint8Array[], by?: CaptionDecoder) =>
    decode({ temperature: 1, topP: 0.9 }, some, seeds, by);

  it('gives the same by the same seed, another by another', async () => {
    const first = await draws([1, 2, 3, 4]);
    expect(await draws([1, 2, 3, 4])).toEqual(first);
    expect(await draws([5, 6, 7, 8])).not.toEqual(first);
  });

  it('gives an image and a seed the same whatever else is in the batch', async () => {
    const all = await draws([1, 2, 3, 4]);
    const turned = await draws([3, 1], [pictures[2], pictures[0]]);
    expect(turned.map(({ tokens }) => tokens)).toEqual([all[2].tokens, all[0].tokens]);
  });

  it('is greedy when the nucleus holds one token, or the temperature is near nothing', async () => {
    const greedy = await decode();
    expect((await decode({ temperature: 1, topP: 1e-6 })).map(({ tokens }) => tokens)).toEqual(
      greedy.map(({ tokens }) => tokens),
    );
    expect((await decode({ temperature: 1e-4 })).map(({ tokens }) => tokens)).toEqual(
      greedy.map(({ tokens }) => tokens),
    );
  });

  it('draws first words as often as the network finds them likely', async () => {
    const counts = new Float64Array(config.vocabulary);
    const rounds = 150;
    for (let round = 0; round < rounds; round++) {
      const same = Array(BATCH).fill(pictures[0]);
      const seeds = Array.from({ length: BATCH }, (_, i) => round * BATCH + i);
      for (const { tokens } of await decode({ temperature: 1, maxTokens: 1 }, same, seeds))
        counts[tokens[0]]++;
    }
    const words = [...counts.keys()].filter((t) => !SPECIAL.never.includes(t) && t !== SPECIAL.eos);
    const chances = (
      await scored(
        words.map((t) => [t]),
        words.map(() => pictures[0]),
      )
    ).map(Math.exp);
    const sum = chances.reduce((a, b) => a + b);
    for (const [i, token] of words.entries()) {
      const p = chances[i] / sum;
      const n = rounds * BATCH;
      expect(Math.abs(counts[token] / n - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / n) + 1 / n);
    }
  });
});
