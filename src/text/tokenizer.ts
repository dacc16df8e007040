import { readFile } from 'node:fs/promises';
import { Tokenizer as Library } from '@huggingface/tokenizers';
import { z } from 'zod';
import { RecaptionError, reason } from '../errors.ts';
import { readError } from '../files.ts';

export interface Tokenizer {
  /** One more than the largest id. */
  readonly vocabSize: number;
  /**
   * Ids of a text, with what the tokenizer's own post-processor adds (T5: 1 at the end; those trained here: nothing).
   * A text that spells a special token is still text: no caption can end itself.
   */
  encode(text: string): number[];
  /** Text of ids; special tokens and ids that do not exist are left out. */
  decode(ids: Iterable<number>): string;
  /** @throws RecaptionError `bad-tokenizer` when there is no such special token. */
  specialId(token: string): number;
  /** The `tokenizer.json` object it was made from. */
  toJSON(): unknown;
}

/** Above any vocabulary there is; a damaged id must not make a model allocate gigabytes. */
const MAX_ID = 10_000_000;
const id = z.int().min(0).max(MAX_ID);
const schema = z.looseObject({
  added_tokens: z
    .array(z.looseObject({ id, content: z.string().min(1), special: z.boolean().optional() }))
    .nullish()
    .transform((tokens) => tokens ?? []),
  normalizer: z.unknown().default(null),
  pre_tokenizer: z.unknown().default(null),
  post_processor: z.unknown().default(null),
  decoder: z.unknown().default(null),
  model: z.looseObject({
    type: z.string().optional(),
    // Checked, but taken as it is: a rebuilt object could lose a token called "__proto__".
    vocab: z.custom<Record<string, number> | [string, number][]>(isVocabulary, 'is no vocabulary'),
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])).optional(),
  }),
});

/**
 * Reads a Hugging Face `tokenizer.json`.
 * @throws RecaptionError `file-not-found`, `read-failed`, `bad-tokenizer`.
 */
export async function loadTokenizer(path: string): Promise<Tokenizer> {
  const text = await readFile(path, 'utf8').catch((error) => {
    throw readError(path, error);
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw bad(`the file is no valid JSON (${reason(cause)})`, path, cause);
  }
  return createTokenizer(json, path);
}

/**
 * A tokenizer from the content of a `tokenizer.json`. `place` is the name used in errors.
 * @throws RecaptionError `bad-tokenizer`.
 */
export function createTokenizer(json: unknown, place = 'tokenizer.json'): Tokenizer {
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0];
    throw bad(`${path.join('.') || 'the content'}: ${message}`, place);
  }
  const { added_tokens: added, model } = parsed.data;
  const vocab = new Map(
    Array.isArray(model.vocab) ? model.vocab.map(([token], i) => [token, i]) : Object.entries(model.vocab),
  );
  const specials = new Map(added.filter(({ special }) => special).map(({ content, id }) => [content, id]));
  const specialIds = new Set(specials.values());
  const known = new Set([...vocab.values(), ...added.map(({ id }) => id)]);
  let vocabSize = 0;
  for (const id of known) vocabSize = Math.max(vocabSize, id + 1);

  let library: Library;
  try {
    // The library looks for added tokens in every text. Special ones that the vocabulary has are kept from it.
    const searched = added.filter(({ content, id }) => !specials.has(content) || vocab.get(content) !== id);
    library = new Library({ ...parsed.data, added_tokens: searched }, {});
    library.encode('a');
  } catch (cause) {
    throw bad(`it cannot be used (${reason(cause)})`, place, cause);
  }

  return {
    vocabSize,
    encode: (text) => library.encode(text).ids,
    decode(ids) {
      const shown = [...ids].filter((id) => known.has(id) && !specialIds.has(id));
      return shown.length === 0 ? '' : library.decode(shown, { clean_up_tokenization_spaces: false });
    },
    specialId(token) {
      const id = specials.get(token);
      if (id === undefined) throw bad(`it has no special token ${JSON.stringify(token)}`, place);
      return id;
    },
    toJSON: () => json,
  };
}

function isVocabulary(value: unknown): boolean {
  if (Array.isArray(value)) {
    return value.every(
      (item) => Array.isArray(item) && typeof item[0] === 'string' && Number.isFinite(item[1]),
    );
  }
  if (typeof value !== 'object' || value === null) return false;
  const ids = Object.values(value);
  return (
    ids.every((id) => Number.isInteger(id) && id >= 0 && id <= MAX_ID) && new Set(ids).size === ids.length
  );
}

function bad(message: string, place: string, cause?: unknown): RecaptionError {
  return new RecaptionError('bad-tokenizer', message, {
    place,
    hint: 'A Hugging Face tokenizer.json is expected; the one in a model folder was written with the model.',
    cause,
  });
}
