/**
 * Self-critical sequence training (Rennie et al. 2017): the captioner draws captions, and those that CIDEr-D finds better than a baseline
 * become likelier: than what it would have said without drawing (as in that paper), or than the others of their image (Luo 2020).
 */
import { setImmediate as turn } from 'node:timers/promises';
import { ciderD, documentFrequencies, ptbTokenize } from '../metrics/index.ts';
import type { CaptionDecoder } from '../models/caption-decoder.ts';
import { DECODE_DEFAULTS, type Decoded } from '../models/search.ts';
import type { Arrays, Weights } from '../tensor/index.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { TokenisedImage } from './batches.ts';

/** A word of its own for the end: without it, captions that break off before a dull last word would be the better ones. */
const END = '<eos>';

export interface Rollouts {
  /** The images with captions just drawn in place of theirs, each with its advantage; the mean reward, and rewards a second. */
  draw(
    images: readonly TokenisedImage[],
    feeds: Arrays,
    weights: Weights,
    seed: number,
  ): Promise<{ drawn: TokenisedImage[]; reward: number; rewardsPerSecond: number }>;
  dispose(): Promise<void>;
}

export interface RolloutOptions {
  /** Captions drawn of each image. */
  samples: number;
  /** Longest caption in tokens: one of that length may not have come to its end. */
  maxTokens: number;
  /** Above 0. Below 1 words that a smoothed captioner thinks barely possible are hardly ever drawn; the loss must be of the same distribution. */
  temperature: number;
  /** What a caption is to be better than: the likeliest, word by word, or the mean of the others. */
  baseline: 'greedy' | 'others';
}

/**
 * @param decoder of a network whose weights are fed @param images all of the collection, of which `draw` gets some: how rare an n-gram is,
 * is counted over their references
 */
export function rollouts(
  decoder: CaptionDecoder,
  tokenizer: Tokenizer,
  images: readonly TokenisedImage[],
  { samples, maxTokens, temperature, baseline }: RolloutOptions,
): Rollouts {
  const words = (text: string) => [...ptbTokenize(text), END];
  const spoken = images.map(({ references }) => references.map(words));
  const scorer = ciderD(documentFrequencies(spoken));
  const references = new Map(images.map((image, i) => [image, scorer.prepare(spoken[i])]));
  const options = { ...DECODE_DEFAULTS, noRepeatNgram: 0, minTokens: 0 };
  const rewardOf = (image: TokenisedImage, { tokens }: Decoded) => {
    const said = ptbTokenize(tokenizer.decode(tokens));
    const whole = tokens.length < maxTokens ? [...said, END] : said;
    return scorer.score(whole, references.get(image)!);
  };
  return {
    async draw(chosen, feeds, weights, seed) {
      const seeds = chosen.map((_, i) => seed + i);
      const given = { ...feeds, ...Object.fromEntries(weights) };
      const captions = await decoder.sample(given, chosen.length, samples, { ...options, temperature }, seeds); // biome-ignore format: one line
      // While the runtime's threads look for the baseline, this one rewards what was drawn.
      const greedy = baseline === 'greedy' ? decoder.decode(given, chosen.length, { ...options, beam: 1 }) : undefined; // biome-ignore format: one line
      let seconds = 0;
      const timed = <T>(work: () => T): T => {
        const start = performance.now();
        const result = work();
        seconds += (performance.now() - start) / 1000;
        return result;
      };
      const rewards: number[][] = [];
      for (const [i, image] of chosen.entries()) {
        rewards.push(timed(() => captions[i].map((caption) => rewardOf(image, caption))));
        await turn();
      }
      const likeliest = await greedy;
      const drawn = chosen.map((image, i) => {
        const total = rewards[i].reduce((a, b) => a + b, 0);
        const base = likeliest && timed(() => rewardOf(image, likeliest[i]));
        const advantages = rewards[i].map((reward) => reward - (base ?? (total - reward) / (samples - 1)));
        return { ...image, tokens: captions[i].map(({ tokens }) => tokens), advantages };
      });
      const all = rewards.flat();
      const count = all.length + (likeliest?.length ?? 0);
      return { drawn, reward: all.reduce((a, b) => a + b, 0) / all.length, rewardsPerSecond: count / seconds }; // biome-ignore format: one line
    },
    dispose: () => decoder.dispose(),
  };
}
