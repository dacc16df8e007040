import { z } from 'zod';

const count = z.number().int().positive();
const perChannel = z.tuple([z.number(), z.number(), z.number()]);

export const HEADS = ['yolox', 'fastestdet'] as const;

/** How to feed an ONNX vision model and what to take from it: the small JSON beside the model. */
export const descriptionSchema = z.strictObject({
  about: z.string().optional(),
  /** The ONNX file, relative to this description. Default: the same name, `.onnx`. */
  model: z.string().optional(),
  input: z.strictObject({
    name: z.string(),
    /** Side of the square input in pixels. */
    size: count,
    /** `fill` changes the aspect ratio, `letterbox` keeps it and pads. */
    fit: z.enum(['fill', 'letterbox']).default('fill'),
    /** Grey level of the letterbox, 0–255. */
    fill: z.number().min(0).max(255).default(128),
    order: z.enum(['rgb', 'bgr']).default('rgb'),
    /** value = (pixel − mean) / std, in units of 0–255. */
    mean: perChannel.default([0, 0, 0]),
    std: perChannel.default([255, 255, 255]),
  }),
  outputs: z
    .array(
      z.discriminatedUnion('kind', [
        /** A feature map (N, channels, side, side): side² tokens. */
        z.strictObject({
          kind: z.literal('grid'),
          name: z.string(),
          tensor: z.string(),
          side: count,
          channels: count,
        }),
        /** A matrix (N, tokens, width), or (N, width) for one token. */
        z.strictObject({
          kind: z.literal('tokens'),
          name: z.string(),
          tensor: z.string(),
          tokens: count,
          width: count,
        }),
        /** The strongest detections of a one-stage head, one token each: class probabilities, score, box, features of the cell. */
        z.strictObject({
          kind: z.literal('detections'),
          name: z.string(),
          /** How the numbers of a cell are read; see `decodeDetections`. */
          head: z.enum(HEADS).default('yolox'),
          levels: z
            .array(z.strictObject({ tensor: z.string(), features: z.string().optional(), stride: count }))
            .min(1),
          classes: count,
          /** Names of the classes, or the file with one a line beside the model. */
          labels: z.union([z.string(), z.array(z.string().min(1))]).default('labels.txt'),
          features: z.number().int().nonnegative().default(0),
          count,
          threshold: z.number().min(0).max(1),
          overlap: z.number().min(0).max(1),
        }),
      ]),
    )
    .min(1),
});

export type Description = z.infer<typeof descriptionSchema>;
export type DetectionOutput = Extract<Description['outputs'][number], { kind: 'detections' }>;
