import { AUXILIARIES, isPlural, PREPOSITIONS } from './lexicon.ts';

/** A subject that holds a verb ("we are looking up at a clock"), a verb taken for its noun ("a bus stops"), or half of one ("rock climbing"). */
export function isMistaken(subject: readonly string[], next = ''): boolean {
  if (subject.some((word) => AUXILIARIES.has(word) || PREPOSITIONS.has(word))) return true;
  const head = subject.at(-1)!.toLowerCase();
  if (/^(?:rock|mountain|dirt)$/.test(head) && /ing$/.test(next)) return true;
  return isOne(subject) && /s$/.test(head) && isPlural(head);
}

/** "a sheep", not "a few sheep" or "a group of sheep". */
export const isOne = (subject: readonly string[]): boolean =>
  /^(?:an?|this|that)$/.test(subject[0]) && !/^(?:few|dozen|hundred|couple)$/.test(subject[1]) && !subject.includes('of'); // biome-ignore format: one line
