import { expect, test } from 'vitest';
import { resolvePronouns } from './pronouns.ts';
import { loadTagger } from './token.ts';

const tagger = await loadTagger();
const antecedents = [
  { text: 'man', plural: false },
  { text: 'bench', plural: false },
  { text: 'dogs', plural: true },
  { text: 'girl', plural: false },
];
const resolved = (sentence: string) =>
  resolvePronouns(tagger(sentence)[0], antecedents)
    .map(({ text }) => text)
    .join(' ');

test.each([
  ['he wears a hat', 'the man wears a hat'],
  ['she is young', 'the girl is young'],
  ['it is wooden', 'the bench is wooden'],
  ['they are running', 'the dogs are running'],
  ['his coat is red', "the man 's coat is red"],
  ['on it lies a book', 'on the bench lies a book'],
])('"%s" speaks of what fits in person and number: "%s"', (sentence, expected) => {
  expect(resolved(sentence)).toBe(expected);
});

test('a pronoun stands for a noun of its own sentence first', () => {
  expect(resolved('a toilet with flowers on it')).toBe('a toilet with flowers on it');
  expect(resolved('a woman holds her bag')).toBe('a woman holds her bag');
});

test('a pronoun that fits nothing stays', () => {
  expect(resolvePronouns(tagger('he smiles')[0], [{ text: 'bench', plural: false }])[0].text).toBe('he');
  expect(resolved('it looks cold')).toBe('it looks cold');
});
