import { expect, it } from 'vitest';
import { stem } from './stem.ts';

// Worked out by the rules of the Snowball English stemmer (Porter 2), step by step.
it.each([
  ['riding', 'ride'], // 1b: -ing, then e again after a short word
  ['sitting', 'sit'], // 1b: the double consonant goes
  ['standing', 'stand'],
  ['zebras', 'zebra'], // 1a
  ['flies', 'fli'], // 1a: -ies after more than one letter
  ['ties', 'tie'], // 1a: -ies after one letter
  ['gas', 'gas'], // 1a: the vowel stands right before the s
  ['happily', 'happili'], // 1c
  ['boy', 'boy'], // 1c: y after a vowel stays
  ['generous', 'generous'], // R1 begins behind "gener"
  ['skies', 'sky'], // an exception
  ['news', 'news'], // another
  ['rational', 'ration'], // 2 does not apply, 4: -al
  ['', ''],
  ['собака', 'собака'],
])('the stem of %s is %s', (word, expected) => {
  expect(stem(word)).toBe(expected);
  expect(stem(word)).toBe(expected);
});
