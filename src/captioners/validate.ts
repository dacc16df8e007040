import { scoreCaptions } from '../metrics/index.ts';
import { captionDecoder } from '../models/caption-decoder.ts';
import { captionerLoss } from '../models/captioner.ts';
import type { CaptionerConfig, TrainingConfig } from '../models/captioner-config.ts';
import { random } from '../random.ts';
import { compile, type Device, params, type Weights } from '../tensor/index.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { type ImageFeeder, packCaptions, type TokenisedImage } from './batches.ts';
import { captionNetwork, specialTokens } from './network.ts';

/** Pictures captioned at once: few networks are made, and long lists of pictures go through each. */
const BATCH = 32;

export interface Validation {
  ciderD: number;
  bleu4: number;
  /** Cross-entropy of the written captions in nats per token. Where it rises while the loss falls, captions are learnt by heart. */
  captionLoss: number;
  samples: { key: string; caption: string; references: string[] }[];
}

/**
 * How captions for images that it was not trained on score, with a few of them to look at; and how likely it finds what people
 * wrote of these.
 */
export async function validate(
  config: CaptionerConfig,
  weights: Weights,
  tokenizer: Tokenizer,
  feeder: ImageFeeder,
  images: readonly TokenisedImage[],
  { training, device }: { training: TrainingConfig; device: Device },
): Promise<Validation> {
  const { beam, packedTokens: length, captionsPerImage: captions } = training;
  const special = specialTokens(tokenizer);
  const decoder = await captionDecoder(config, weights, special, { device, batch: BATCH });
  const network = captionNetwork(decoder, config, tokenizer);
  const plain = { ...config, dropout: 0, tokenDropout: 0, labelSmoothing: 0 };
  const { caption } = captionerLoss(params(), plain, { batch: BATCH, length, captions });
  const loss = await compile({ outputs: { caption }, frozen: weights, device });
  const said: string[] = [];
  let [nats, tokens] = [0, 0];
  for (let at = 0; at < images.length; at += BATCH) {
    const part = images.slice(at, at + BATCH);
    const inputs = feeder.feed(part, BATCH);
    const written = await network.write(inputs, part.length, { beam });
    said.push(...written.map(({ text }) => text));
    const draw = random(0, 'validation', at / BATCH);
    const text = packCaptions(part, plain, { ...training, batch: BATCH }, special, draw);
    const out = await loss.run({ ...inputs, ...text });
    const real = text.segments.filter((segment) => segment > 0).length;
    nats += Number(out.caption[0]) * real;
    tokens += real;
  }
  await network.dispose();
  await loss.dispose();
  const references = images.map((image) => image.references);
  const { metrics } = await scoreCaptions(said, references, { metrics: ['CIDEr-D', 'Bleu_4'] });
  const samples = images.slice(0, 4).map(({ key }, i) => ({ key, caption: said[i], references: references[i] })); // biome-ignore format: one line
  const captionLoss = nats / Math.max(1, tokens);
  return { ciderD: metrics['CIDEr-D'], bleu4: metrics.Bleu_4, captionLoss, samples };
}
