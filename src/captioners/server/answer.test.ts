import { describe, expect, it, test } from 'vitest';
import { captionIn, isBlind, isRefusal, wholeSentences } from './answer.ts';

describe('a caption in an answer', () => {
  it.each([
    ['as it is', 'A dog runs.', 'A dog runs.'],
    ['in quotes', ' "A dog runs." ', 'A dog runs.'],
    ['after thoughts', '<think>A cat? No.</think>\nA dog runs.', 'A dog runs.'],
    ['after thoughts that began elsewhere', 'A cat? No.</think>A dog runs.', 'A dog runs.'],
    ['after thoughts of another name', '<thinking>A cat?</thinking>A dog runs.', 'A dog runs.'],
    ['in JSON', '{"caption": "A dog runs."}', 'A dog runs.'],
    ['in JSON of its own', '{"description": "A dog runs."}', 'A dog runs.'],
    ['in a fence', '```json\n{"caption": "A dog runs."}\n```', 'A dog runs.'],
    ['as text in a fence', '```\nA dog runs.\n```', 'A dog runs.'],
    ['in parts', [{ text: 'A dog ' }, { text: 'runs.' }], 'A dog runs.'],
  ])('%s', (_, content, caption) => expect(captionIn({ content })).toBe(caption));

  it.each([['nothing but thoughts', '<think>A dog'], ['half a JSON', '{"caption":"a nice ca'], ['a list', '{"a": "x", "b": "y"}'], ['nothing', null]])(
    'is not %s', (_, content) => expect(captionIn({ content })).toBe(''),
  ); // biome-ignore format: one line
});

test.each([
  "I'm sorry, but I can't help with that.",
  "I'm really sorry, but I can't.",
  "Unfortunately, I'm unable to describe this.",
  'Unfortunately, I cannot describe people.',
  "Apologies, but I can't assist.",
  "My apologies, I can't assist.",
  'I am not comfortable describing this.',
  "**I'm sorry**, but I can't.",
  "Sure! Sorry, I can't do that.",
  "As a language model I can't see images.",
  'Sorry.',
])('"%s" is a refusal', (text) => expect(isRefusal(text)).toBe(true));

test.each([
  'Sorry! board game box on a wooden table.',
  'A sign that says "I am sorry".',
  'I love you, written in sand.',
  'A man apologizes to a dog.',
  'An unable-bodied mannequin.',
  'As an eagle lands, a fish jumps.',
])('"%s" is none', (text) => expect(isRefusal(text) || isBlind(text)).toBe(false));

test.each([
  "I don't see any image. Please upload the image you'd like me to describe.",
  'It seems there is no image attached.',
  "I don't have the ability to view images.",
  'Unable to view the image.',
  'No image provided.',
])('"%s" was said without a picture', (text) => expect(isBlind(text)).toBe(true));

test('of a text that was cut its whole sentences are kept', () => {
  expect(wholeSentences('A dog runs. It is bro')).toBe('A dog runs.');
  expect(wholeSentences('A dog ru')).toBe('');
  expect(wholeSentences('A "dog." It')).toBe('A "dog."');
});
