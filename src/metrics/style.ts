/**
 * How a caption set is written, apart from what it says: the regularities that a generator learns from its captions and then
 * expects from its prompts (DALL-E 3 paper, on blending: letter case, openings, closing punctuation, length).
 */
import { ptbTokenize } from './ptb-tokenizer.ts';

export interface StyledCaption {
  /** Key of the picture; several captions may have the same. */
  image: string;
  text: string;
}

/** `none`: no letters that have case. `title`: most words begin with a capital, and all of more than three letters. */
export const LETTER_CASES = ['lower', 'sentence', 'title', 'upper', 'mixed', 'none'] as const;
export type LetterCase = (typeof LETTER_CASES)[number];

/** Counts by name: of captions, or of words. */
export type Counts = ReadonlyMap<string, number>;

/** Everything that is counted, whole; `captionStyle` sums it up, `compareStyles` sets two side by side. */
export interface StyleCounts {
  captions: number;
  images: number;
  letterCase: Counts;
  /** By the last character where it is punctuation, otherwise under `none`. */
  closing: Counts;
  /** Captions with white space at their start, at their end, doubled or broken inside. */
  whiteSpace: { leading: number; trailing: number; inside: number };
  /** Captions by number of words. */
  lengths: ReadonlyMap<number, number>;
  firstWords: Counts;
  /** By the first three words. */
  openings: Counts;
  words: Counts;
  /** By order − 1, up to 3: distinct n-grams, and all. */
  ngrams: { distinct: number; all: number }[];
  /** Captions with a word twice in a row. */
  doubledWords: number;
  /** Captions with three words in a row that occur in them twice. */
  repeatedTrigrams: number;
  /** Captions, as words alone, that several images have; with the number of these images. */
  duplicates: Counts;
  /** Captions that another image has too. */
  duplicated: number;
}

const OPENING_WORDS = 3;
const ORDERS = 3;

/** Counts how captions are written. Words are those of `ptbTokenize`: lower case, no punctuation. */
export function countStyle(captions: Iterable<StyledCaption>): StyleCounts {
  const letterCase = counter();
  const closing = counter();
  const whiteSpace = { leading: 0, trailing: 0, inside: 0 };
  const lengths = new Map<number, number>();
  const firstWords = counter();
  const openings = counter();
  const words = counter();
  const ngrams = Array.from({ length: ORDERS }, () => ({ seen: new Set<string>(), all: 0 }));
  const imagesOf = new Map<string, string[]>(); // by the words of a caption
  const images = new Set<string>();
  let [count, doubledWords, repeatedTrigrams] = [0, 0, 0];

  for (const { image, text } of captions) {
    count++;
    images.add(image);
    letterCase.add(letterCaseOf(text));
    closing.add(/\p{P}$/u.exec(text.trim())?.[0] ?? 'none');
    whiteSpace.leading += +/^\s/.test(text);
    whiteSpace.trailing += +/\s$/.test(text);
    whiteSpace.inside += +/\s\s|[^\S ]/.test(text.trim());
    const tokens = ptbTokenize(text);
    lengths.set(tokens.length, (lengths.get(tokens.length) ?? 0) + 1);
    if (tokens.length > 0) {
      firstWords.add(tokens[0]);
      openings.add(tokens.slice(0, OPENING_WORDS).join(' '));
    }
    for (const token of tokens) words.add(token);
    for (const [i, { seen }] of ngrams.entries()) {
      const grams = ngramsOf(tokens, i + 1);
      ngrams[i].all += grams.length;
      for (const gram of grams) seen.add(gram);
      if (i === 2) repeatedTrigrams += +(new Set(grams).size < grams.length);
    }
    doubledWords += +tokens.some((token, i) => token === tokens[i - 1]);
    const said = tokens.join(' ');
    const sayers = imagesOf.get(said);
    if (sayers) sayers.push(image);
    else imagesOf.set(said, [image]);
  }

  const shared = [...imagesOf].map(([said, all]) => ({ said, all, images: new Set(all).size }));
  const duplicates = shared.filter((one) => one.images > 1);
  return {
    captions: count,
    images: images.size,
    letterCase: letterCase.counts,
    closing: closing.counts,
    whiteSpace,
    lengths,
    firstWords: firstWords.counts,
    openings: openings.counts,
    words: words.counts,
    ngrams: ngrams.map(({ seen, all }) => ({ distinct: seen.size, all })),
    doubledWords,
    repeatedTrigrams,
    duplicates: new Map(duplicates.map(({ said, images }) => [said, images])),
    duplicated: duplicates.reduce((sum, { all }) => sum + all.length, 0),
  };
}

/** Of a text with a share of captions. */
export interface Frequent {
  text: string;
  count: number;
  /** Of all captions, in [0, 1]. */
  share: number;
}

