import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { type Folder, temporaryFolder } from '../../test/helpers/collection.ts';
import { said, scriptedServer } from '../../test/helpers/fault-proxy.ts';
import { CLOCK } from '../remote/limits.ts';
import { openAnswers } from './answers.ts';
import { type JudgeOptions, openJudge } from './judge.ts';
import { partsMeasure, partsOf, questionsMeasure, verdictMeasure, yesMeasure } from './measures.ts';

interface Body {
  messages: { role: string; content: string | { text?: string }[] }[];
  seed?: number;
  top_logprobs?: number;
}
/** What the judge was asked, without what it was told first. */
const asked = ({ messages }: Body): string =>
  (messages.at(-1)!.content as { text?: string }[]).map(({ text }) => text ?? '').join('');

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close();
});

async function judgeOf(
  answer: (
    body: Body,
    count: number,
  ) => Parameters<typeof scriptedServer>[0] extends (...args: never[]) => infer R ? R : never,
  options: JudgeOptions = {},
) {
  let requests = 0;
  const server = await scriptedServer((_, body) => answer(body as Body, requests++));
  open.push(server);
  const hasty = { ...CLOCK, sleep: (milliseconds: number) => CLOCK.sleep(Math.min(1, milliseconds)) };
  return { judge: openJudge(`openai:m@${server.url}`, { clock: hasty, tries: 2, ...options }), requests: () => requests }; // biome-ignore format: one line
}
const picture = (shade = 0) => ({ width: 8, height: 8, data: new Uint8Array(192).fill(shade) });
const seen = (prompt: string, shade = 0) => ({ prompt: { id: '0', prompt }, image: picture(shade) });
const sure = (yes: number, word = yes >= 0.5 ? 'yes' : 'no') =>
  said(word, {}, { logprobs: { content: [{ token: word, logprob: 0, top_logprobs: [
    { token: 'Yes', logprob: Math.log(yes) },
    { token: ' no', logprob: Math.log(1 - yes) },
  ] }] } }); // biome-ignore format: one line

describe('a judge', () => {
  it('is told its task, shown the picture and the caption, and its verdict is read', async () => {
    const { judge } = await judgeOf((body) => {
      expect(body.messages[0].content).toMatch(/faithful.*correct, or incorrect/s);
      expect(asked(body)).toContain('a red dog');
      return said('The dog is blue.\nincorrect');
    });
    expect(await judge.verdict(picture(), 'a red dog', 0)).toEqual({
      response: 'The dog is blue.\nincorrect',
      verdict: 'incorrect',
    });
    expect(judge.cost()).toMatchObject({ requests: 1, tokensIn: 100 });
  });

  it('is asked again where it does not decide, and not for ever', async () => {
    const hesitant = await judgeOf((_, count) => said(count < 2 ? 'Hmm.' : 'correct'));
    expect(await hesitant.judge.verdict(picture(), 'a dog', 0)).toMatchObject({ verdict: 'correct' });
    const never = await judgeOf(() => said('A nice picture.'));
    expect(await never.judge.verdict(picture(), 'a dog', 0)).toEqual({ response: 'A nice picture.' });
    expect(never.requests()).toBe(3);
  });

  it('tells how sure it is of yes, or says it in words where the server keeps that to itself', async () => {
    const { judge } = await judgeOf(() => sure(0.8));
    const { probability, yes } = await judge.yes(picture(), 'Is there a dog?');
    expect(probability).toBeCloseTo(0.8);
    expect(yes).toBe(true);
    const silent = await judgeOf((body) =>
      body.top_logprobs === undefined
        ? said('No.')
        : { status: 400, body: { error: { message: 'logprobs is not supported' } } },
    );
    expect(await silent.judge.yes(picture(), 'Is there a dog?')).toEqual({ response: 'No.', yes: false });
  });

  it('gives up on a picture that the server fails at, and on a server that fails at all', async () => {
    const { judge } = await judgeOf((body) =>
      asked(body).includes('bad') ? { status: 500, body: { error: { message: 'broken' } } } : said('correct'),
    );
    expect((await judge.verdict(picture(), 'a bad dog', 0)).failure?.code).toBe('server-failed');
    expect((await judge.verdict(picture(), 'a dog', 0)).verdict).toBe('correct');
    const many = Array.from({ length: 60 }, (_, i) => judge.verdict(picture(), `bad ${i}`, 0));
    const ends = await Promise.allSettled(many);
    expect(ends.some(({ status }) => status === 'rejected')).toBe(true);
    await expect(judge.verdict(picture(), 'a dog', 0)).rejects.toMatchObject({ code: 'server-failed' });
  });
});

