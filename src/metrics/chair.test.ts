import { describe, expect, it } from 'vitest';
import { bootstrap } from './bootstrap.ts';
import { chair, objectVocabulary } from './chair.ts';

const words = (text: string) => text.split(' ');
const vocabulary = objectVocabulary({
  person: ['man', 'woman', 'child'],
  dog: ['puppy'],
  'hot dog': [],
  bus: ['coach'],
  couch: ['sofa'],
  'wine glass': [],
  scissors: [],
});

describe('mentions of objects', () => {
  it('are found under every name, singular and plural', () => {
    expect(vocabulary.mentions(words('two women and a child with puppies on Sofas'))).toEqual([
      'person',
      'person',
      'dog',
      'couch',
    ]);
    expect(vocabulary.mentions(words('buses and a bus'))).toEqual(['bus', 'bus']);
    expect(vocabulary.mentions(words('scissors beside wine glasses'))).toEqual(['scissors', 'wine glass']);
  });

  it('are those of the longest name', () => {
    expect(vocabulary.mentions(words('a dog eats a hot dog'))).toEqual(['dog', 'hot dog']);
    expect(vocabulary.mentions(words('hot wine'))).toEqual([]);
  });

  it('are never of two objects', () => {
    expect(() => objectVocabulary({ cup: ['mugs'], mug: [] })).toThrow(
      expect.objectContaining({ code: 'bad-objects' }),
    );
    expect(objectVocabulary({ cup: ['cups', 'Cup'] }).object('CUPS')).toBe('cup');
  });
});

describe('CHAIR', () => {
  it('is the share of mentions, and of captions, with what is not there', () => {
    const captions = ['a man and a dog on a bus', 'a woman with a puppy', 'grass'].map(words);
    const result = chair(captions, [['person', 'coaches'], ['men', 'dog', 'zebra'], []], vocabulary);
    expect(result.perImage[0]).toEqual({ mentioned: ['person', 'dog', 'bus'], hallucinated: ['dog'] });
    expect(result.chairI).toBeCloseTo(1 / 5, 12);
    expect(result.chairS).toBeCloseTo(1 / 3, 12);
  });

  it('counts every mention, and has intervals', () => {
    const captions = Array.from({ length: 30 }, (_, i) => words(i % 2 ? 'dog dog man' : 'man'));
    const result = chair(
      captions,
      captions.map(() => ['man']),
      vocabulary,
    );
    expect(result.chairI).toBeCloseTo(30 / 60, 12);
    expect(result.chairS).toBeCloseTo(1 / 2, 12);
    for (const [low, high] of bootstrap(result.additive)) {
      expect(low).toBeLessThan(0.5);
      expect(high).toBeGreaterThan(0.5);
    }
  });

  it('is 0 where nothing is mentioned, and refuses lists of different lengths', () => {
    expect(chair([words('grass')], [[]], vocabulary)).toMatchObject({ chairI: 0, chairS: 0 });
    expect(chair([], [], vocabulary)).toMatchObject({ chairI: 0, chairS: 0 });
    expect(() => chair([['dog']], [], vocabulary)).toThrow(
      expect.objectContaining({ code: 'unequal-lengths' }),
    );
  });
});
