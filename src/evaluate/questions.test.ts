import { describe, expect, test } from 'vitest';
import { checkQuestions, readYesNo, yesProbability } from './questions.ts';

const question = (id: number, ...parents: number[]) => ({ id, parents, category: 'entity', text: `${id}?` });
const share = (questions: ReturnType<typeof question>[], ...yes: number[]) =>
  checkQuestions(questions, new Map(questions.map(({ id }) => [id, yes.includes(id)]))).share;

describe('questions that depend on others', () => {
  const bike = [question(1), question(2, 1), question(3, 1, 2), question(4)];
  test('count where all before them hold', () => {
    expect(share(bike, 1, 2, 3, 4)).toBe(1);
    expect(share(bike, 1, 2)).toBe(0.5);
  });
  test('do not count where one before them fails, whatever was answered', () => {
    expect(share(bike, 2, 3, 4)).toBe(0.25);
    expect(share(bike, 1, 3, 4)).toBe(0.5);
  });
  test('may come before those that they depend on', () => {
    expect(share(bike.toReversed(), 2, 3, 4)).toBe(0.25);
  });
  test('that depend on themselves, or on what is not there, fail and end', () => {
    expect(share([question(1, 2), question(2, 1), question(3, 3), question(4, 9)], 1, 2, 3, 4)).toBe(0);
  });
  test('that nobody answered do not hold, and are told apart from those answered with no', () => {
    const { answered, share } = checkQuestions(bike, new Map([[1, true], [4, false]])); // biome-ignore format: one line
    expect(answered.map(({ yes, holds }) => [yes, holds])).toEqual([[true, true], [undefined, false], [undefined, false], [false, false]]); // biome-ignore format: one line
    expect(share).toBe(0.25);
  });
});

describe('an answer', () => {
  test.each([
    ['Yes.', true],
    ['no', false],
    ['**No**, it is not there. Yes, really.', false],
    ['I know nothing', undefined],
    ['Yesterday', undefined],
    ['', undefined],
  ])('%j is read as %s', (answer, yes) => {
    // biome-ignore format: one line
    expect(readYesNo(answer)).toBe(yes);
  });
  test('has the probability of yes against no, however they are written', () => {
    const alternatives = [['Yes', 0.3], [' yes', 0.3], ['No', 0.2], ['Maybe', 0.2]].map(([token, p]) => ({ token: token as string, logprob: Math.log(p as number) })); // biome-ignore format: one line
    expect(yesProbability(alternatives)).toBeCloseTo(0.75, 12);
    expect(yesProbability([{ token: 'The', logprob: -0.1 }])).toBeUndefined();
  });
});
