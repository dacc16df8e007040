/** How METEOR compares single words: by themselves, by their stems, by the synsets they share. */
import { stem } from '../text/stem.ts';
import { wordnet } from '../text/wordnet.ts';
import { FUNCTION_WORDS } from './function-words.ts';

export const METEOR_MODULES = ['exact', 'stem', 'synonym'] as const;
export type MeteorModule = (typeof METEOR_MODULES)[number];

/** Weights of a match by module: METEOR 1.5, task "rank". */
const WEIGHTS: Record<MeteorModule, number> = { exact: 1, stem: 0.6, synonym: 0.8 };
/** δ: what a content word counts; a function word counts the rest of 1. */
const DELTA = 0.75;

/** That two words match, and how. */
export interface WordMatch {
  /** In (0, 1]. */
  weight: number;
  /** How many modules say so: the aligner regards each as a choice of its own. */
  ways: number;
}

/** Words under numbers, so that comparing two of them for the second time is a look-up. */
export interface MeteorWords {
  /** Numbers of the words of a tokenised caption: lower case, hyphenated words split. */
  read(tokens: readonly string[]): number[];
  /** δ for a content word, 1 − δ for a function word. */
  weigh(word: number): number;
  match(a: number, b: number): WordMatch | undefined;
}

export function meteorWords(modules: readonly MeteorModule[] = METEOR_MODULES): MeteorWords {
  const [exact, byStem, bySynonym] = METEOR_MODULES.map((module) => modules.includes(module));
  const numbers = new Map<string, number>();
  const words: string[] = [];
  const weights: number[] = [];
  const same: WordMatch | undefined = exact ? { weight: WEIGHTS.exact, ways: 1 } : undefined;
  /** `answers[a]` holds those for every b > a that was asked for. */
  const answers: Map<number, WordMatch | undefined>[] = [];

  const numberOf = (word: string): number => {
    const known = numbers.get(word);
    if (known !== undefined) return known;
    numbers.set(word, words.length);
    weights.push(FUNCTION_WORDS.has(word) ? 1 - DELTA : DELTA);
    answers.push(new Map());
    return words.push(word) - 1;
  };
  const compare = (a: string, b: string): WordMatch | undefined => {
    const sameStem = byStem && stem(a) === stem(b);
    const synonyms = bySynonym && wordnet().shareSynset(a, b);
    if (sameStem) return { weight: WEIGHTS.stem, ways: synonyms ? 2 : 1 };
    return synonyms ? { weight: WEIGHTS.synonym, ways: 1 } : undefined;
  };

  return {
    read: (tokens) =>
      tokens.flatMap((token) => {
        const word = token.toLowerCase();
        if (!word.includes('-')) return numberOf(word);
        return word.split('-').filter(Boolean).map(numberOf);
      }),
    weigh: (word) => weights[word],
    match(a, b) {
      if (a === b) return same;
      const known = answers[Math.min(a, b)];
      const other = Math.max(a, b);
      const answer = known.get(other);
      if (answer !== undefined || known.has(other)) return answer;
      const made = compare(words[a], words[b]);
      known.set(other, made);
      return made;
    },
  };
}
