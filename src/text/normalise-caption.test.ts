import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normaliseCaption } from './normalise-caption.ts';

describe('normaliseCaption', () => {
  it.each([
    ['A dog runs .', 'A dog runs'],
    ['a dog runs.', 'a dog runs'],
    ['  a\tdog\r\n runs  . ', 'a dog runs'],
    ['a man , a dog . They run !', 'a man , a dog . They run !'],
    ['caf\u0065\u0301', 'café'],
    ['a\u0000 \u0007dog\u007f', 'a dog'],
    ['\ufeffa dog', 'a dog'],
    ['a dog \ud800', 'a dog'],
    ['👩‍🚀 на луне', '👩‍🚀 на луне'],
    ['...', ''],
    ['', ''],
  ])('turns %j into %j', (text, expected) => {
    expect(normaliseCaption(text)).toBe(expected);
  });

  it('changes nothing the second time, and leaves no outer or double space', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(' ', '.', ' .', '\n', '\u0301', '\u0000', 'e'),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
        const once = normaliseCaption(pieces.join(''));
        expect(normaliseCaption(once)).toBe(once);
        expect(once).not.toMatch(/^\s|\s$|\s\s|\p{Cc}/u);
      }),
      { numRuns: 1000 },
    );
  });

  it('takes a caption of 100,000 dots and spaces in its stride', () => {
    expect(normaliseCaption(`${'. '.repeat(100_000)}a`)).toHaveLength(200_001);
  });
});
