import type { MetricItem } from './item.ts';
import { PairTable } from './pair-table.ts';

/** The longest n-gram that BLEU and CIDEr look at. */
export const MAX_ORDER = 4;

/** The distinct n-grams of a caption, of all orders, by number, ascending, and how often each occurs. */
export interface NgramCounts {
  grams: number[];
  counts: number[];
}

/**
 * Gives every n-gram a small number, so that counting and matching never touch strings again. A longer one is known by the
 * number of all its words but the last, and that of the last.
 */
export class NgramIndex {
  readonly #words = new Map<string, number>();
  readonly #longer = new PairTable();
  readonly #orders: number[] = [];

  /** n − 1 of an n-gram. */
  order(gram: number): number {
    return gram < 0 ? (-1 - gram) % MAX_ORDER : this.#orders[gram];
  }

  /** Counts the n-grams of a caption; new ones get a number. */
  count(tokens: readonly string[]): NgramCounts {
    return countBy(
      tokens,
      (token) => {
        const known = this.#words.get(token);
        if (known !== undefined) return known;
        this.#words.set(token, this.#orders.length);
        return this.#orders.push(0) - 1;
      },
      (first, last, order) => {
        const known = this.#longer.get(first, last);
        if (known !== undefined) return known;
        this.#longer.set(first, last, this.#orders.length);
        return this.#orders.push(order) - 1;
      },
    );
  }

  /**
   * As `count`, but the index stays as it is: n-grams it does not know get negative numbers that mean something within
   * this result only. For captions without end, as in training.
   */
  countOnly(tokens: readonly string[]): NgramCounts {
    const unknown = new Map<string, number>();
    const unknownNumber = (name: string, order: number) => {
      const key = `${order} ${name}`; // a word may look like a pair of numbers
      const number = unknown.get(key) ?? -1 - (MAX_ORDER * unknown.size + order);
      unknown.set(key, number);
      return number;
    };
    return countBy(
      tokens,
      (token) => this.#words.get(token) ?? unknownNumber(token, 0),
      (first, last, order) => {
        const known = first < 0 || last < 0 ? undefined : this.#longer.get(first, last);
        return known ?? unknownNumber(`${first} ${last}`, order);
      },
    );
  }
}

/** The n-grams of a set of images under one index. */
export interface CorpusNgrams {
  index: NgramIndex;
  candidates: NgramCounts[];
  references: NgramCounts[][];
}

const corpora = new WeakMap<readonly MetricItem[], CorpusNgrams>();

/** Counts the captions of a set, once however many metrics ask for it. */
export function corpusNgrams(items: readonly MetricItem[]): CorpusNgrams {
  const known = corpora.get(items);
  if (known !== undefined) return known;
  const index = new NgramIndex();
  // The references first, so that lists by number which only they fill have no holes.
  const references = items.map((item) => item.references.map((reference) => index.count(reference)));
  const made = { index, references, candidates: items.map(({ candidate }) => index.count(candidate)) };
  corpora.set(items, made);
  return made;
}

/** Calls `visit` with the positions in `a` and in `b` of every n-gram that both have. */
export function forEachShared(a: NgramCounts, b: NgramCounts, visit: (i: number, j: number) => void): void {
  const [own, theirs] = [a.grams, b.grams];
  for (let i = 0, j = 0; i < own.length && j < theirs.length; ) {
    const difference = own[i] - theirs[j];
    if (difference === 0) visit(i, j);
    if (difference <= 0) i++;
    if (difference >= 0) j++;
  }
}

function countBy(
  tokens: readonly string[],
  word: (token: string) => number,
  longer: (first: number, last: number, order: number) => number,
): NgramCounts {
  const words = tokens.map(word);
  const all = new Int32Array(MAX_ORDER * words.length);
  all.set(words);
  let count = words.length;
  let before = 0; // where the n-grams of the order before begin
  for (let order = 1; order < MAX_ORDER; order++) {
    const start = count;
    for (let i = 0; i + order < words.length; i++)
      all[count++] = longer(all[before + i], words[i + order], order);
    before = start;
  }
  return runs(all.subarray(0, count).sort());
}

function runs(sorted: Int32Array): NgramCounts {
  const grams: number[] = [];
  const counts: number[] = [];
  for (let start = 0; start < sorted.length; ) {
    let end = start + 1;
    while (end < sorted.length && sorted[end] === sorted[start]) end++;
    grams.push(sorted[start]);
    counts.push(end - start);
    start = end;
  }
  return { grams, counts };
}
