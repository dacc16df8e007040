/** Words that exclude each other: what is red is not blue, what is small is not large. */
import { COLOURS } from '../fusion/lexicon.ts';

const SIZES = [
  'small',
  'little',
  'tiny',
  'miniature',
  'large',
  'big',
  'huge',
  'giant',
  'enormous',
  'gigantic',
];
export const NUMBERS = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];

export type WordKind = 'colour' | 'size' | 'number';

/** @param word in lower case */
export function kindOfWord(word: string): WordKind | undefined {
  if (COLOURS.has(word)) return 'colour';
  if (SIZES.includes(word)) return 'size';
  return NUMBERS.includes(word) || /^\d+$/.test(word) ? 'number' : undefined;
}
