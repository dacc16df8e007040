import type { CaptionKind } from '../data/sample.ts';
import {
  type CaptionDecoder,
  captionDecoder,
  DECODE_DEFAULTS,
  type DecodeOptions,
} from '../models/caption-decoder.ts';
import type { CaptionerConfig } from '../models/captioner-config.ts';
import type { Arrays, Device, Weights } from '../tensor/index.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { CaptionRequest, CaptionResult } from './captioner.ts';

/** A captioner's network with its tokenizer: image inputs in, texts out. */
export interface CaptionNetwork {
  kind: CaptionKind;
  batch: number;
  write(images: Arrays, count: number, request?: CaptionRequest, seeds?: number[]): Promise<CaptionResult[]>;
  dispose(): Promise<void>;
}

export const specialTokens = (tokenizer: Tokenizer) => ({
  bos: tokenizer.specialId('<bos>'),
  eos: tokenizer.specialId('<eos>'),
  never: ['<pad>', '<bos>', '<unk>'].map((token) => tokenizer.specialId(token)),
});

export async function captionNetwork(
  config: CaptionerConfig,
  weights: Weights,
  tokenizer: Tokenizer,
  options: { batch: number; device?: Device },
): Promise<CaptionNetwork> {
  const decoder: CaptionDecoder = await captionDecoder(config, weights, specialTokens(tokenizer), options);
  return {
    kind: config.kind,
    batch: decoder.batch,
    async write(images, count, request = {}, seeds) {
      const decoded = await decoder.decode(images, count, decodeOptions(request), seeds);
      return decoded.map(({ tokens, score }) => ({ text: tokenizer.decode(tokens).trim(), score }));
    },
    dispose: () => decoder.dispose(),
  };
}

/** A request with every field filled. */
export function decodeOptions({ seed: _, ...request }: CaptionRequest): DecodeOptions {
  const given = Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
  return { ...DECODE_DEFAULTS, ...given };
}
