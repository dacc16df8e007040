import { describe, expect, it } from 'vitest';
import { loadSceneGraphParser } from './parser.ts';

const parser = await loadSceneGraphParser();
const relations = (text: string) =>
  parser.parse(text).relations.map(({ subject, predicate, object }) => `${subject} | ${predicate} | ${object}`); // biome-ignore format: one line

describe('sides', () => {
  it.each([
    ['a small red circle is left of a blue square.', 'circle | left of | square'],
    ['the blue moon is right of the green star', 'moon | right of | star'],
    ['the brown cross appears to the right of the blue moon', 'cross | appear right of | moon'],
    ['a dog to the left side of a cat', 'dog | left of | cat'],
  ])('%s: %s', (text, relation) => {
    expect(relations(text)).toEqual([relation]);
  });

  it('stand beside a preposition that the sentence has itself', () => {
    expect(relations('a bird above a tree, and a man to the left of a dog')).toEqual([
      'bird | above | tree',
      'man | left of | dog',
    ]);
  });

  it('are not meant by every "left"', () => {
    expect(relations('a man left the room')).toEqual(['man | leave | room']);
    expect(relations('a red circle on the left of a moon')).toEqual(['circle | at the left of | moon']);
  });
});
