import { expect, test } from 'vitest';
import { readVerdict } from './verdict.ts';

test.each([
  ['It has all that is asked for.\ncorrect', 'correct'],
  ['Extra things do not matter\ncorrect', 'correct'],
  ['Not all of it is there.\n**Incorrect.**', 'incorrect'],
  ['The image is not quite correct.', 'incorrect'],
  ["That isn't correct.", 'incorrect'],
  ['<think>It is incorrect?</think>\ncorrect', 'correct'],
  ['{"verdict": "incorrect"}', 'incorrect'],
  ['The bench is blue.\n{"correct": false}', 'incorrect'],
  ['{"correct":"false"}', 'incorrect'],
  ['{"correct":"no"}', 'incorrect'],
  ['{"correct":0}', 'incorrect'],
  ['{"correct": true}', 'correct'],
  ['{"reasoning":"all is correct","verdict":"wrong"}', 'incorrect'],
  ['{"reasoning":"all is correct","verdict":"unsure"}', undefined],
  ['I cannot say whether it is correct or incorrect.', undefined],
  ['A nice picture.', undefined],
])('%j is read as %s', (answer, verdict) => expect(readVerdict(answer)).toBe(verdict));

test('an answer that was broken off has a verdict only where its last line is one', () => {
  expect(
    readVerdict('To be correct, the picture must show a red car. First I look at', true),
  ).toBeUndefined();
  expect(readVerdict('The car is red.\ncorrect', true)).toBe('correct');
});
