import { z } from 'zod';
import { CAPTION_KINDS } from '../data/sample.ts';
import { RecaptionError } from '../errors.ts';

const count = z.number().int().positive();

/** What a captioner sees: pixels through a network of its own, or token groups of frozen encoders. */
const visionSchema = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('patches'),
      /** Pictures are resized to size × size pixels. */
      size: count.default(64),
      patch: count.default(8),
    })
    .refine(({ size, patch }) => size % patch === 0, {
      path: ['size'],
      error: 'it must be a multiple of "patch"',
    }),
  z
    .strictObject({
      kind: z.literal('pyramid'),
      size: count.default(112),
      /** Channels of each stage; every stage halves the grid, the first starts at half the pixels. */
      channels: z.array(count).min(1).max(10).default([48, 96, 192, 320]),
      /** Convolution blocks of each stage. */
      depths: z.array(count).min(1).default([1, 2, 2, 2]),
    })
    .refine(({ size, channels }) => size % 2 ** channels.length === 0, {
      path: ['size'],
      error: 'every stage halves it, so 2 to the number of "channels" must divide it',
    }),
  z.strictObject({
    kind: z.literal('frozen'),
    /** One per output of an encoder: `tokens` vectors of `width` numbers each. */
    groups: z
      .array(z.strictObject({ encoder: z.string(), name: z.string(), tokens: count, width: count }))
      .default([]),
  }),
]);

export const captionerConfigSchema = z
  .strictObject({
    vision: visionSchema.default({ kind: 'patches', size: 64, patch: 8 }),
    /** Width C of every layer. */
    width: count.default(256),
    heads: count.default(4),
    /** Transformer layers over the image tokens. */
    imageLayers: z.number().int().nonnegative().default(2),
    /** Layers of the text decoder that see text alone. */
    unimodalLayers: z.number().int().nonnegative().default(1),
    /** Layers of the text decoder that also attend to the image. */
    multimodalLayers: count.default(3),
    vocabulary: count.default(3000),
    /** Longest caption in tokens, the end included; longer ones are cut. */
    maxTokens: count.max(512).default(32),
    dropout: z.number().min(0).max(0.9).default(0.1),
    labelSmoothing: z.number().min(0).max(0.9).default(0.1),
    /** λ of the contrastive loss beside 1 for captioning. CoCa gives 1 : 2. */
    contrastive: z.number().nonnegative().default(0.5),
    /** Kind of caption that it writes. */
    kind: z.enum(CAPTION_KINDS).default('human'),
  })
  .refine(({ width, heads }) => width % heads === 0, {
    path: ['width'],
    error: 'it must be a multiple of "heads"',
  });

export type CaptionerConfig = z.infer<typeof captionerConfigSchema>;

export const trainingConfigSchema = z.strictObject({
  /** Images per step, with all their captions. */
  batch: count.default(64),
  learningRate: z.number().positive().default(1e-3),
  warmup: z.number().int().nonnegative().default(200),
  weightDecay: z.number().nonnegative().default(0.05),
  clip: z.number().nonnegative().default(1),
  /** Decay of the averaged weights that are scored and saved; 0 keeps none. */
  ema: z.number().min(0).max(0.99999).default(0.999),
  accumulate: count.default(1),
  epochs: z.number().positive().default(10),
  /** Captions of one image that a step uses at most, drawn anew each epoch. */
  captionsPerImage: count.default(5),
  /** Tokens for all captions of an image together; whole captions that do not fit are left out of that step. */
  packedTokens: count.default(72),
  /** Mirror images at random, where no caption says "left" or "right". */
  flip: z.boolean().default(true),
  /** Random crop of trained vision: the smallest share of the area kept; 1 never crops. */
  minCrop: z.number().min(0.1).max(1).default(1),
  /** Random change of brightness and colour balance for trained vision, as a share. */
  colourJitter: z.number().min(0).max(1).default(0),
  /** Weight of the loss for naming the captions' words cell by cell; vision trained here only. */
  words: z.number().nonnegative().default(0.5),
  /** Weight of the loss for predicting the features of `--distil` encoders. */
  distil: z.number().nonnegative().default(1),
  /** Epochs between validations, and images validated at most. */
  validateEvery: z.number().positive().default(1),
  validateImages: count.default(1000),
  beam: count.default(3),
});

export type TrainingConfig = z.infer<typeof trainingConfigSchema>;

const fileSchema = z.strictObject({
  model: captionerConfigSchema.prefault({}),
  training: trainingConfigSchema.prefault({}),
});

/**
 * Reads `{ model, training }` as a user writes it; every field has a default.
 * @throws RecaptionError `bad-config` naming the first key that is unknown or out of range.
 */
export function parseCaptionerFile(
  value: unknown,
  place: string,
): { model: CaptionerConfig; training: TrainingConfig } {
  return parseConfig(
    fileSchema,
    value ?? {},
    place,
    'docs/training.md lists every key with its range and default.',
  );
}

/** Validates against a schema. @throws RecaptionError `bad-config` naming the first key that is unknown or out of range. */
export function parseConfig<T>(schema: z.ZodType<T>, value: unknown, place: string, hint: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const keys = issue.code === 'unrecognized_keys' ? issue.keys : [];
  const path = [...issue.path, ...keys.slice(0, 1)].join('.');
  const what = keys.length > 0 ? `unknown key "${keys[0]}"` : issue.message;
  throw new RecaptionError('bad-config', `${path || 'the configuration'}: ${what}`, {
    place,
    hint,
  });
}