describe('measures by a judge', () => {
  it('a verdict is the share of judgements that say correct, and says how far they agree', async () => {
    const { judge } = await judgeOf((body) => said(body.seed! >= 3 ? 'incorrect' : 'correct')); // the second judgement has seed 3 and more
    const measure = verdictMeasure(judge, 2);
    expect(await measure.see([seen('a dog'), seen('a cat')])).toMatchObject([{ score: 0.5 }, { score: 0.5 }]);
    expect(measure.besides()).toMatchObject({ agreement: 0, undecided: 0 });
  });

  it('a judge that never decides ends the evaluation with its last words', async () => {
    const { judge } = await judgeOf(() => said('A nice picture.'));
    const measure = verdictMeasure(judge, 1);
    await expect(measure.see(Array.from({ length: 30 }, () => seen('a dog')))).rejects.toMatchObject({
      code: 'judge-undecided',
      hint: expect.stringContaining('A nice picture.'),
    });
  });

  it('one that hesitates here and there is left out there, and counted', async () => {
    const { judge } = await judgeOf((body) => said(asked(body).includes('dog') ? 'correct' : 'Well …'));
    const measure = verdictMeasure(judge, 1);
    const [dog, cat] = await measure.see([seen('a dog'), seen('a cat')]);
    expect(dog).toMatchObject({ score: 1 });
    expect(cat).toMatchObject({ failure: { code: 'undecided' } });
    expect(measure.warnings()).toEqual([expect.stringContaining(': 1')]);
  });

  it('parts are the things of a prompt with what they are like, and their probabilities are multiplied', async () => {
    expect(await partsOf('a green bench and a blue bowl')).toEqual(['a green bench', 'a blue bowl']);
    expect(await partsOf('three red apples on an old table')).toEqual(['3 red apples', 'an old table']);
    const { judge } = await judgeOf((body) => sure(asked(body).includes('bench') ? 0.9 : 0.5));
    const [mark] = await partsMeasure(judge).see([seen('a green bench and a blue bowl')]);
    expect((mark as { score: number }).score).toBeCloseTo(0.45);
  });

  it('without log-probabilities yes is 1 and no is 0, and it says so', async () => {
    const { judge } = await judgeOf((body) => said(asked(body).includes('dog') ? 'Yes.' : 'No.'));
    const measure = yesMeasure(judge);
    expect(await measure.see([seen('a dog'), seen('a cat')])).toMatchObject([{ score: 1 }, { score: 0 }]);
    expect(measure.warnings()).toEqual([expect.stringMatching(/log-probabilities.*: 2/)]);
  });

  it('a question counts where those that it depends on hold, and a prompt without any is left out', async () => {
    const { judge } = await judgeOf((body) => said(asked(body).includes('motorcycle') ? 'no' : 'yes'));
    const questions = [
      { id: 1, parents: [], category: 'entity', text: 'Is there a motorcycle?' },
      { id: 2, parents: [1], category: 'attribute', text: 'Is it blue?' },
      { id: 3, parents: [], category: 'entity', text: 'Is there a door?' },
    ];
    const marks = await questionsMeasure(judge).see([
      { prompt: { id: '0', prompt: 'x', questions }, image: picture() },
      seen('y'),
    ]);
    expect(marks[0]).toMatchObject({ score: 1 / 3 });
    expect(marks[1]).toMatchObject({ failure: { code: 'nothing-asked' } });
  });
});

describe('answers', () => {
  let folder: Folder;
  const file = () => `${folder.path}/answers.jsonl`;
  afterEach(() => folder.remove());

  it('are asked for once, in this run and the next, for each picture, prompt, seed and judge', async () => {
    folder = await temporaryFolder();
    const { judge, requests } = await judgeOf((body) => (asked(body).startsWith('Caption') ? said('correct') : sure(0.7))); // biome-ignore format: one line
    const ask = async () => {
      const answers = await openAnswers(file());
      const own = answers.remember(judge);
      const all = [];
      for (const shade of [1, 2]) all.push(await own.verdict(picture(shade), 'a dog', 0));
      all.push(await own.verdict(picture(1), 'a cat', 0), await own.verdict(picture(1), 'a cat', 1));
      all.push(await own.yes(picture(1), 'a cat'), await own.yes(picture(1), 'a cat'));
      await answers.close();
      return all;
    };
    const first = await ask();
    expect(requests()).toBe(5);
    expect(await ask()).toEqual(first);
    expect(requests()).toBe(5);
    const other = { ...judge, id: 'another' };
    const answers = await openAnswers(file());
    await answers.remember(other).verdict(picture(1), 'a dog', 0);
    expect(requests()).toBe(6);
    await answers.close();
  });

  it('that a kill cut short are asked for again; a line that is none is told with its place; nobody else may write', async () => {
    folder = await temporaryFolder();
    const { judge, requests } = await judgeOf(() => said('correct'));
    await folder.write({ 'answers.jsonl': '' });
    let answers = await openAnswers(file());
    await answers.remember(judge).verdict(picture(1), 'a dog', 0);
    await expect(openAnswers(file())).rejects.toMatchObject({ code: 'output-busy' });
    await answers.close();
    const whole = await readFile(file(), 'utf8');
    await folder.write({ 'answers.jsonl': `${whole}${whole.slice(0, 30)}` });
    answers = await openAnswers(file());
    expect(answers.known).toBe(1);
    await answers.remember(judge).verdict(picture(2), 'a dog', 0);
    expect(requests()).toBe(2);
    await answers.close();
    await folder.write({ 'answers.jsonl': `${whole}{"hello": 1}\n` });
    await expect(openAnswers(file())).rejects.toMatchObject({
      code: 'bad-answers',
      place: `${file()}:2`,
    });
  });
});
