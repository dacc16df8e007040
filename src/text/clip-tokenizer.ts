import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RecaptionError, reason } from '../errors.ts';
import { readError } from '../files.ts';
import { createTokenizer, type Tokenizer } from './tokenizer.ts';

const START = '<|startoftext|>';
const END = '<|endoftext|>';
/** Words as CLIP cuts them: contractions, letters, single digits, runs of anything else. */
const WORDS = `'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+`;

/**
 * CLIP's byte-pair tokenizer from a folder with `vocab.json` and `merges.txt`, as Stable Diffusion's `tokenizer/` has them.
 * `encode` adds the start and the end, and cuts nothing: CLIP's text encoders take 77 tokens, both included (Radford et al. 2021).
 * @throws RecaptionError `file-not-found`, `read-failed`, `bad-tokenizer`
 */
export async function loadClipTokenizer(folder: string): Promise<Tokenizer> {
  const [vocabPath, mergesPath] = [join(folder, 'vocab.json'), join(folder, 'merges.txt')];
  const [vocabText, mergesText] = await Promise.all([vocabPath, mergesPath].map(readText));
  let vocab: Record<string, number>;
  try {
    vocab = JSON.parse(vocabText) as Record<string, number>; // what it holds, createTokenizer checks
  } catch (cause) {
    throw new RecaptionError('bad-tokenizer', `the file is no valid JSON (${reason(cause)})`, {
      place: vocabPath,
      cause,
    });
  }
  const merges = mergesText.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#version'));
  const specials = [START, END].map((content) => ({ id: vocab?.[content], content, special: true }));
  const json = {
    added_tokens: specials,
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'NFC' },
        { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
        { type: 'Lowercase' },
      ],
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: WORDS }, behavior: 'Removed', invert: true },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: {
      type: 'RobertaProcessing',
      sep: [END, specials[1].id],
      cls: [START, specials[0].id],
      trim_offsets: false,
      add_prefix_space: false,
    },
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', vocab, merges, unk_token: END, end_of_word_suffix: '</w>', fuse_unk: false },
  };
  return createTokenizer(json, folder);
}

const readText = (path: string): Promise<string> =>
  readFile(path, 'utf8').catch((error) => {
    throw readError(path, error);
  });
