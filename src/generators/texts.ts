/** Prompts as the network reads them. */
import { RecaptionError } from '../errors.ts';
import type { DiffusionConfig } from '../models/diffusion-transformer/config.ts';
import { type Conditions, encodeText } from '../models/diffusion-transformer/transformer.ts';
import { type Arrays, input, type Params } from '../tensor/index.ts';
import type { Tokenizer } from '../text/tokenizer.ts';

/** Inputs of the network for texts, through the encoder that is trained with it: `tokens` (B, T) int32 and `valid` (B, T). */
export function wordInputs(p: Params, c: DiffusionConfig, batch: number): Conditions {
  const length = c.text.maxTokens;
  const valid = input('valid', [batch, length]);
  const text = encodeText(p.at('text'), c, input('tokens', [batch, length], 'int32'), valid);
  return { words: { text, valid } };
}

/** Token lists as rows of these inputs; an empty one is a picture without words. */
export function packTokens(rows: readonly (readonly number[])[], length: number): Arrays {
  const tokens = new Int32Array(rows.length * length);
  const valid = new Float32Array(rows.length * length);
  for (const [i, row] of rows.entries())
    for (const [j, token] of row.slice(0, length).entries()) {
      tokens[i * length + j] = token;
      valid[i * length + j] = 1;
    }
  return { tokens, valid };
}

/** @throws RecaptionError `prompt-empty`, `prompt-too-long` */
export function promptTokens(prompt: string, tokenizer: Tokenizer, length: number): number[] {
  if (prompt.trim() === '') {
    throw new RecaptionError('prompt-empty', 'the prompt is empty', {
      hint: 'Say what is to be drawn, such as "a red circle on a white background".',
    });
  }
  const tokens = tokenizer.encode(prompt);
  if (tokens.length <= length) return tokens;
  throw new RecaptionError(
    'prompt-too-long',
    `the prompt has ${tokens.length} tokens, this generator reads ${length}`,
    {
      place: prompt.length > 60 ? `${prompt.slice(0, 60)}…` : prompt,
      hint: 'Shorten it: what is beyond would be left out without a word.',
    },
  );
}
