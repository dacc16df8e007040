/** T5 as a text encoder: its folder, its tokenizer, and graphs for texts of a few lengths. */
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { RecaptionError } from '../../errors.ts';
import { exists } from '../../files.ts';
import { compile, input, type Program, params } from '../../tensor/index.ts';
import { loadTokenizer } from '../../text/tokenizer.ts';
import { shortName } from '../hub.ts';
import type { TextEncoder, TextEncoderOptions } from './encoder.ts';
import { t5Encode } from './t5.ts';
import { readT5Config, readT5Weights } from './t5-folder.ts';

const BATCH = 8;
/** Texts are padded to a multiple of this. */
const STRIDE = 32;

/** @throws RecaptionError `bad-model`, `bad-weights`, `bad-tokenizer` */
export async function openT5(
  path: string,
  { device = 'cpu', maxTokens = 96 }: TextEncoderOptions = {},
): Promise<TextEncoder> {
  const folder = resolve(path); // it is written down, and may be read from another folder
  const place = join(folder, 'tokenizer.json');
  if (!(await exists(place))) {
    throw new RecaptionError('bad-model', 'the T5 has no tokenizer.json', {
      place: folder,
      hint: 'A sentencepiece file (spiece.model) is not enough: take tokenizer.json from the same place as the weights.',
    });
  }
  const tokenizer = await loadTokenizer(place);
  const config = await readT5Config(folder);
  if (tokenizer.vocabSize > config.vocabulary) {
    const what = `the tokenizer has ${tokenizer.vocabSize} tokens, the network ${config.vocabulary}`;
    throw new RecaptionError('bad-model', what, {
      place: folder,
      hint: 'tokenizer.json belongs to another model.',
    });
  }
  const weights = await readT5Weights(folder, config);
  const digest = createHash('sha256').update(JSON.stringify(config));
  for (const values of weights.values()) digest.update(new Uint8Array(values.buffer, values.byteOffset, Math.min(values.byteLength, 65_536))); // biome-ignore format: one line
  const programs = new Map<number, Promise<Program<'out'>>>();
  const programFor = (length: number) => {
    let program = programs.get(length);
    if (program === undefined) {
      const out = t5Encode(
        params(),
        config,
        input('tokens', [BATCH, length], 'int32'),
        input('valid', [BATCH, length]),
      );
      program = compile({ outputs: { out }, frozen: weights, device });
      programs.set(length, program);
    }
    return program;
  };
  return {
    id: `${shortName(folder)}-${digest.digest('hex').slice(0, 12)}`,
    ref: folder,
    width: config.width,
    maxTokens,
    count: (text) => tokenizer.encode(text).length,
    async encode(texts) {
      const all = Array<Float32Array>(texts.length);
      const rows = texts.map((text) => cut(tokenizer.encode(text), maxTokens));
      // Texts of one padded length together: what a text reads as does not depend on its company.
      const lengths = Map.groupBy(
        rows.keys(),
        (i) => STRIDE * Math.ceil(Math.max(1, rows[i].length) / STRIDE),
      );
      for (const [length, places] of lengths)
        for (let at = 0; at < places.length; at += BATCH) {
          const part = places.slice(at, at + BATCH);
          const tokens = new Int32Array(BATCH * length);
          const valid = new Float32Array(BATCH * length);
          for (const [i, place] of part.entries()) {
            tokens.set(rows[place], i * length);
            valid.fill(1, i * length, i * length + rows[place].length);
          }
          const { out } = await (await programFor(length)).run({ tokens, valid });
          for (const [i, place] of part.entries()) {
            const start = i * length * config.width;
            all[place] = (out as Float32Array).slice(start, start + rows[place].length * config.width);
          }
        }
      return all;
    },
    async close() {
      for (const program of programs.values()) await (await program).dispose();
    },
  };
}

/** A text that is too long keeps its last token, which says that it ends. */
const cut = (tokens: readonly number[], most: number): readonly number[] =>
  tokens.length > most ? [...tokens.slice(0, most - 1), tokens[tokens.length - 1]] : tokens;
