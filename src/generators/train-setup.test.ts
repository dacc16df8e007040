import { expect, test } from 'vitest';
import { parseGeneratorFile } from './config.ts';
import { largestPatch, sized } from './train-setup.ts';

const modelOf = (config: unknown, asked: number | undefined, factor = 1) =>
  parseGeneratorFile(sized(config, asked, factor), 'config').model;

test.each([
  [32, 1, 32, 4],
  [48, 1, 48, 8],
  [64, 1, 64, 8],
  [40, 1, 40, 5],
  [64, 8, 8, 1],
  [128, 8, 16, 2],
])(
  'pictures of %i pixels, %i to a cell, are %i cells a side, in patches of %i',
  (asked, factor, size, patch) => {
    expect(modelOf({}, asked, factor)).toMatchObject({ size, patch });
  },
);

test('a patch that is named is kept, and a size that it does not divide is refused with what it would', () => {
  expect(modelOf({ model: { patch: 16 } }, 64)).toMatchObject({ size: 64, patch: 16 });
  expect(() => sized({ model: { patch: 5 } }, 64, 1)).toThrow('patches of 5');
  expect(() => sized({}, 50, 8)).toThrow('pictures of 50 pixels do not divide into patches of 8');
});

test('what is no configuration is left for the parser to refuse', () => {
  for (const wrong of [null, 'x', [1]]) expect(sized(wrong, 64, 1)).toBe(wrong);
});

test('the largest patch divides the side and is no larger than asked', () => {
  expect([largestPatch(48, 8), largestPatch(7, 3), largestPatch(4, 5.3), largestPatch(8, 0.5)]).toEqual([
    8, 1, 4, 1,
  ]);
});
