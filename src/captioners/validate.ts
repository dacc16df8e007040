import { scoreCaptions } from '../metrics/index.ts';
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

/** How captions for images that it was not trained on score, with a few of them to look at. */
export async function validate(
  config: CaptionerConfig,
  weights: Weights,
  tokenizer: Tokenizer,
  feeder: ImageFeeder,
  images: readonly TokenisedImage[],
  { training, device }: { training: TrainingConfig; device: Device },
): Promise<Validation> {
  const network = await captionNetwork(config, weights, tokenizer, { device, batch: BATCH });
  const captions: string[] = [];
  for (const part of parts(images)) {
    const inputs = feeder.feed(part, network.batch);
    const written = await network.write(inputs, part.length, { beam: training.beam });
    captions.push(...written.map(({ text }) => text));
  }
  await network.dispose();
  const references = images.map((image) => image.references);
  const { metrics } = await scoreCaptions(captions, references, { metrics: ['CIDEr-D', 'Bleu_4'] });
  const samples = images
    .slice(0, 4)
    .map(({ key }, i) => ({ key, caption: captions[i], references: references[i] }));
  const captionLoss = await writtenLoss(config, weights, tokenizer, feeder, images, { training, device });
  return { ciderD: metrics['CIDEr-D'], bleu4: metrics.Bleu_4, captionLoss, samples };
}

async function writtenLoss(
  config: CaptionerConfig,
  weights: Weights,
  tokenizer: Tokenizer,
  feeder: ImageFeeder,
  images: readonly TokenisedImage[],
  { training, device }: { training: TrainingConfig; device: Device },
): Promise<number> {
  const { packedTokens: length, captionsPerImage: captions } = training;
  const plain = { ...config, dropout: 0, tokenDropout: 0, labelSmoothing: 0 };
  const { caption } = captionerLoss(params(), plain, { batch: BATCH, length, captions });
  const program = await compile({ outputs: { caption }, frozen: weights, device });
  const special = specialTokens(tokenizer);
  let [nats, tokens] = [0, 0];
  for (const [i, part] of parts(images).entries()) {
    const text = packCaptions(
      part,
      plain,
      { ...training, batch: BATCH },
      special,
      random(0, 'validation', i),
    );
    const out = await program.run({ ...feeder.feed(part, BATCH), ...text });
    const real = text.segments.filter((segment) => segment > 0).length;
    nats += Number(out.caption[0]) * real;
    tokens += real;
  }
  await program.dispose();
  return nats / Math.max(1, tokens);
}

const parts = (images: readonly TokenisedImage[]): TokenisedImage[][] =>
  Array.from({ length: Math.ceil(images.length / BATCH) }, (_, i) =>
    images.slice(i * BATCH, (i + 1) * BATCH),
  );
