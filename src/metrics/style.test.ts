import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { captionStyle, countStyle } from './style.ts';
import { compareStyles } from './style-difference.ts';

const set = (...texts: string[]) => countStyle(texts.map((text, i) => ({ image: `${i}`, text })));
const style = (...texts: string[]) => captionStyle(set(...texts));

describe('the style of a caption set', () => {
  it('tells letter case by what a caption looks like', () => {
    const cases: [string, string][] = [
      ['a dog runs', 'lower'],
      ['A dog runs in Paris', 'sentence'],
      ['A Dog on the Grass', 'title'],
      ['A man in Paris', 'sentence'],
      ['DOG ON GRASS', 'upper'],
      ['a dog in Paris', 'mixed'],
      ['一只狗 123', 'none'],
      ['', 'none'],
      ['Собака бежит', 'sentence'],
    ];
    for (const [text, name] of cases) expect(style(text).letterCase, text).toMatchObject({ [name]: 1 });
  });

  it('counts the last character as closing punctuation, white space or not', () => {
    const { closing } = style('a dog.', 'a cat. ', 'a bird', 'who?');
    expect(closing).toEqual([
      { text: '.', count: 2, share: 0.5 },
      { text: '?', count: 1, share: 0.25 },
      { text: 'none', count: 1, share: 0.25 },
    ]);
  });

  it('finds white space at the ends, doubled and broken', () => {
    expect(style(' a', 'a\n', 'a  b', 'a\tb', 'a b').whiteSpace).toEqual({
      leading: 0.2,
      trailing: 0.2,
      inside: 0.4,
    });
  });

  it('describes lengths in words', () => {
    const { length } = style('a', 'a b', 'a b c', 'a b c d e f.');
    expect(length).toEqual({
      mean: 3,
      deviation: Math.sqrt((4 + 1 + 0 + 9) / 4),
      least: 1,
      p5: 1,
      median: 2,
      p95: 6,
      most: 6,
    });
  });

  it('counts first words and openings without case', () => {
    const { firstWords, openings } = style('A dog runs', 'a dog runs far', 'The dog');
    expect(firstWords).toEqual([
      { text: 'a', count: 2, share: 2 / 3 },
      { text: 'the', count: 1, share: 1 / 3 },
    ]);
    expect(openings[0]).toEqual({ text: 'a dog runs', count: 2, share: 2 / 3 });
  });

  it('finds captions that several images have, and not those that one image has twice', () => {
    const captions = [
      { image: '1', text: 'A dog.' },
      { image: '1', text: 'a dog' },
      { image: '2', text: 'a dog' },
      { image: '3', text: 'a cat' },
      { image: '3', text: 'a cat' },
    ];
    const { duplicates, images } = captionStyle(countStyle(captions));
    expect(images).toBe(3);
    expect(duplicates).toEqual({ share: 3 / 5, most: [{ text: 'a dog', count: 2, share: 2 / 5 }] });
  });

  it('measures vocabulary, distinct n-grams and repetition', () => {
    const { vocabulary, distinct, repetition } = style('a dog a dog a dog', 'the the cat');
    expect(vocabulary).toEqual({ words: 4, tokens: 9, once: 1 / 4, top100: 1 });
    // 4 words of 9; "a dog", "dog a", "the the", "the cat" of 7; "a dog a", "dog a dog", "the the cat" of 5.
    expect(distinct).toEqual([4 / 9, 4 / 7, 3 / 5]);
    expect(repetition).toEqual({ doubledWord: 1 / 2, repeatedTrigram: 1 / 2 });
  });

  it('has shares of all captions for every kind of case, also of no captions', () => {
    const sum = (shares: Record<string, number>) => Object.values(shares).reduce((a, b) => a + b, 0);
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 6 }), (texts) => {
        expect(sum(style(...texts).letterCase)).toBeCloseTo(1, 12);
      }),
    );
    expect(sum(style().letterCase)).toBe(0);
    expect(style().length.mean).toBe(0);
  });
});

describe('the comparison of two styles', () => {
  it('finds no distance between a set and itself, and all between sets with nothing in common', () => {
    const one = set('A dog runs.', 'Two cats sit.');
    const other = set('birds');
    expect(Object.values(compareStyles(one, one).distance)).toEqual([0, 0, 0, 0, 0, 0]);
    for (const distance of Object.values(compareStyles(one, other).distance))
      expect(distance).toBeCloseTo(1, 12);
    expect(compareStyles(one, set()).distance.length).toBe(0);
  });

  it('is the share of captions that would have to change', () => {
    const { distance, firstWords, vocabulary } = compareStyles(
      set('a dog', 'a cat', 'the cow', 'a pig'),
      set('a dog', 'the cat', 'the cow', 'one pig'),
    );
    expect(distance.firstWords).toBeCloseTo(0.5, 12);
    expect(distance.length).toBe(0);
    expect(firstWords[0]).toEqual({ text: 'a', one: 0.75, other: 0.25 });
    expect(firstWords).toHaveLength(3);
    expect(vocabulary).toEqual({ shared: 6, ofOne: 1, ofOther: 6 / 7 });
  });
});
