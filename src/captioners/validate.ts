import { scoreCaptions } from '../metrics/index.ts';
import type { CaptionerConfig } from '../models/captioner-config.ts';
import type { Device, Weights } from '../tensor/index.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { ImageFeeder } from './batches.ts';
import { captionNetwork } from './network.ts';
import type { PreparedImage } from './prepare.ts';

/** Pictures captioned at once: few networks are made, and long lists of pictures go through each. */
const BATCH = 32;

/** CIDEr-D and BLEU-4 of captions for images that it was not trained on, with a few of them to look at. */
export async function validate(
  config: CaptionerConfig,
  weights: Weights,
  tokenizer: Tokenizer,
  feeder: ImageFeeder,
  images: PreparedImage[],
  { beam, device }: { beam: number; device: Device },
) {
  const network = await captionNetwork(config, weights, tokenizer, { device, batch: BATCH });
  const captions: string[] = [];
  for (let at = 0; at < images.length; at += network.batch) {
    const part = images.slice(at, at + network.batch);
    const written = await network.write(feeder.feed(part, network.batch), part.length, { beam });
    captions.push(...written.map(({ text }) => text));
  }
  await network.dispose();
  const references = images.map((image) => image.references);
  const { metrics } = await scoreCaptions(captions, references, { metrics: ['CIDEr-D', 'Bleu_4'] });
  const samples = images
    .slice(0, 4)
    .map(({ key }, i) => ({ key, caption: captions[i], references: references[i] }));
  return { ciderD: metrics['CIDEr-D'], bleu4: metrics.Bleu_4, samples };
}
