import { UsageError } from '../errors.ts';
import { BYTE_CHARACTERS, splitPieces } from './byte-level.ts';

export interface BpeOptions {
  /** Size of the whole vocabulary: special tokens, the 256 bytes, and what is learnt. Fewer when the text gives no more. */
  vocabSize: number;
  /** A pair of tokens is merged only if it occurs at least this often. */
  minFrequency?: number;
  lowercase?: boolean;
  /** They get the first ids, in this order. */
  specialTokens?: readonly string[];
}

/** The content of a Hugging Face `tokenizer.json`, as far as Recaption writes one. */
export interface TokenizerJson {
  version: '1.0';
  truncation: null;
  padding: null;
  added_tokens: {
    id: number;
    content: string;
    single_word: boolean;
    lstrip: boolean;
    rstrip: boolean;
    normalized: boolean;
    special: boolean;
  }[];
  normalizer: object;
  pre_tokenizer: object;
  post_processor: null;
  decoder: object;
  model: {
    type: 'BPE';
    vocab: Record<string, number>;
    merges: [string, string][];
    [setting: string]: unknown;
  };
}

export const SPECIAL_TOKENS = ['<pad>', '<bos>', '<eos>', '<unk>'] as const;

/**
 * Learns a byte-pair encoding (Sennrich, Haddow, Birch 2016): again and again the most frequent pair of neighbouring
 * tokens becomes one. It works on bytes, so no text is unknown, and decoding what was encoded gives the text back after
 * NFC normalisation (and lower-casing). Of equally frequent pairs the one with the smaller ids is merged first, so the
 * result depends on nothing but the texts and the options.
 * @throws UsageError when `vocabSize` has no room for the special tokens and the bytes.
 */
export function trainBpe(texts: Iterable<string>, options: BpeOptions): TokenizerJson {
  const { vocabSize, minFrequency = 2, lowercase = true, specialTokens = SPECIAL_TOKENS } = options;
  const smallest = specialTokens.length + BYTE_CHARACTERS.length;
  if (!Number.isSafeInteger(vocabSize) || vocabSize < smallest) {
    throw new UsageError(`a vocabulary of ${vocabSize} is too small`, {
      hint: `${specialTokens.length} special tokens and 256 bytes need at least ${smallest}.`,
    });
  }
  const tokens = [...specialTokens, ...[...BYTE_CHARACTERS].sort()];
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const reserved = new Set<string>(specialTokens);
  const words = countWords(texts, lowercase, ids);
  const pairs = new PairQueue(words, Math.max(1, minFrequency));
  const merges: [string, string][] = [];

  for (let pair = pairs.next(); pair && tokens.length < vocabSize; pair = pairs.next()) {
    const [left, right] = pair;
    const merged = tokens[left] + tokens[right];
    if (reserved.has(merged)) continue;
    let id = ids.get(merged); // two ways of merging may spell the same token
    if (id === undefined) {
      id = tokens.push(merged) - 1;
      ids.set(merged, id);
    }
    merges.push([tokens[left], tokens[right]]);
    pairs.merge(left, right, id);
  }
  return tokenizerJson(ids, merges, lowercase, specialTokens);
}

interface Word {
  symbols: number[];
  count: number;
}

/** Longer runs of letters or signs are no words; nothing is learnt from them, and they would take very long. */
const LONGEST_PIECE = 256;

/** The distinct pieces of all texts as byte tokens, with how often each occurs. */
function countWords(texts: Iterable<string>, lowercase: boolean, ids: Map<string, number>): Word[] {
  const counts = new Map<string, number>();
  for (const text of texts) {
    const normal = lowercase ? text.normalize('NFC').toLowerCase() : text.normalize('NFC');
    for (const piece of splitPieces(normal)) {
      if (piece.length <= LONGEST_PIECE) counts.set(piece, (counts.get(piece) ?? 0) + 1);
    }
  }
  const byteIds = BYTE_CHARACTERS.map((character) => ids.get(character)!);
  const encoder = new TextEncoder();
  return [...counts].map(([piece, count]) => ({
    symbols: Array.from(encoder.encode(piece), (byte) => byteIds[byte]),
    count,
  }));
}

/** Two ids in one safe integer, ordered as the pairs are. */
const RADIX = 2 ** 26;

/**
 * Counts of neighbouring pairs, kept up to date while words change, and the most frequent one on top. The heap holds
 * old counts too: an entry is believed only when it still agrees with the count.
 */
class PairQueue {
  readonly #words: Word[];
  readonly #minimum: number;
  readonly #counts = new Map<number, number>();
  readonly #wordsWith = new Map<number, Set<number>>();
  readonly #heap: { key: number; count: number }[] = [];

  constructor(words: Word[], minimum: number) {
    this.#words = words;
    this.#minimum = minimum;
    for (let w = 0; w < words.length; w++) this.#count(w, 1);
    for (const key of this.#counts.keys()) this.#push(key);
  }

  /** Takes the most frequent pair off the queue. */
  next(): [number, number] | undefined {
    for (let top = this.#pop(); top; top = this.#pop()) {
      const count = this.#counts.get(top.key) ?? 0;
      if (count === top.count) return [Math.floor(top.key / RADIX), top.key % RADIX];
      if (count < top.count) this.#push(top.key);
    }
    return undefined;
  }

  /** Replaces the pair by `id` wherever it stands, from left to right. */
  merge(left: number, right: number, id: number): void {
    const grown = new Set<number>();
    for (const w of [...(this.#wordsWith.get(left * RADIX + right) ?? [])]) {
      this.#count(w, -1);
      const { symbols } = this.#words[w];
      let length = 0;
      for (let i = 0; i < symbols.length; i++) {
        const here = symbols[i] === left && symbols[i + 1] === right;
        symbols[length++] = here ? id : symbols[i];
        if (here) i++;
      }
      symbols.length = length;
      this.#count(w, 1);
      for (let i = 0; i + 1 < length; i++) {
        if (symbols[i] === id || symbols[i + 1] === id) grown.add(symbols[i] * RADIX + symbols[i + 1]);
      }
    }
    for (const key of grown) this.#push(key);
  }

  #count(w: number, sign: 1 | -1): void {
    const { symbols, count } = this.#words[w];
    for (let i = 0; i + 1 < symbols.length; i++) {
      const key = symbols[i] * RADIX + symbols[i + 1];
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + sign * count);
      const having = this.#wordsWith.get(key);
      if (sign < 0) having?.delete(w);
      else if (having) having.add(w);
      else this.#wordsWith.set(key, new Set([w]));
    }
  }

  #push(key: number): void {
    const count = this.#counts.get(key)!;
    if (count < this.#minimum) return;
    const heap = this.#heap;
    const item = { key, count };
    let at = heap.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(item, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = item;
  }

  #pop(): { key: number; count: number } | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const item = heap.pop();
    if (!item || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child++;
      if (!before(heap[child], item)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = item;
    return top;
  }
}

function before(a: { key: number; count: number }, b: { key: number; count: number }): boolean {
  return a.count > b.count || (a.count === b.count && a.key < b.key);
}

function tokenizerJson(
  ids: Map<string, number>,
  merges: [string, string][],
  lowercase: boolean,
  specialTokens: readonly string[],
): TokenizerJson {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: lowercase
      ? { type: 'Sequence', normalizers: [{ type: 'NFC' }, { type: 'Lowercase' }] }
      : { type: 'NFC' },
    pre_tokenizer: { ...byteLevel },
    post_processor: null,
    decoder: { ...byteLevel },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(ids),
      merges,
    },
  };
}
