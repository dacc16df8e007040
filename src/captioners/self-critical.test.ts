import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pixelsOf, tinyConfig, tinyPictures, tinyWeights } from '../../test/helpers/tiny-captioner.ts';
import { captionDecoder } from '../models/caption-decoder.ts';
import { trainBpe } from '../text/bpe.ts';
import { createTokenizer } from '../text/tokenizer.ts';
import type { TokenisedImage } from './batches.ts';
import { specialTokens } from './network.ts';
import { type Rollouts, rollouts } from './self-critical.ts';

const references = [['a red dog runs', 'a dog runs fast'], ['two cats sleep'], ['a blue car']];
const tokenizer = createTokenizer(trainBpe(references.flat(), { vocabSize: 300 }));
const config = tinyConfig({ vocabulary: tokenizer.vocabSize, maxTokens: 6 });
const weights = tinyWeights(config);
const images = references.map(
  (texts, i): TokenisedImage => ({
    key: `${i}`,
    hash: `${i}`,
    captions: texts,
    references: texts,
    kinds: texts.map(() => 'human' as const),
    tokens: [],
    regions: [],
    sided: false,
  }),
);
const feeds = pixelsOf(tinyPictures(config, 3));
const open = async (baseline: 'greedy' | 'others', temperature = 1) => {
  const decoder = await captionDecoder(config, undefined, specialTokens(tokenizer), { batch: 3 });
  return rollouts(decoder, tokenizer, images, { samples: 4, maxTokens: config.maxTokens, temperature, baseline }); // biome-ignore format: one line
};

describe('captions drawn to be rewarded', () => {
  let critic: Rollouts;
  beforeAll(async () => {
    critic = await open('others');
  });
  afterAll(() => critic.dispose());

  it('have advantages that sum to nothing within each image', async () => {
    const { drawn, reward } = await critic.draw(images, feeds, weights, 1);
    expect(reward).toBeGreaterThanOrEqual(0);
    for (const { tokens, advantages } of drawn) {
      expect(tokens).toHaveLength(4);
      expect(advantages!.reduce((a, b) => a + b, 0)).toBeCloseTo(0);
    }
  });

  it('are the same again with the same seed, and others with other weights', async () => {
    const first = await critic.draw(images, feeds, weights, 1);
    expect((await critic.draw(images, feeds, weights, 1)).drawn).toEqual(first.drawn);
    const other = await critic.draw(images, feeds, tinyWeights(config, 2), 1);
    expect(other.drawn.map(({ tokens }) => tokens)).not.toEqual(first.drawn.map(({ tokens }) => tokens));
  });

  it('are the likeliest ones at a temperature near 0', async () => {
    const cold = await open('others', 1e-4);
    const { drawn } = await cold.draw(images, feeds, weights, 1);
    for (const { tokens } of drawn) expect(new Set(tokens.map(String)).size).toBe(1);
    await cold.dispose();
  });

  it('are worth more the more they say what people said', async () => {
    /** Of a captioner that can only say one word: its bias drowns all else. */
    const rewardOf = async (word: string) => {
      const token = tokenizer.encode(`a ${word}`).at(-1)!;
      const loud = new Map(weights);
      const bias = new Float32Array(config.vocabulary);
      bias[token] = 1e4;
      loud.set('text.head.bias', bias);
      return (await critic.draw(images, feeds, loud, 1)).reward;
    };
    expect(await rewardOf('dog')).toBeGreaterThan(0.05);
    expect(await rewardOf('<')).toBe(0);
  });
});
