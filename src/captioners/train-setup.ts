/** What a training run is put together from. */
import { z } from 'zod';
import { RecaptionError } from '../errors.ts';
import { isTrainingHead } from '../models/captioner.ts';
import { type CaptionerConfig, parseCaptionerFile, type TrainingConfig } from '../models/captioner-config.ts';
import { loadWeights } from '../models/model-folder.ts';
import type { PreparedImage } from '../models/training/prepare.ts';
import type { FeatureGroup, VisionEncoder } from '../models/vision/encoder.ts';
import { imageTokenCount } from '../models/vision/trained.ts';
import type { Params, Weights } from '../tensor/index.ts';
import { trainBpe } from '../text/bpe.ts';
import { normaliseCaption } from '../text/normalise-caption.ts';
import { createTokenizer, type Tokenizer } from '../text/tokenizer.ts';
import type { TokenisedImage } from './batches.ts';

/**
 * The configuration as the user gave it, over the sizes of the captioner to start from, or over the defaults.
 * @throws RecaptionError `bad-config`
 */
export function readConfig(given: unknown, place: string, from?: CaptionerConfig) {
  const { model } = z
    .object({ model: z.looseObject({}).optional() })
    .catch({})
    .parse(given);
  const file = from ? { ...(given as object), model: { ...from, ...model } } : given;
  return parseCaptionerFile(file, place);
}

/** The configuration with the vision that is really there. */
export function withVision(model: CaptionerConfig, encoders: VisionEncoder[]): CaptionerConfig {
  if (encoders.length === 0) {
    if (model.vision.kind === 'frozen') {
      throw new RecaptionError('bad-config', 'frozen vision needs an encoder', {
        place: 'model.vision',
        hint: 'Name one or more with --vision, or choose "patches" or "pyramid".',
      });
    }
    return structuredClone(model);
  }
  const groups = encoders.flatMap((encoder) =>
    encoder.groups.map(({ name, tokens, width }) => ({ encoder: encoder.id, name, tokens, width })),
  );
  return { ...structuredClone(model), vision: { kind: 'frozen', groups } };
}

/** Teachers and boxes describe the same cells that the network sees, so its view must be theirs: the whole picture. */
export function checkView(
  groups: FeatureGroup[],
  config: CaptionerConfig,
  { minCrop, regions }: TrainingConfig,
): void {
  const cells = config.vision.kind === 'frozen' ? 0 : imageTokenCount(config);
  const other = groups.find(({ tokens }) => tokens !== cells);
  if (other) {
    throw new RecaptionError(
      'bad-config',
      `the teacher output "${other.name}" has ${other.tokens} tokens, the vision that learns has ${cells}`,
      {
        hint: 'Choose model.vision.size and patch (or stages) so that both grids are equal.',
      },
    );
  }
  const whole = groups.length > 0 ? '--distil' : regions > 0 ? 'training.regions' : undefined;
  if (whole && minCrop < 1) {
    throw new RecaptionError(
      'bad-config',
      `crops and ${whole} do not go together: that speaks of whole pictures`,
      {
        place: 'training.minCrop',
        hint: 'Set training.minCrop to 1.',
      },
    );
  }
}

/** The weights without what only training needs. */
export const inference = (weights: Weights, config: CaptionerConfig): Weights =>
  new Map([...weights].filter(([path]) => !isTrainingHead(config, path)));

/**
 * Weights to start from; heads that only training needs are not among them. Captions may be longer than those of the captioner they
 * come from: a base captioner writes a line, its descriptive fine-tune a paragraph.
 */
export function initialWeights(path: string, { all }: Params, config: CaptionerConfig): Promise<Weights> {
  const wanted = new Map([...all].filter(([path]) => !isTrainingHead(config, path)));
  return loadWeights(path, wanted, 'text.positions.weight');
}

export function learnTokenizer(
  images: readonly PreparedImage[],
  config: Pick<CaptionerConfig, 'vocabulary'>,
): Tokenizer {
  return createTokenizer(
    trainBpe(
      images.flatMap(({ captions }) => captions),
      { vocabSize: config.vocabulary },
    ),
  );
}

/** Images with their captions as tokens. */
export const tokenise = (images: PreparedImage[], tokenizer: Tokenizer): TokenisedImage[] =>
  images.map((image) => ({
    ...image,
    tokens: image.captions.map((caption) => tokenizer.encode(caption)),
    regions: image.regions.map((region) => ({
      ...region,
      tokens: tokenizer.encode(` ${normaliseCaption(region.text)}`), // words as they stand within captions
    })),
    sided: image.captions.some((caption) => /\b(left|right)\b/i.test(caption)),
  }));
