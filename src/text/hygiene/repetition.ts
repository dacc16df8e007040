import { answerKey } from './repeated-answers.ts';
import type { HygieneRule } from './rule.ts';
import { QUOTED, splitSentences, trimDangling } from './sentences.ts';

/** Longest stretch of words whose repetition is looked for. */
const MAX_PERIOD = 24;
/** A few words may well come twice ("very very", "one brown and one brown and white"), and so may the parts of a list. */
const timesOf = (period: number, run: string) => (period < 4 || run.includes(',') ? 3 : 2);
/** Clocks and plates repeat numbers, and what is quoted stays as it is. */
const NUMBER = /^(?:\p{N}+|zero|one|two|three|four|five|six|seven|eight|nine|ten)$/u;
const QUOTE = /^["“「«‘']/;
const mayLoop = (stretch: Word[]) =>
  !stretch.every(({ text }) => NUMBER.test(text)) && !stretch.some(({ text }) => QUOTE.test(text));

/** What is quoted counts as one word: a sign may say "no, no, no". */
const WORD = new RegExp(
  `${QUOTED.source}|[\\p{L}\\p{N}](?:[\\p{L}\\p{N}\\p{M}'’-]*[\\p{L}\\p{N}\\p{M}])?`,
  'gu',
);
const JOINS = new Set(['and', 'or', 'with']);

interface Word {
  key: number;
  text: string;
  start: number;
  end: number;
}

export const loop: HygieneRule = {
  name: 'loop',
  about:
    'keeps once what is said over and over within a sentence: "a dog and a dog and a dog and a dog" becomes "a dog"',
  mend(text) {
    const sentences = splitSentences(text);
    const mended = sentences.map((sentence, i) => withoutLoops(sentence, i === sentences.length - 1));
    return mended.join('');
  },
};

function withoutLoops(sentence: string, isLast: boolean): string {
  let said = sentence;
  for (let period = 1, words = wordsOf(said); period <= MAX_PERIOD && period < words.length; period++) {
    const shorter = collapse(said, words, period, isLast);
    if (shorter === said) continue;
    said = shorter;
    words = wordsOf(said);
  }
  return said;
}

function wordsOf(text: string): Word[] {
  const keys = new Map<string, number>();
  return [...text.matchAll(WORD)].map(({ 0: word, index }) => {
    const folded = word.toLowerCase();
    const key = keys.get(folded) ?? keys.size;
    keys.set(folded, key);
    return { key, text: folded, start: index, end: index + word.length };
  });
}

/** Leaves one of each run of stretches of `period` words that are alike. */
function collapse(text: string, words: Word[], period: number, isLast: boolean): string {
  let said = '';
  let kept = 0; // everything before this position is settled
  for (let first = 0; first + period < words.length; ) {
    let last = first + period;
    while (last < words.length && words[last].key === words[last - period].key) last++;
    const times = Math.floor((last - first) / period);
    const rest = last - first - times * period; // words of one that was begun
    // "a dog and a dog and a dog": what joins them is no part of the last
    const isJoined =
      period > 1 && times > 1 && rest === period - 1 && JOINS.has(words[first + period - 1].text);
    const run = text.slice(words[first].start, words[last - 1].end);
    if ((times < timesOf(period, run) && !isJoined) || !mayLoop(words.slice(first, first + period))) {
      // the run ended at `last`: one that starts within it, before last − period, would end there too
      first = Math.max(first + 1, last - period + 1);
      continue;
    }
    if (isJoined) {
      said += text.slice(kept, words[first].start);
      kept = words[first + times * period].start;
    } else {
      said += text.slice(kept, words[first + period - 1].end);
      kept = words[first + times * period - 1].end;
      if (last === words.length && isLast) {
        const marks = /[.!?…"'”’)\s]*$/u.exec(text.slice(words[last - 1].end))![0];
        return (rest === 0 && marks.trim() !== '' ? said : trimDangling(said)) + marks.trimEnd();
      }
    }
    first = last;
  }
  return kept === 0 ? text : said + text.slice(kept);
}

export const repeatedSentence: HygieneRule = {
  name: 'repeated-sentence',
  about: 'keeps a sentence once, whatever its case: "A dog. It runs. A dog." becomes "A dog. It runs."',
  mend(text) {
    const sentences = splitSentences(text);
    const said = new Set<string>();
    const kept = sentences.filter((sentence, i) => {
      const key = answerKey(sentence);
      if (key === '') return true;
      const isNew = !said.has(key) && !(i === sentences.length - 1 && wasBegun(sentence, key, said));
      said.add(key);
      return isNew;
    });
    return kept.length === sentences.length ? text : kept.join('').trimEnd();
  },
};

/** Whether a last sentence without an end is the beginning of one that was said. */
function wasBegun(sentence: string, key: string, said: ReadonlySet<string>): boolean {
  if (/[.!?…。]["'”’)]*\s*$/u.test(sentence) || key.split(' ').length < 3) return false;
  return [...said].some((whole) => whole.startsWith(`${key} `));
}
