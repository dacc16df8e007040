/** T5 as a text encoder: its folder, its tokenizer, and graphs for texts of a few lengths. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
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
  folder: string,
  { device = 'cpu', maxTokens = 96 }: TextEncoderOptions = {},
): Promise<TextEncoder> {
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
      const all: Float32Array[] = [];
      for (let at = 0; at < texts.length; at += BATCH) {
        const rows = texts.slice(at, at + BATCH).map((text) => tokenizer.encode(text).slice(0, maxTokens));
        const length = STRIDE * Math.ceil(Math.max(...rows.map((row) => row.length)) / STRIDE);
        const tokens = new Int32Array(BATCH * length);
        const valid = new Float32Array(BATCH * length);
        for (const [i, row] of rows.entries()) {
          tokens.set(row, i * length);
          valid.fill(1, i * length, i * length + row.length);
        }
        const { out } = await (await programFor(length)).run({ tokens, valid });
        for (const [i, row] of rows.entries()) {
          const start = i * length * config.width;
          all.push((out as Float32Array).slice(start, start + row.length * config.width));
        }
      }
      return all;
    },
    async close() {
      for (const program of programs.values()) await (await program).dispose();
    },
  };
}
