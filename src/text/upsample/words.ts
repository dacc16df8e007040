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
const AGES = ['young', 'old', 'elderly', 'new', 'ancient', 'modern'];
export const NUMBERS = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];

export type WordKind = 'colour' | 'size' | 'age' | 'number';

/** @param word in lower case */
export function kindOfWord(word: string): WordKind | undefined {
  if (COLOURS.has(word)) return 'colour';
  if (SIZES.includes(word)) return 'size';
  if (AGES.includes(word)) return 'age';
  return NUMBERS.includes(word) || /^\d+$/.test(word) ? 'number' : undefined;
}

/** A text as a regular expression that finds it. */
export const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
