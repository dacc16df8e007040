/** What a generator's config.json and a user's configuration file hold. */
import { z } from 'zod';
import { parseConfig } from '../models/captioner-config.ts';
import { diffusionConfigSchema } from '../models/diffusion-transformer/config.ts';
import { SAMPLERS } from '../models/diffusion-transformer/solve.ts';

const count = z.number().int().positive();

/** How it draws where nobody says otherwise. */
export const drawSchema = z.strictObject({
  steps: count.max(1000).default(30),
  guidance: z.number().min(0).max(100).default(3),
  sampler: z.enum(SAMPLERS).default('euler'),
  shift: z.number().positive().max(100).default(2),
});

export const generatorTrainingSchema = z.strictObject({
  /** Pictures in a step, and noised forms of each: with the same caption, which is then read but once. */
  batch: count.max(65_536).default(32),
  draws: count.max(64).default(2),
  /** Peak of the schedule. */
  learningRate: z.number().positive().default(2e-3),
  warmup: z.number().int().nonnegative().default(100),
  schedule: z.enum(['cosine', 'trapezoid', 'constant']).default('cosine'),
  weightDecay: z.number().nonnegative().default(0.01),
  clip: z.number().nonnegative().default(1),
  ema: z.number().min(0).max(0.99999).default(0.998),
  accumulate: count.default(1),
  epochs: z.number().positive().default(20),
  /** Share of the captions that are left out, so that it learns to draw without words too: what guidance goes away from. */
  captionDropout: z.number().min(0).max(1).default(0.07),
  /** Of the logit of the times: a higher mean asks for more noise, where the layout is decided. */
  timeMean: z.number().min(-10).max(10).default(0.8),
  timeDeviation: z.number().positive().max(10).default(1.3),
  /** Steps between validations, which also draw the preview; images validated at most. */
  validateEvery: count.default(500),
  validateImages: count.default(256),
  /** Keep the averaged weights of every validation, to see how it came about. */
  snapshots: z.boolean().default(false),
  /** Prompts of the preview. */
  previews: z.number().int().min(0).max(64).default(16),
});
export type GeneratorTraining = z.infer<typeof generatorTrainingSchema>;

export const generatorConfigSchema = z.strictObject({
  model: diffusionConfigSchema.prefault({}),
  training: generatorTrainingSchema.prefault({}),
  draw: drawSchema.prefault({}),
});
export type GeneratorFile = z.infer<typeof generatorConfigSchema>;

/** Reads `{ model, training, draw }` as a user writes it. @throws RecaptionError `bad-config` naming the key that is wrong */
export const parseGeneratorFile = (value: unknown, place: string): GeneratorFile =>
  parseConfig(
    generatorConfigSchema,
    value ?? {},
    place,
    'docs/generating.md lists every key with its range and default.',
  );
