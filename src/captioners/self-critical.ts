/**
 * Self-critical sequence training (Rennie et al. 2017): the captioner draws captions, and those that CIDEr-D finds better than the
 * others of their image become likelier. The baseline of a caption is the mean reward of the others (Luo 2020).
 */
import { ciderD, documentFrequencies, ptbTokenize } from '../metrics/index.ts';
import { captionDecoder } from '../models/caption-decoder.ts';
import type { CaptionerConfig } from '../models/captioner-config.ts';
import { DECODE_DEFAULTS } from '../models/search.ts';
import type { Arrays, Device, Weights } from '../tensor/index.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { TokenisedImage } from './batches.ts';
import { specialTokens } from './network.ts';

/** A word of its own for the end: without it, captions that break off before a dull last word would be the better ones. */
const END = '<eos>';

export interface Rollouts {
  /** The images with captions just drawn in place of theirs, each with its advantage; and the mean reward. */
  draw(
    images: readonly TokenisedImage[],
    feeds: Arrays,
    weights: Weights,
    seed: number,
  ): Promise<{ drawn: TokenisedImage[]; reward: number }>;
  dispose(): Promise<void>;
}

/** @param images all of the collection, of which `draw` gets some: how rare an n-gram is, is counted over their references. */
export async function rollouts(
  config: CaptionerConfig,
  tokenizer: Tokenizer,
  images: readonly TokenisedImage[],
  { batch, samples, device }: { batch: number; samples: number; device: Device },
): Promise<Rollouts> {
  const words = (text: string) => [...ptbTokenize(text), END];
  const spoken = images.map(({ references }) => references.map(words));
  const scorer = ciderD(documentFrequencies(spoken));
  const references = new Map(images.map((image, i) => [image, scorer.prepare(spoken[i])]));
  const decoder = await captionDecoder(config, undefined, specialTokens(tokenizer), { batch, device });
  const options = { ...DECODE_DEFAULTS, temperature: 1, noRepeatNgram: 0, minTokens: 0 };
  return {
    async draw(chosen, feeds, weights, seed) {
      const seeds = chosen.map((_, i) => seed + i);
      const given = { ...feeds, ...Object.fromEntries(weights) };
      const captions = await decoder.sample(given, chosen.length, samples, options, seeds);
      let sum = 0;
      const drawn = chosen.map((image, i) => {
        const tokens = captions[i].map((caption) => caption.tokens);
        const rewards = tokens.map((ids) => {
          const said = ptbTokenize(tokenizer.decode(ids));
          const whole = ids.length < config.maxTokens ? [...said, END] : said;
          return scorer.score(whole, references.get(image)!);
        });
        const total = rewards.reduce((a, b) => a + b, 0);
        sum += total / samples;
        const advantages = rewards.map((reward) => reward - (total - reward) / (samples - 1));
        return { ...image, tokens, advantages };
      });
      return { drawn, reward: sum / chosen.length };
    },
    dispose: () => decoder.dispose(),
  };
}