/** Shares are of captions, in [0, 1]; lengths are in words. */
export interface CaptionStyle {
  captions: number;
  images: number;
  letterCase: Record<LetterCase, number>;
  closing: Frequent[];
  whiteSpace: { leading: number; trailing: number; inside: number };
  length: {
    mean: number;
    deviation: number;
    least: number;
    p5: number;
    median: number;
    p95: number;
    most: number;
  };
  firstWords: Frequent[];
  openings: Frequent[];
  /** `once`: share of the words that occur a single time; `top100`: share of all tokens that the 100 commonest words make. */
  vocabulary: { words: number; tokens: number; once: number; top100: number };
  /** distinct-1, -2, -3 (Li et al. 2016): distinct n-grams as a share of all. It falls as a set grows: compare sets of one size. */
  distinct: number[];
  repetition: { doubledWord: number; repeatedTrigram: number };
  /** `share`: captions that another image has too, word for word; `most`: those that most images have. */
  duplicates: { share: number; most: Frequent[] };
}

/** The sum of what was counted; of lists, the first `top`. */
export function captionStyle(counts: StyleCounts, { top = 10 }: { top?: number } = {}): CaptionStyle {
  const { captions, words } = counts;
  const share = (count: number) => count / Math.max(1, captions);
  const frequent = (of: Counts): Frequent[] =>
    commonest(of, top).map(([text, count]) => ({ text, count, share: share(count) }));
  const tokens = total(words.values());
  const once = [...words.values()].filter((count) => count === 1).length;
  return {
    captions,
    images: counts.images,
    letterCase: Object.fromEntries(
      LETTER_CASES.map((name) => [name, share(counts.letterCase.get(name) ?? 0)]),
    ) as Record<LetterCase, number>,
    closing: frequent(counts.closing),
    whiteSpace: {
      leading: share(counts.whiteSpace.leading),
      trailing: share(counts.whiteSpace.trailing),
      inside: share(counts.whiteSpace.inside),
    },
    length: describeLengths(counts.lengths),
    firstWords: frequent(counts.firstWords),
    openings: frequent(counts.openings),
    vocabulary: {
      words: words.size,
      tokens,
      once: once / Math.max(1, words.size),
      top100: total(commonest(words, 100).map(([, count]) => count)) / Math.max(1, tokens),
    },
    distinct: counts.ngrams.map(({ distinct, all }) => distinct / Math.max(1, all)),
    repetition: {
      doubledWord: share(counts.doubledWords),
      repeatedTrigram: share(counts.repeatedTrigrams),
    },
    duplicates: { share: share(counts.duplicated), most: frequent(counts.duplicates) },
  };
}

/** The commonest first; of equals, in the order of the alphabet. */
export function commonest(counts: Counts, top: number): [text: string, count: number][] {
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, top);
}

function letterCaseOf(text: string): LetterCase {
  const cased = text.match(/\p{Lu}|\p{Ll}|\p{Lt}/gu) ?? [];
  const capitals = text.match(/\p{Lu}|\p{Lt}/gu)?.length ?? 0;
  if (cased.length === 0) return 'none';
  if (capitals === 0) return 'lower';
  if (capitals === cased.length && capitals > 1) return 'upper';
  const words: string[] = text.match(/\p{L}[\p{L}\p{M}'’]*/gu) ?? [];
  const isCapital = (word: string) => /^[\p{Lu}\p{Lt}]/u.test(word);
  const mostly = 2 * words.filter(isCapital).length > words.length;
  if (words.length > 1 && mostly && words.every((word) => word.length <= 3 || isCapital(word)))
    return 'title';
  return isCapital(words[0]) ? 'sentence' : 'mixed';
}

function describeLengths(lengths: ReadonlyMap<number, number>): CaptionStyle['length'] {
  const sorted = [...lengths].sort(([a], [b]) => a - b);
  const count = Math.max(1, total(lengths.values()));
  const mean = total(sorted.map(([length, times]) => length * times)) / count;
  const variance = total(sorted.map(([length, times]) => times * (length - mean) ** 2)) / count;
  const quantile = (share: number) => {
    let passed = 0;
    for (const [length, times] of sorted) {
      passed += times;
      if (passed >= share * count) return length;
    }
    return 0;
  };
  return {
    mean,
    deviation: Math.sqrt(variance),
    least: quantile(0),
    p5: quantile(0.05),
    median: quantile(0.5),
    p95: quantile(0.95),
    most: quantile(1),
  };
}

function ngramsOf(tokens: readonly string[], order: number): string[] {
  return tokens.slice(order - 1).map((_, i) => tokens.slice(i, i + order).join(' '));
}

function counter() {
  const counts = new Map<string, number>();
  return { counts, add: (name: string) => counts.set(name, (counts.get(name) ?? 0) + 1) };
}

function total(values: Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}
