/** What the network reads: tokens through an encoder of its own, or the vectors of a frozen one. */
import { createHash } from 'node:crypto';
import type { RecordCache } from '../data/index.ts';
import { RecaptionError } from '../errors.ts';
import type { DiffusionConfig } from '../models/diffusion-transformer/config.ts';
import { type Conditions, encodeText } from '../models/diffusion-transformer/transformer.ts';
import type { TextEncoder } from '../models/text-encoder/encoder.ts';
import { cacheOf } from '../models/training/prepare.ts';
import { toHalf } from '../tensor/half.ts';
import {
  type Arrays,
  allocate,
  concat,
  constant,
  input,
  type Params,
  sizeOf,
  type Tensor,
} from '../tensor/index.ts';
import type { Tokenizer } from '../text/tokenizer.ts';

/** A text as it is fed: tokens, or float16 vectors one after the other. None of either is a picture without words. */
export type Reading = { tokens: readonly number[] } | { vectors: Uint16Array };

export const WORDLESS: Reading = { tokens: [] };

export interface Words {
  /** Name of a frozen encoder. */
  encoder?: string;
  /** Length of a text in tokens. */
  count(text: string): number;
  /** @param texts none longer than the network reads; what is beyond is cut */
  read(texts: readonly string[]): Promise<Reading[]>;
}

/** The network's own encoder. */
export const ownWords = (tokenizer: Tokenizer): Words => ({
  count: (text) => tokenizer.encode(text).length,
  read: async (texts) => texts.map((text) => ({ tokens: tokenizer.encode(text) })),
});

/** A frozen encoder; what it has read once is remembered on disk, by the text's hash. */
export function frozenWords(encoder: TextEncoder, cache?: RecordCache): Words {
  const numbers = encoder.maxTokens * encoder.width;
  return {
    encoder: encoder.id,
    count: encoder.count,
    async read(texts) {
      const names = texts.map((text) => createHash('sha256').update(text).digest('hex').slice(0, 32));
      const missing = [...new Set(texts.filter((_, i) => cache === undefined || !cache.has(names[i])))];
      const fresh = new Map<string, Uint16Array>();
      for (const [i, vectors] of (await encoder.encode(missing)).entries())
        fresh.set(missing[i], toHalf(vectors));
      if (cache)
        await cache.append(
          [...fresh].map(([text, vectors]) => {
            const record = new Uint16Array(2 + numbers); // its length in numbers, then itself
            new Uint32Array(record.buffer, 0, 1)[0] = vectors.length;
            record.set(vectors, 2);
            return [names[texts.indexOf(text)], new Uint8Array(record.buffer)] as const;
          }),
        );
      if (!cache) return texts.map((text) => ({ vectors: fresh.get(text)! }));
      return names.map((name) => ({
        // Read when it is wanted: all texts of a large collection would not fit into memory.
        get vectors() {
          const record = new Uint16Array(2 + numbers);
          cache.readInto(name, new Uint8Array(record.buffer));
          return record.subarray(2, 2 + new Uint32Array(record.buffer, 0, 1)[0]);
        },
      }));
    },
  };
}

export const wordCache = (encoder: TextEncoder): Promise<RecordCache> =>
  cacheOf('texts', `${encoder.id}-${encoder.maxTokens}`, 2 * (2 + encoder.maxTokens * encoder.width));

/** Graph inputs for texts: `valid` (B, T), and `tokens` (B, T) int32 or `text` (B, T, width) float16. */
export interface WordTensors {
  given: Tensor;
  valid: Tensor;
}

export function wordTensors({ text: c }: DiffusionConfig, batch: number): WordTensors {
  const valid = input('valid', [batch, c.maxTokens]);
  const given =
    c.layers === 0
      ? input('text', [batch, c.maxTokens, c.width], 'float16')
      : input('tokens', [batch, c.maxTokens], 'int32');
  return { given, valid };
}

/** Texts as the network is told them, through its own encoder where it has one. */
export function readWords(p: Params, c: DiffusionConfig, { given, valid }: WordTensors): Conditions {
  if (c.text.layers === 0) return { words: { text: given.cast('float32'), valid } };
  return { words: { text: encodeText(p.at('text'), c, given, valid), valid } };
}

export const wordInputs = (p: Params, c: DiffusionConfig, batch: number): Conditions =>
  readWords(p, c, wordTensors(c, batch));

/** As many rows without words after those that are given. */
export function andWordless({ given, valid }: WordTensors): WordTensors {
  const none = (x: Tensor) => constant(allocate(x.dtype, sizeOf(x.shape)), x.shape, x.dtype);
  return { given: concat([given, none(given)], 0), valid: concat([valid, none(valid)], 0) };
}

/** Readings as rows of these inputs. */
export function feedWords(rows: readonly Reading[], { text: c }: DiffusionConfig): Arrays {
  const { maxTokens: length, width } = c;
  const valid = new Float32Array(rows.length * length);
  if (c.layers === 0) {
    const text = new Uint16Array(rows.length * length * width);
    for (const [i, row] of rows.entries()) {
      const vectors = 'vectors' in row ? row.vectors.subarray(0, length * width) : new Uint16Array();
      text.set(vectors, i * length * width);
      valid.fill(1, i * length, i * length + vectors.length / width);
    }
    return { text, valid };
  }
  const tokens = new Int32Array(rows.length * length);
  for (const [i, row] of rows.entries()) {
    const own = 'tokens' in row ? row.tokens.slice(0, length) : [];
    tokens.set(own, i * length);
    valid.fill(1, i * length, i * length + own.length);
  }
  return { tokens, valid };
}

/** @throws RecaptionError `prompt-empty`, `prompt-too-long` */
export function checkPrompt(prompt: string, words: Words, length: number): void {
  if (prompt.trim() === '') {
    throw new RecaptionError('prompt-empty', 'the prompt is empty', {
      hint: 'Say what is to be drawn, such as "a red circle on a white background".',
    });
  }
  const count = words.count(prompt);
  if (count <= length) return;
  throw new RecaptionError(
    'prompt-too-long',
    `the prompt has ${count} tokens, this generator reads ${length}`,
    {
      place: prompt.length > 60 ? `${prompt.slice(0, 60)}…` : prompt,
      hint: 'Shorten it: what is beyond would be left out without a word.',
    },
  );
}
