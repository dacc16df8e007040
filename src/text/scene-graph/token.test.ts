import { expect, test } from 'vitest';
import { loadTagger } from './token.ts';

const tagger = await loadTagger();
const words = (text: string) => tagger(text).map((sentence) => sentence.map((token) => token.text));

test('hyphenated words stay whole; case and closing stops go', () => {
  expect(words('A T-shirt on a well-kept lawn.')).toEqual([['a', 't-shirt', 'on', 'a', 'well-kept', 'lawn']]);
  expect(words('dogs - two of them !')).toEqual([['dogs', '-', 'two', 'of', 'them']]);
});

test('sentences are told apart', () => {
  expect(words('A dog runs. It is brown.')).toEqual([
    ['a', 'dog', 'runs'],
    ['it', 'is', 'brown'],
  ]);
  expect(words('a dog\r\na cat')).toEqual([
    ['a', 'dog'],
    ['a', 'cat'],
  ]);
});

test('a text without words has no sentence', () => {
  expect(words('')).toEqual([]);
  expect(words(' \n . ')).toEqual([]);
});

test('words have tags and lemmas', () => {
  expect(tagger('two horses')[0]).toEqual([
    { text: 'two', tag: 'NUM', lemma: 'two' },
    { text: 'horses', tag: 'NOUN', lemma: 'horse' },
  ]);
});
