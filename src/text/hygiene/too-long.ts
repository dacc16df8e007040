import type { HygieneRule } from './rule.ts';
import { splitSentences, trimDangling } from './sentences.ts';

const CLAUSE = /[,;:，；：、]|\s[–—-]\s|—/gu;
const WORD = /\s+/gu;

export const tooLong: HygieneRule = {
  name: 'too-long',
  about:
    'cuts a caption that has more tokens than allowed at the end of a sentence, else of a clause, else of a word',
  mend(text, { countTokens, maxTokens }) {
    if (countTokens === undefined || maxTokens === undefined) return text;
    const fits = (part: string) => countTokens(part) <= maxTokens;
    if (fits(text)) return text;
    return (
      longest(text, endsOfSentences(text), (part) => part.trimEnd(), fits) ??
      longest(text, positions(text, CLAUSE), trimDangling, fits) ??
      longest(text, positions(text, WORD), trimDangling, fits) ??
      ''
    );
  },
};

function endsOfSentences(text: string): number[] {
  let end = 0;
  return splitSentences(text).map((sentence) => {
    end += sentence.length;
    return end;
  });
}

const positions = (text: string, mark: RegExp) => [...text.matchAll(mark)].map(({ index }) => index);

/** The longest part that fits, by bisection: a shorter text never has more tokens, but for one or two at the cut. */
function longest(
  text: string,
  ends: number[],
  trim: (part: string) => string,
  fits: (part: string) => boolean,
): string | undefined {
  let [low, high] = [0, ends.length]; // ends[low - 1] fits, ends[high] does not
  let best: string | undefined;
  while (low < high) {
    const middle = (low + high) >> 1;
    const part = trim(text.slice(0, ends[middle]));
    if (fits(part)) {
      if (part !== '') best = part;
      low = middle + 1;
    } else high = middle;
  }
  return best;
}
