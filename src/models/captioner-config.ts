import { z } from 'zod';
import { CAPTION_KINDS } from '../data/sample.ts';
import { RecaptionError } from '../errors.ts';

const count = z.number().int().positive();
/** Bounds on sizes, far above any use: a broken or hostile file must not make us trace a million layers. */
const width = count.max(16_384);
const pixels = count.max(4096);
const layers = z.number().int().nonnegative().max(100);

const stageSchema = z.strictObject({
  stride: count.max(16).default(2),
  kernel: count
    .max(31)
    .refine((side) => side % 2 === 1, 'it must be odd')
    .default(3),
  channels: width,
  blocks: layers.default(1),
});

/** What a captioner sees: pixels through a network of its own, or token groups of frozen encoders. */
const visionSchema = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('patches'),
      /** Pictures are resized to size × size pixels. */
      size: pixels.default(64),
      patch: pixels.default(8),
    })
    .refine(({ size, patch }) => size % patch === 0, {
      path: ['size'],
      error: 'it must be a multiple of "patch"',
    }),
  z
    .strictObject({
      kind: z.literal('pyramid'),
      size: pixels.default(112),
      stages: z
        .array(stageSchema)
        .min(1)
        .max(10)
        .default([
          { stride: 4, kernel: 1, channels: 32, blocks: 0 },
          { stride: 1, kernel: 5, channels: 96, blocks: 0 },
          { stride: 2, kernel: 3, channels: 192, blocks: 1 },
          { stride: 2, kernel: 3, channels: 320, blocks: 1 },
        ]),
    })
    .refine(({ size, stages }) => size % stages.reduce((product, { stride }) => product * stride, 1) === 0, {
      path: ['size'],
      error: 'the product of the strides must divide it',
    }),
  z.strictObject({
    kind: z.literal('frozen'),
    /** One per output of an encoder: `tokens` vectors of `width` numbers each. */
    groups: z
      .array(z.strictObject({ encoder: z.string(), name: z.string(), tokens: count.max(65_536), width }))
      .max(100)
      .default([]),
  }),
]);

export const captionerConfigSchema = z
  .strictObject({
    vision: visionSchema.default({ kind: 'patches', size: 64, patch: 8 }),
    /** Width C of every layer. */
    width: width.default(256),
    heads: width.default(4),
    /** Transformer layers over the image tokens. */
    imageLayers: layers.default(2),
    /** Layers of the text decoder that see text alone. */
    unimodalLayers: layers.default(1),
    /** Layers of the text decoder that also attend to the image. */
    multimodalLayers: layers.min(1).default(3),
    vocabulary: count.max(1_000_000).default(3000),
    /** Longest caption in tokens, the end included; longer ones are cut. */
    maxTokens: count.max(512).default(32),
    dropout: z.number().min(0).max(0.9).default(0.1),
    /** Share of the tokens, of picture and caption, that are blanked whole while training. */
    tokenDropout: z.number().min(0).max(0.9).default(0),
    labelSmoothing: z.number().min(0).max(0.9).default(0.1),
    /** λ of the contrastive loss beside 1 for captioning. CoCa gives 1 : 2. */
    contrastive: z.number().nonnegative().default(0.5),
    /** Let each word read the image where it is said (see `training.words`). */
    grounded: z.boolean().default(false),
    /** Kind of caption that it writes. */
    kind: z.enum(CAPTION_KINDS).default('human'),
    /** How it is asked where a request says nothing else. */
    decode: z
      .strictObject({
        beam: count.max(64).optional(),
        minTokens: z.number().int().nonnegative().max(512).optional(),
        noRepeatNgram: z.number().int().nonnegative().max(20).optional(),
      })
      .default({}),
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
  /** Learning rate of vision trained here, in multiples of `learningRate`; at 0 it stays as it is (with `--init`). */
  visionRate: z.number().nonnegative().default(1),
  warmup: z.number().int().nonnegative().default(200),
  /** After the warm-up: half a cosine down to 0, or the peak to the end. */
  schedule: z.enum(['cosine', 'constant']).default('cosine'),
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
  /**
   * Captions drawn of each image and rewarded by CIDEr-D against the written ones, which then are not learnt themselves; 0 learns
   * the written ones. For a captioner that can caption already (`--init`).
   */
  selfCritical: z
    .number()
    .int()
    .max(100)
    .refine(
      (count) => count === 0 || count >= 2,
      'it must be 0, or 2 and more: each is compared with the others',
    )
    .default(0),
  /** At which these are drawn: below 1 the words that a smoothed captioner thinks barely possible are hardly ever. */
  temperature: z.number().positive().max(10).default(0.7),
  /** Random crop of trained vision: the smallest share of the area kept; 1 never crops. */
  minCrop: z.number().min(0.1).max(1).default(1),
  /** Random change of brightness and colour balance for trained vision, as a share. */
  colourJitter: z.number().min(0).max(1).default(0),
  /** Weight of the loss for naming the captions' words cell by cell; vision trained here only. */
  words: z.number().nonnegative().default(0.5),
  /** Weight of the loss for naming what samples say of boxes (`meta.graph`) in the cells of these; vision trained here only. */
  regions: z.number().nonnegative().default(0),
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
export function parseConfig<T>(
  schema: z.ZodType<T>,
  value: unknown,
  place: string,
  hint: string,
  code = 'bad-config',
): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const keys = issue.code === 'unrecognized_keys' ? issue.keys : [];
  const path = [...issue.path, ...keys.slice(0, 1)].join('.');
  const what = keys.length > 0 ? `unknown key "${keys[0]}"` : issue.message;
  throw new RecaptionError(code, `${path || 'the configuration'}: ${what}`, {
    place,
    hint,
  });
}
