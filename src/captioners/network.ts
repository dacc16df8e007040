import { z } from 'zod';
import type { CaptionKind } from '../data/sample.ts';
import type { CaptionDecoder } from '../models/caption-decoder.ts';
import { type CaptionerConfig, parseConfig } from '../models/captioner-config.ts';
import { DECODE_DEFAULTS, type DecodeOptions } from '../models/search.ts';
import type { Arrays } from '../tensor/index.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { CaptionRequest, CaptionResult } from './captioner.ts';

const REQUEST_HINT = 'The fields and their ranges: CaptionRequest.';

export interface Written extends CaptionResult {
  /** Without begin and end. */
  tokens: number[];
}

/** A captioner's network with its tokenizer: image inputs in, texts out. */
export interface CaptionNetwork {
  kind: CaptionKind;
  batch: number;
  write(images: Arrays, count: number, request?: CaptionRequest, seeds?: number[]): Promise<Written[]>;
  dispose(): Promise<void>;
}

export const specialTokens = (tokenizer: Tokenizer) => ({
  bos: tokenizer.specialId('<bos>'),
  eos: tokenizer.specialId('<eos>'),
  never: ['<pad>', '<bos>', '<unk>'].map((token) => tokenizer.specialId(token)),
});

/** @param asked the kind of its captions, and how it is asked where a request says nothing else */
export function captionNetwork(
  decoder: CaptionDecoder,
  asked: Pick<CaptionerConfig, 'kind' | 'decode'>,
  tokenizer: Tokenizer,
): CaptionNetwork {
  return {
    kind: asked.kind,
    batch: decoder.batch,
    async write(images, count, request = {}, seeds) {
      const decoded = await decoder.decode(images, count, decodeOptions(request, asked), seeds);
      return decoded.map(({ tokens, score }) => ({ text: tokenizer.decode(tokens).trim(), score, tokens }));
    },
    dispose: () => decoder.dispose(),
  };
}

const requestSchema = z
  .strictObject({
    beam: z.int().min(1),
    maxTokens: z.int().min(1),
    minTokens: z.int().min(0),
    temperature: z.number().min(0),
    topP: z.number().positive().max(1),
    noRepeatNgram: z.int().min(0),
    seed: z.int(),
    explain: z.boolean(),
  })
  .partial();

/** Descriptions name the same thing again and again: "the red circle is at the top. the red circle is above …". */
const REPETITION: Partial<Record<CaptionKind, number>> = { descriptive: 0 };

/** A request with every field filled. @throws RecaptionError `bad-config` naming the field that is unknown or out of range. */
function decodeOptions(
  request: CaptionRequest,
  { kind, decode }: Pick<CaptionerConfig, 'kind' | 'decode'>,
): DecodeOptions {
  const {
    seed: _,
    explain: __,
    ...checked
  } = parseConfig(requestSchema, request, 'the caption request', REQUEST_HINT);
  const given = Object.fromEntries(Object.entries(checked).filter(([, value]) => value !== undefined));
  const noRepeatNgram = REPETITION[kind] ?? DECODE_DEFAULTS.noRepeatNgram;
  return { ...DECODE_DEFAULTS, noRepeatNgram, ...decode, ...given };
}
