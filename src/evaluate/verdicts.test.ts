import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Folder, temporaryFolder } from '../../test/helpers/collection.ts';
import { say } from '../../test/helpers/program.ts';
import { sharedData } from '../../test/shared.ts';
import { readVerdict } from './verdict.ts';
import { evaluateVerdicts } from './verdicts.ts';

let folder: Folder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

describe('a verdict', () => {
  it.each([
    ['The car is red, as asked.\n\nCorrect', 'correct'],
    ['There are two dogs, not three.\n\nincorrect.', 'incorrect'],
    ['**Incorrect**', 'incorrect'],
    ['It would be correct if the cat were blue. It is red.\nVerdict: incorrect', 'incorrect'],
    ['At first this looks incorrect; but the sign does say so. Correct!', 'correct'],
    ['The number of apples is not correct.', 'incorrect'],
    ["The colours aren't quite correct", 'incorrect'],
    ['{"reasoning": "it is incorrect to expect more", "verdict": "correct"}', 'correct'],
    ['```json\n{"correct": false}\n```', 'incorrect'],
    ['The picture shows a dog.', undefined],
    ['The spelling was corrected by hand.', undefined],
    ['', undefined],
  ])('%s: %s', (response, verdict) => {
    expect(readVerdict(response)).toBe(verdict);
  });
});

const published = sharedData('prompts/judge');
describe.skipIf(published === undefined)('the published verdicts', () => {
  const prompts = sharedData('prompts/drawbench.csv')!;
  it.each([
    ['drawbench_results_2.json', 0.49],
    ['drawbench_results_sdxl.json', 0.46875],
  ])('%s are read from the words alone: %d correct, all as stored', async (file, overall) => {
    const report = await evaluateVerdicts(join(published!, file), prompts);
    expect(report).toMatchObject({ overall, n: 800, prompts: 200, undecided: 0 });
    expect(report.agreement).toBeGreaterThanOrEqual(0.995);
    const [low, high] = report.intervals.overall;
    expect(low).toBeLessThan(overall);
    expect(high).toBeGreaterThan(overall);
    expect(Object.keys(report.categories)).toEqual(
      expect.arrayContaining(['Colors', 'Counting', 'Positional', 'Text']),
    );
  });
});

describe('a file of verdicts', () => {
  const write = (name: string, content: unknown) =>
    folder.write({ [name]: typeof content === 'string' ? content : JSON.stringify(content) });

  it('counts prompts from nought or from one, by category, and says where words and flags part', async () => {
    const answer = (correct: boolean, word = correct ? 'Correct' : 'Incorrect') => ({
      correct,
      response: `Well. ${word}`,
    });
    const csv = await write('prompts.csv', 'prompt,category\n"a red, small car",Colors\ntwo cats,Counting\n');
    for (const first of [0, 1]) {
      const file = await write(`from-${first}.json`, {
        [`x/${first}_0.png`]: answer(true),
        [`x/${first}_1.png`]: answer(true, 'Incorrect'),
        [`x/${first + 1}_0.png`]: answer(false),
        [`x/${first + 1}_1.png`]: answer(false, 'Hm.'),
      });
      const { code, stdout } = await say('evaluate', 'verdicts', file, '--prompts', csv, '--json');
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({
        overall: 0.25,
        agreement: 0.75,
        categories: { Colors: 0.5, Counting: 0 },
        n: 4,
        undecided: 1,
      });
    }
  });

  it.each([
    ['cut in half', '{"a/1_0.png": {"correct": tr', 'bad-verdicts'],
    ['a list', '[]', 'bad-verdicts'],
    ['empty', '{}', 'bad-verdicts'],
    [
      'with a path that names no prompt',
      { 'picture.png': { correct: true, response: 'Correct' } },
      'bad-verdicts',
    ],
  ])('that is %s is told of', async (name, content, code) => {
    const file = await write(`${name}.json`, content);
    await expect(evaluateVerdicts(file)).rejects.toMatchObject({
      code,
      place: expect.stringContaining(file),
    });
  });

  it('is told of when its prompts are others, or no table', async () => {
    const file = await write('many.json', {
      '0_0.png': { correct: true, response: 'Correct' },
      '7_0.png': { correct: true, response: 'Correct' },
    });
    await expect(
      evaluateVerdicts(file, await write('few.csv', 'prompt,category\na,b\n')),
    ).rejects.toMatchObject({ code: 'bad-verdicts' });
    await expect(
      evaluateVerdicts(file, await write('torn.csv', 'prompt,category\n"a,b\n')),
    ).rejects.toMatchObject({ code: 'bad-csv' });
    await expect(evaluateVerdicts(file, await write('other.csv', 'text\na\n'))).rejects.toMatchObject({
      code: 'bad-csv',
    });
  });
});
