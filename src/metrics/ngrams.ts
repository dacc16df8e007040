/** The longest n-gram that BLEU and CIDEr look at. */
export const MAX_ORDER = 4;

/** The distinct n-grams of one order in one caption, by number, ascending, and how often each occurs. */
export interface OrderCounts {
  grams: number[];
  counts: number[];
}

/** For each order 1 … 4. */
export type NgramCounts = OrderCounts[];

/** An n-gram is looked up by the number of its first n − 1 words and that of its last, in one safe integer. */
const RADIX = 2 ** 26;

/** Gives every n-gram a small number, so that counting and matching never touch strings again. Numbers are per order. */
export class NgramIndex {
  readonly #words = new Map<string, number>();
  /** By order − 2. */
  readonly #longer: Map<number, number>[] = Array.from({ length: MAX_ORDER - 1 }, () => new Map());

  /** Counts the n-grams of a caption; new ones get a number. */
  count(tokens: readonly string[]): NgramCounts {
    return countBy(
      tokens,
      (token) => numberOf(this.#words, token),
      (order, key) => numberOf(this.#longer[order - 2], key),
    );
  }

  /**
   * As `count`, but the index stays as it is: n-grams it does not know get negative numbers that mean something within
   * this result only. For captions without end, as in training.
   */
  countOnly(tokens: readonly string[]): NgramCounts {
    const unknown = new Map<string | number, number>();
    const unknownNumber = (key: string | number) => -1 - numberOf(unknown, key);
    return countBy(
      tokens,
      (token) => this.#words.get(token) ?? unknownNumber(token),
      (order, key) => this.#longer[order - 2].get(key) ?? unknownNumber(key),
    );
  }
}

/** Calls `visit` with the positions in `a` and in `b` of every n-gram that both have. */
export function forEachShared(a: OrderCounts, b: OrderCounts, visit: (i: number, j: number) => void): void {
  for (let i = 0, j = 0; i < a.grams.length && j < b.grams.length; ) {
    const difference = a.grams[i] - b.grams[j];
    if (difference === 0) visit(i, j);
    if (difference <= 0) i++;
    if (difference >= 0) j++;
  }
}

function numberOf<Key>(numbers: Map<Key, number>, key: Key): number {
  const known = numbers.get(key);
  if (known !== undefined) return known;
  numbers.set(key, numbers.size);
  return numbers.size - 1;
}

function countBy(
  tokens: readonly string[],
  word: (token: string) => number,
  longer: (order: number, key: number) => number,
): NgramCounts {
  const words = tokens.map(word);
  let grams = words; // of the order in turn; the one at i starts at word i
  const result = [runs(grams)];
  for (let order = 2; order <= MAX_ORDER; order++) {
    const next: number[] = [];
    for (let i = 0; i + order <= words.length; i++) {
      next.push(longer(order, grams[i] * RADIX + words[i + order - 1]));
    }
    grams = next;
    result.push(runs(grams));
  }
  return result;
}

function runs(numbers: readonly number[]): OrderCounts {
  const grams: number[] = [];
  const counts: number[] = [];
  for (const number of new Int32Array(numbers).sort()) {
    if (number === grams[grams.length - 1]) counts[counts.length - 1]++;
    else {
      grams.push(number);
      counts.push(1);
    }
  }
  return { grams, counts };
}
