import { z } from 'zod';

const count = z.number().int().positive();

/** Sizes of a diffusion transformer and of the text encoder that is trained with it. */
export const diffusionConfigSchema = z
  .strictObject({
    /** Side of the square picture or latent, and its channels. */
    size: count.max(1024).default(48),
    channels: count.max(256).default(3),
    /** Side of a patch; every patch is a token. */
    patch: count.max(64).default(8),
    width: count.max(16_384).default(192),
    layers: z.number().int().min(1).max(100).default(6),
    heads: count.max(1024).default(4),
    /** Hidden width of the feed-forward layers, in multiples of `width`. */
    ratio: z.number().min(0.5).max(16).default(4),
    /** How pictures become noise: along a straight way, or by the cosine schedule of DDPM. */
    process: z.enum(['flow', 'ddpm']).default('flow'),
    /** What the network predicts of a noised picture: the way from picture to noise, the picture, or the noise. */
    prediction: z.enum(['velocity', 'sample', 'noise']).default('sample'),
    /** How much an error counts at each time: as one of the velocity, or at most five times as much as the noise is weaker (min-SNR). */
    weighting: z.enum(['velocity', 'min-snr']).default('velocity'),
    /**
     * Least factor on a noised picture as it is shown to the network. 0: pure noise is not shown at all, as it says nothing; a model
     * that is to draw in one step must see it.
     */
    leastInput: z.number().min(0).max(1).default(0),
    text: z
      .strictObject({
        /** Width of the text's vectors: of an encoder that is given, or of the one trained here. */
        width: count.max(16_384).default(128),
        /** Layers of the encoder trained here; 0 means that vectors are given. */
        layers: z.number().int().min(0).max(48).default(2),
        heads: count.max(1024).default(4),
        /** Every layer of the encoder trained here reads so many tokens on either side of each before it attends to all. */
        window: z.number().int().min(0).max(16).default(3),
        vocabulary: count.max(1_000_000).default(1000),
        maxTokens: count.max(1024).default(96),
      })
      .prefault({}),
    /** Channels of what is laid over the picture, patch by patch: a latent to be decoded. 0: nothing. */
    overlay: z.number().int().min(0).max(65_536).default(0),
  })
  .refine(({ size, patch }) => size % patch === 0, { path: ['patch'], error: 'it must divide "size"' })
  .refine(({ width, heads }) => width % heads === 0 && (width / heads) % 4 === 0, {
    path: ['heads'],
    error: 'it must divide "width" into heads whose width is a multiple of 4',
  })
  .refine(({ text }) => text.width % text.heads === 0, {
    path: ['text', 'heads'],
    error: 'it must divide "text.width"',
  });

export type DiffusionConfig = z.infer<typeof diffusionConfigSchema>;

/** Sizes by name: `nano` trains in minutes on two cores, `XL/2` is the largest of Peebles and Xie (2023). */
export const DIFFUSION_SIZES = {
  nano: { width: 192, layers: 6, heads: 4 },
  'S/2': { width: 384, layers: 12, heads: 6, patch: 2 },
  'B/2': { width: 768, layers: 12, heads: 12, patch: 2 },
  'L/2': { width: 1024, layers: 24, heads: 16, patch: 2 },
  'XL/2': { width: 1152, layers: 28, heads: 16, patch: 2 },
} as const;
