import { type CaptionerConfig, captionerConfigSchema } from '../../src/models/captioner-config.ts';

/** The captioner of the Flickr8k figures, and what is asked of it. */
export const DECODE_SIZES = {
  width: 256,
  heads: 4,
  imageLayers: 2,
  unimodalLayers: 1,
  multimodalLayers: 3,
  vocabulary: 3000,
  maxTokens: 32,
  /** Token groups of the frozen encoders: 161 tokens an image. */
  groups: [
    { name: 'mobilenet', tokens: 49, width: 1280 },
    { name: 'yolox', tokens: 100, width: 256 },
    { name: 'detections', tokens: 12, width: 149 },
  ],
  batch: 32,
  /** Tokens written for every image. */
  tokens: 20,
  threads: 2,
};
export type DecodeSizes = typeof DECODE_SIZES;

/** The first four tokens are padding, begin, end and unknown; the peer forbids the same. */
export const SPECIAL = { bos: 1, eos: 2, never: [0, 1, 3] };

export function decodeConfig({
  groups,
  batch: _b,
  tokens: _t,
  threads: _n,
  ...model
}: DecodeSizes): CaptionerConfig {
  const frozen = groups.map((group) => ({ encoder: 'random', ...group }));
  return captionerConfigSchema.parse({ ...model, vision: { kind: 'frozen', groups: frozen } });
}
