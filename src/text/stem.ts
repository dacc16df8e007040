/** Snowball's stemmer for English (Porter 2): `riding`, `rides` → `ride`, but `rode` stays. Stems need not be words. */
import { createRequire } from 'node:module';

interface Snowball {
  newStemmer(language: 'english'): { stem(word: string): string };
}

let english: ReturnType<Snowball['newStemmer']> | undefined;
const stems = new Map<string, string>();

/** The stem of a lower-case word; each word is worked out once. Loaded at the first question, for the package is large. */
export function stem(word: string): string {
  const known = stems.get(word);
  if (known !== undefined) return known;
  english ??= (createRequire(import.meta.url)('snowball-stemmers') as Snowball).newStemmer('english');
  const made = english.stem(word);
  stems.set(word, made);
  return made;
}
