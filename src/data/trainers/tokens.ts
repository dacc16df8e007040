/** Captions that a text encoder cuts. */
import type { Finding, LintOptions } from './profile.ts';

/** CLIP's text encoders: 77 tokens, two of which mark the ends. */
export const CLIP_TOKENS = 77;
/** T5 as the newer diffusion models use it. */
export const T5_TOKENS = 512;

/** English text has about so many tokens for each word, punctuation apart. */
const TOKENS_PER_WORD = 1.1;
/** And, in any script, hardly more UTF-8 bytes for each token. */
const BYTES_PER_TOKEN = 6;
const ENDS = 2;

/** A guess from words and punctuation, to within a fifth for English: which tokenizer it will be is not known here. */
export function estimateTokens(text: string): number {
  const words = text.match(/[\p{L}\p{M}\p{N}]+/gu)?.length ?? 0;
  const marks = text.match(/[^\s\p{L}\p{M}\p{N}]/gu)?.length ?? 0;
  const pieces = words * TOKENS_PER_WORD + marks;
  return Math.ceil(Math.max(pieces, Buffer.byteLength(text) / BYTES_PER_TOKEN)) + ENDS;
}

/** An error where the tokens were counted, a warning where they were estimated; `limit` holds where the options name none. */
export function overLong(
  text: string,
  place: string,
  limit: number | undefined,
  { countTokens, maxTokens }: LintOptions,
): Finding[] {
  const most = maxTokens ?? limit;
  if (most === undefined) return [];
  const tokens = (countTokens ?? estimateTokens)(text);
  if (tokens <= most) return [];
  const about = countTokens ? `${tokens} tokens` : `about ${tokens} tokens by estimate`;
  return [
    {
      place,
      trap: 'over-long',
      severity: countTokens ? 'error' : 'warning',
      message: `the caption has ${about}, and the text encoder takes ${most}: its end is cut off`,
      hint: countTokens
        ? 'Use shorter captions, or a model with a longer context (--max-tokens).'
        : 'Count exactly with --tokenizer; name another context with --max-tokens.',
    },
  ];
}
