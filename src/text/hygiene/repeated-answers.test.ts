import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerKey, repeatedAnswers } from './index.ts';

describe('answerKey', () => {
  it('folds case, white space, Unicode form and the punctuation at both ends', () => {
    for (const text of ['A dog  runs .', ' "a dog\nruns!"', 'A DOG RUNS'])
      expect(answerKey(text)).toBe('a dog runs');
    expect(answerKey('cafe\u0301')).toBe(answerKey('CAFÉ'));
    expect(answerKey("a dog's, well, toy")).toBe("a dog's, well, toy");
    expect(answerKey('...')).toBe('');
  });

  it('is the key of itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(answerKey(answerKey(text))).toBe(answerKey(text));
      }),
    );
  });
});

describe('repeatedAnswers', () => {
  const counts = new Map([
    ['a dog runs', 4],
    ['a cat', 11],
    ['a photo', 101],
  ]);

  it('suspects an answer that more images have than the root of their number', () => {
    expect(repeatedAnswers(counts, 116)).toEqual(new Set(['a cat', 'a photo']));
    expect(repeatedAnswers(counts, 10_000)).toEqual(new Set(['a photo']));
  });

  it('suspects nothing that fewer than 5 images have, unless told to', () => {
    expect(repeatedAnswers(new Map([['a dog', 4]]), 4)).toEqual(new Set());
    expect(repeatedAnswers(counts, 116, { images: 4 })).toEqual(new Set(counts.keys()));
  });
});
