import { describe, expect, test } from 'vitest';
import type { Token } from './token.ts';
import { baseForm, isLight, isVerb } from './verbs.ts';

const verbs = { forms: new Map([['lying', 'lay']]), bases: new Set(['ride', 'stand', 'rest', 'lay']) };
const token = (text: string, tag: Token['tag'], lemma: string): Token => ({ text, tag, lemma });

describe('base forms', () => {
  test.each([
    ['riding', 'VERB', 'rid', 'ride'],
    ['standing', 'NOUN', 'standing', 'stand'],
    ['lying', 'VERB', 'lie', 'lay'],
    ['frolicking', 'NOUN', 'frolicking', 'frolic'], // in no predicate seen: WordNet knows it
    ['horses', 'NOUN', 'horse', 'horse'],
    ['next', 'ADJ', 'next', 'next'],
  ] as const)('"%s", tagged %s with the lemma "%s", is a form of "%s"', (text, tag, lemma, base) => {
    expect(baseForm(token(text, tag, lemma), verbs)).toBe(base);
  });
});

test('participles and known bases are verbs; words that place things are not', () => {
  expect(isVerb('stand', token('standing', 'NOUN', 'standing'), verbs)).toBe(true);
  expect(isVerb('frolic', token('frolicking', 'NOUN', 'frolicking'), verbs)).toBe(true);
  expect(isVerb('behind', token('behind', 'ADP', 'behind'), verbs)).toBe(false);
  expect(isVerb('be', token('is', 'AUX', 'be'), verbs)).toBe(false);
  expect(isVerb('horse', token('horses', 'NOUN', 'horse'), verbs)).toBe(false);
});

test('a light predicate says nothing that needs a verb of the text', () => {
  expect(isLight('on top of')).toBe(true);
  expect(isLight('wear')).toBe(true);
  expect(isLight('sit on')).toBe(false);
});
