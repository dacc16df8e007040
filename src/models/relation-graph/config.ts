import { z } from 'zod';

const count = z.number().int().positive();

/** A feature map that regions are described by. */
const mapSchema = z.strictObject({
  encoder: z.string(),
  name: z.string(),
  tokens: count.max(65_536),
  width: count.max(16_384),
  grid: z.strictObject({
    side: count.max(256),
    lead: z.number().int().nonnegative(),
    fit: z.enum(['fill', 'letterbox', 'crop']),
  }),
});
export type MapConfig = z.infer<typeof mapSchema>;

/** What regions are to a network: how many, what they may be called, where their features come from. */
export const regionsConfigSchema = z.strictObject({
  /** Regions N of a picture at most. */
  most: count.max(200).default(16),
  /** Labels that a region may have; a region without one is 0, so the table has one row more. */
  labels: z.number().int().nonnegative().max(100_000).default(0),
  maps: z.array(mapSchema).max(20).default([]),
});
export type RegionsConfig = z.infer<typeof regionsConfigSchema>;

export const relationConfigSchema = z.strictObject({
  regions: regionsConfigSchema.prefault({}),
  predicates: z.number().int().nonnegative().max(10_000).default(0),
  /** Pairs of labels that have a prior of their own; row 0 is that of all others. */
  priors: z.number().int().nonnegative().max(1_000_000).default(0),
  /** Width of a pair. */
  width: count.max(4096).default(128),
  labelWidth: count.max(1024).default(32),
  dropout: z.number().min(0).max(0.9).default(0.2),
});
export type RelationConfig = z.infer<typeof relationConfigSchema>;
