import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sharedData } from '../../test/shared.ts';
import { ptbTokenize } from './ptb-tokenizer.ts';

describe('ptbTokenize', () => {
  it.each([
    ['A man, riding a wave.', 'a man riding a wave'],
    ['Two dogs -- one brown; one black - play!', 'two dogs one brown one black play'],
    ["The dog's ball isn't red", "the dog 's ball is n't red"],
    [
      "They can't, won't and cannot; I'm, we've, she'll, he'd",
      "they ca n't wo n't and can not i 'm we 've she 'll he 'd",
    ],
    ['the dogs’ “toys”', 'the dogs toys'],
    ['A twin-hulled, black-and-white boat', 'a twin-hulled black-and-white boat'],
    ['a clock at 5:55 with 1,000 people and 3.5 cakes', 'a clock at 5:55 with 1,000 people and 3.5 cakes'],
    ['a refrigerator/freezer', 'a refrigerator/freezer'],
    ['Dr. Smith on Morgan Rd. near St. Paul, etc.', 'dr. smith on morgan rd. near st. paul etc.'],
    ['in Washington D.C. at 5 p.m.', 'in washington d.c. at 5 p.m.'],
    ['a mixture of cat. dog.', 'a mixture of cat dog'],
    ['bananas etc., on a table', 'bananas etc. on a table'],
    ['a sign (red) [big] {old}', 'a sign red [ big ] old'],
    ['wait... what?!', 'wait what'],
    ['first line\nsecond line\r\n', 'first line second line'],
    ['number #25 at 50% off for $3', 'number # 25 at 50 % off for $ 3'],
    ["it's 3 o'clock in the '80s", "it 's 3 o'clock in the '80s"],
    ['Собака бежит. 犬が走る', 'собака бежит 犬が走る'],
    ['', ''],
    [' . , ', ''],
  ])('splits %j into %j', (text, expected) => {
    expect(ptbTokenize(text).join(' ')).toBe(expected);
  });

  it('accepts any text and leaves no white space, no capitals and no plain punctuation', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.string()),
        (text) => {
          for (const token of ptbTokenize(text)) expect(token).toMatch(/^(?![.,:;!?'"`-]$)\S+$/u);
        },
      ),
    );
  });

  const shared = sharedData('metrics/fakecap.json');
  it.skipIf(!shared)('leaves the output of the reference tokeniser as it is', () => {
    const images: { candidate: string; references: string[] }[] = JSON.parse(readFileSync(shared!, 'utf8'));
    const changed = images
      .flatMap(({ candidate, references }) => [candidate, ...references])
      .filter((text) => ptbTokenize(text).join(' ') !== text);
    // "bat." stands before punctuation that the reference has already dropped.
    expect(changed).toEqual(['a young baseball player in uniform getting ready to bat.']);
  });
});
