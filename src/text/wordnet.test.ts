import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IRREGULAR_FORMS } from './irregular-forms.ts';
import { PARTS_OF_SPEECH, wordnet } from './wordnet.ts';

const { baseForms, hypernyms, synsets, shareSynset } = wordnet();

describe('base forms', () => {
  it.each([
    ['dogs', 'noun', 'dog'],
    ['buses', 'noun', 'bus'],
    ['boxes', 'noun', 'box'],
    ['benches', 'noun', 'bench'],
    ['women', 'noun', 'woman'],
    ['puppies', 'noun', 'puppy'],
    ['children', 'noun', 'child'],
    ['knives', 'noun', 'knife'],
    ['rides', 'verb', 'ride'],
    ['carries', 'verb', 'carry'],
    ['carried', 'verb', 'carry'],
    ['watches', 'verb', 'watch'],
    ['posed', 'verb', 'pose'],
    ['parked', 'verb', 'park'],
    ['riding', 'verb', 'ride'],
    ['standing', 'verb', 'stand'],
    ['sitting', 'verb', 'sit'],
    ['stopped', 'verb', 'stop'],
    ['lying', 'verb', 'lie'],
    ['held', 'verb', 'hold'],
    ['larger', 'adjective', 'large'],
    ['smallest', 'adjective', 'small'],
    ['biggest', 'adjective', 'big'],
    ['happier', 'adjective', 'happy'],
    ['better', 'adverb', 'well'],
  ] as const)('%s as a %s is a form of %s', (word, pos, base) => {
    expect(baseForms(word, pos)).toContain(base);
  });

  it('have the word itself among them where it is an entry', () => {
    expect(baseForms('dog', 'noun')).toEqual(['dog']);
    expect(baseForms('glasses', 'noun')).toEqual(['glasses', 'glass']);
    expect(baseForms('running')).toEqual(expect.arrayContaining(['running', 'run']));
  });

  it('are not made by a rule where that rule does not hold', () => {
    expect(baseForms('grass', 'noun')).toEqual(['grass']);
    expect(baseForms('falling', 'verb')).toEqual(['fall']);
    expect(baseForms('dressed', 'verb')).toEqual(['dress']);
    expect(baseForms('dogs', 'verb')).toEqual(['dog']);
    expect(baseForms('dogs', 'adjective')).toEqual([]);
    expect(baseForms('bed', 'verb')).toEqual(['bed']);
    expect(baseForms('string', 'verb')).toEqual(['string']);
    expect(baseForms('men', 'noun')).toContain('man');
  });

  it('do not depend on case, and know compounds', () => {
    expect(baseForms('Traffic  Lights', 'noun')).toEqual(['traffic_light']);
  });

  it('are none for words without an entry, whatever they are', () => {
    for (const word of ['', ' ', 'qzxv', 'собака', '犬', "'", '\n', 'men\u0301', 'the'])
      expect(baseForms(word), word).toEqual([]);
    fc.assert(
      fc.property(fc.string(), (word) => {
        expect(synsets(word).length > 0).toBe(baseForms(word).length > 0);
      }),
    );
  });

  it('of irregular words are entries', () => {
    for (const pos of PARTS_OF_SPEECH) {
      for (const [form, bases] of IRREGULAR_FORMS[pos]) {
        expect(
          bases.filter((base) => !baseForms(form, pos).includes(base)),
          form,
        ).toEqual([]);
      }
    }
  });
});

describe('synsets', () => {
  it('are those of the index, ascending, told apart by part of speech', () => {
    // The package's index lists seven for the noun dog, one for the verb.
    expect(synsets('dog', 'noun')).toHaveLength(7);
    expect(synsets('dog', 'noun')).toContain(2086723);
    expect(synsets('dog', 'verb')).toEqual([2 ** 24 + 2005890]);
    expect(synsets('dog')).toEqual([...synsets('dog', 'noun'), ...synsets('dog', 'verb')]);
  });

  it('of a form are those of its bases, as any part of speech unless one is named', () => {
    expect(synsets('dogs', 'noun')).toEqual(synsets('dog', 'noun'));
    expect(synsets('covered', 'verb')).toEqual(synsets('cover', 'verb'));
    expect(synsets('covered')).toEqual(expect.arrayContaining([...synsets('cover', 'noun')]));
  });

  it('are found for the first and the last entry of the index', () => {
    expect(synsets("'hood", 'noun')).toEqual([8659519]);
    expect(synsets('zyrian', 'noun')).toEqual([6969782]);
  });
});

describe('words that share a synset', () => {
  it.each([
    ['bike', 'bicycle'],
    ['sofa', 'couches'],
    ['photos', 'picture'],
    ['man', 'men'],
    ['large', 'bigger'],
  ])('%s and %s', (a, b) => {
    expect(shareSynset(a, b)).toBe(true);
    expect(shareSynset(b, a)).toBe(true);
  });

  it('are not words of like meaning only, and not unknown words', () => {
    expect(shareSynset('dog', 'cat')).toBe(false);
    expect(shareSynset('dog', 'animal')).toBe(false);
    expect(shareSynset('qzxv', 'qzxv')).toBe(false);
  });

  it('may share one in one part of speech alone', () => {
    expect(shareSynset('trail', 'dog', 'noun')).toBe(false);
    expect(shareSynset('trail', 'dog', 'verb')).toBe(true);
  });
});

it('answers thousands of questions in a fraction of a second', () => {
  const words = Array.from({ length: 5000 }, (_, i) => `word${i}`);
  const start = performance.now();
  for (const word of words) synsets(word);
  expect(performance.now() - start).toBeLessThan(1500); // some 30 ms on a quiet machine
});

describe('hypernyms', () => {
  const above = (noun: string, what: string) => {
    const steps = synsets(what, 'noun').flatMap((synset) => hypernyms(noun).get(synset) ?? []);
    return steps.length > 0 ? Math.min(...steps) : undefined;
  };

  it.each([
    ['terrier', 'dog', 2],
    ['puppies', 'dog', 1],
    ['dog', 'animal', 2],
    ['woman', 'person', 2],
    ['girls', 'person', 2],
    ['skateboarder', 'person', 4],
    ['truck', 'vehicle', 3],
  ])('%s: %s', (noun, what, steps) => {
    expect(above(noun, what)).toBe(steps);
  });

  it('go no other way, nor further than the usual senses', () => {
    expect(above('animal', 'dog')).toBeUndefined();
    expect(above('dog', 'andiron')).toBeUndefined();
    expect(above('grass', 'person')).toBeUndefined();
  });

  it('of a word are the word itself without a step; of no word there are none', () => {
    expect(above('dog', 'dog')).toBe(0);
    expect(hypernyms('zzyzx').size).toBe(0);
    expect(hypernyms('').size).toBe(0);
  });
});
