import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../errors.ts';
import { random } from '../random.ts';
import { trainBpe } from './bpe.ts';
import { createTokenizer } from './tokenizer.ts';

const captions = [
  'A brown dog runs through the grass .',
  'Two dogs are running on the grass',
  "The dog's ball rolls under the green bench .",
  'A child in a pink dress climbs the stairs',
];
const normalised = (text: string) => text.normalize('NFC').toLowerCase();

describe('trainBpe', () => {
  it('learns the merges that can be counted by hand', () => {
    // "low" 5 times, "lower" twice, "newest" 6 times, "widest" 3 times: the example of Sennrich, Haddow, Birch (2016).
    const text = [
      ...Array(5).fill('low'),
      ...Array(2).fill('lower'),
      ...Array(6).fill('newest'),
      ...Array(3).fill('widest'),
    ];
    const { model } = trainBpe(text, { vocabSize: 264, minFrequency: 1, specialTokens: [] });
    // "es" and "st" 9 times each: (e, s) comes first by its ids; then (es, t); "lo" and "ow" 7 times each.
    expect(model.merges.slice(0, 4)).toEqual([
      ['e', 's'],
      ['es', 't'],
      ['l', 'o'],
      ['lo', 'w'],
    ]);
    expect(Object.keys(model.vocab)).toHaveLength(264);
  });

  it('merges a run of equal letters from the left, and of two equal counts the smaller ids first', () => {
    const { model } = trainBpe(['aaaaa', 'aaaaa'], { vocabSize: 300, specialTokens: [] });
    expect(model.merges).toEqual([
      ['a', 'a'],
      ['aa', 'a'],
      ['aa', 'aaa'],
    ]);
  });

  it('merges nothing that is rarer than the minimum frequency', () => {
    expect(trainBpe(['abc'], { vocabSize: 300, minFrequency: 2 }).model.merges).toEqual([]);
  });

  it('does not depend on the order of the texts', () => {
    const options = { vocabSize: 320 };
    expect(JSON.stringify(trainBpe([...captions].reverse(), options).model.merges)).toBe(
      JSON.stringify(trainBpe(captions, options).model.merges),
    );
  });

  it('puts special tokens first and never learns one from the text', () => {
    const json = trainBpe(Array(9).fill('eos eos eos'), { vocabSize: 300, specialTokens: ['<pad>', 'eos'] });
    expect(json.added_tokens.map(({ id, content }) => [id, content])).toEqual([
      [0, '<pad>'],
      [1, 'eos'],
    ]);
    expect(createTokenizer(json).decode(createTokenizer(json).encode('eos eos'))).toBe('eos eos');
  });

  it('learns a token spelled "__proto__" without losing it', () => {
    const json = trainBpe(Array(5).fill('__proto__'), { vocabSize: 300 });
    const tokenizer = createTokenizer(JSON.parse(JSON.stringify(json)));
    expect(tokenizer.decode(tokenizer.encode('a __proto__'))).toBe('a __proto__');
  });

  it('refuses a vocabulary that cannot hold the bytes', () => {
    expect(() => trainBpe(captions, { vocabSize: 259 })).toThrow(UsageError);
  });

  it('gives back any text, in any script, after normalisation', () => {
    const lower = createTokenizer(trainBpe(captions, { vocabSize: 340 }));
    const cased = createTokenizer(trainBpe(captions, { vocabSize: 340, lowercase: false }));
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.string({ unit: 'grapheme', maxLength: 40 }),
      fc.lorem(),
      fc
        .array(fc.constantFrom('<eos>', '<pad>', ' ', '\n', "'s", '犬', '👩‍🚀', 'a dog', 'ﬁ', 'É'), {
          maxLength: 8,
        })
        .map((a) => a.join('')),
    );
    fc.assert(
      fc.property(text, (t) => {
        expect(lower.decode(lower.encode(t))).toBe(normalised(t));
        expect(cased.decode(cased.encode(t))).toBe(t.normalize('NFC'));
      }),
      { numRuns: 500 },
    );
  });

  it('learns 4,000 tokens from 30,000 captions in seconds', () => {
    const { int } = random(7);
    const syllables = 'ba co di fu ge ha ki lo mu ne po ra su ti vo wa yo ze ing ed'.split(' ');
    const lexicon = Array.from({ length: 8000 }, () =>
      Array.from({ length: 1 + int(4) }, () => syllables[int(20)]).join(''),
    );
    const texts = Array.from({ length: 30_000 }, () =>
      Array.from({ length: 10 }, () => lexicon[int(8000)]).join(' '),
    );
    const start = performance.now();
    expect(Object.keys(trainBpe(texts, { vocabSize: 4000 }).model.vocab)).toHaveLength(4000);
    expect(performance.now() - start).toBeLessThan(10_000); // 3 s on a quiet machine
  });
});
