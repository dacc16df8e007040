import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FUNCTION_WORDS } from './function-words.ts';
import type { MetricItem } from './item.ts';
import { meteor } from './meteor.ts';
import { alignWords } from './meteor-alignment.ts';

const words = (text: string) => text.split(' ').filter(Boolean);
const item = (candidate: string, ...references: string[]): MetricItem => ({
  candidate: words(candidate),
  references: references.map(words),
});
const score = (candidate: string, ...references: string[]) => meteor([item(candidate, ...references)]).corpus;

describe('METEOR', () => {
  it('is 1 for the reference itself, and 0 where nothing matches or nothing is said', () => {
    expect(score('two dogs run', 'two dogs run')).toBeCloseTo(1, 12);
    expect(score('qqq', 'zzz')).toBe(0);
    expect(score('', 'dog')).toBe(0);
    expect(score('dog', '')).toBe(0);
    expect(meteor([]).corpus).toBe(0);
  });

  it('punishes broken order: every match a chunk of its own leaves 1 − γ', () => {
    expect(score('runs dog', 'dog runs')).toBeCloseTo(0.4, 12);
    // 3 matches in 2 chunks, everything else perfect: 1 − 0.6 · (2/3)^0.2.
    expect(score('cat dog bird', 'bird cat dog')).toBeCloseTo(1 - 0.6 * (2 / 3) ** 0.2, 12);
  });

  it('weighs function words by 1 − δ and content words by δ', () => {
    // "dog" of "the dog": 0.75 of 1 on both sides; one chunk, not complete: 0.75 · (1 − 0.6).
    expect(score('the dog', 'a dog')).toBeCloseTo(0.3, 12);
    expect(score('the cat', 'the dog')).toBeCloseTo(0.25 * 0.4, 12);
  });

  it('prefers recall to precision', () => {
    // P = 1/2, R = 1: 1 / (0.15 · 2 + 0.85); and the other way round 1 / (0.15 + 0.85 · 2). Times 0.4.
    expect(score('dog zzz', 'dog')).toBeCloseTo(0.4 / 1.15, 12);
    expect(score('dog', 'dog zzz')).toBeCloseTo(0.4 / 1.85, 12);
  });

  it('takes stems for 0.6 and synonyms for 0.8', () => {
    expect(score('bike', 'bicycle')).toBeCloseTo(0.8, 12);
    // "rides" beside "dog": (0.75 + 0.6 · 0.75) / 1.5 on both sides, complete in one chunk.
    expect(score('dog rides', 'dog riding')).toBeCloseTo(0.8, 12);
    expect(meteor([item('bike', 'bicycle')], { modules: ['exact', 'stem'] }).corpus).toBe(0);
    expect(meteor([item('dog rides', 'dog riding')], { modules: ['exact'] }).corpus).toBeCloseTo(
      0.5 * 0.4,
      12,
    );
  });

  it('takes a word with two ways to match only where it does not break the order', () => {
    // "dog" alone: 1/3 on both sides, one chunk; "rides" and "riding" share stem and synset, and stand apart.
    expect(score('dog qqq rides', 'riding zzz dog')).toBeCloseTo(0.4 / 3, 12);
  });

  it('takes the reference that is best', () => {
    expect(score('two dogs run', 'a cat', 'two dogs run', 'two dogs')).toBeCloseTo(1, 12);
  });

  it('sums statistics over the corpus instead of averaging images', () => {
    // 0.75 of 1.5 on both sides; one match, one chunk, two words: 0.5 · 0.4. The mean of 1 and 0 would be 0.5.
    const { corpus, perImage } = meteor([item('dog', 'dog'), item('qqq', 'zzz')]);
    expect(corpus).toBeCloseTo(0.2, 12);
    expect(perImage).toEqual([expect.closeTo(1, 12), 0]);
  });

  it('splits hyphenated words, and does not care for case', () => {
    expect(score('a close-up', 'a close up')).toBeCloseTo(1, 12);
    expect(score('A Dog', 'a dog')).toBeCloseTo(1, 12);
  });

  it('has some ninety function words, all in lower case', () => {
    expect(FUNCTION_WORDS.size).toBeGreaterThanOrEqual(90);
    expect(FUNCTION_WORDS.size).toBeLessThanOrEqual(96);
    for (const word of FUNCTION_WORDS) expect(word).toMatch(/^[a-z]+$/);
  });
});

describe('the alignment', () => {
  const exact = { weight: 1, ways: 1 };
  const align = (candidate: string, reference: string) => {
    const [own, theirs] = [words(candidate), words(reference)];
    return alignWords(own.length, theirs.length, (i, j) => (own[i] === theirs[j] ? exact : undefined));
  };
  const places = ({ pairs }: ReturnType<typeof align>) =>
    pairs.map(({ candidate, reference }) => [candidate, reference]);

  it('has as few chunks as can be', () => {
    const found = align('a dog on a bed', 'a cat and a dog');
    expect(found.chunks).toBe(2);
    expect(places(found)).toEqual([
      [0, 3],
      [1, 4],
      [3, 0],
    ]);
  });

  it('of equals has the least distance', () => {
    expect(places(align('x a', 'a y a'))).toEqual([[1, 0]]);
    expect(places(align('x y a', 'a z z a'))).toEqual([[2, 3]]);
  });

  it('pairs as many equal words as there are on both sides, each once, and counts its chunks', () => {
    const caption = fc.array(fc.constantFrom(...'abc'), { maxLength: 7 });
    fc.assert(
      fc.property(caption, caption, (own, theirs) => {
        const { pairs, chunks } = align(own.join(' '), theirs.join(' '));
        const count = (all: string[], word: string) => all.filter((one) => one === word).length;
        const most = [...'abc'].reduce(
          (sum, word) => sum + Math.min(count(own, word), count(theirs, word)),
          0,
        );
        expect(pairs.length).toBe(most);
        expect(new Set(pairs.map((pair) => pair.candidate)).size).toBe(most);
        expect(new Set(pairs.map((pair) => pair.reference)).size).toBe(most);
        const starts = pairs.filter((pair, i) => {
          const before = pairs[i - 1];
          return !(before?.candidate === pair.candidate - 1 && before.reference === pair.reference - 1);
        });
        expect(chunks).toBe(starts.length);
      }),
    );
  });
});
