import { beforeAll, describe, expect, test } from 'vitest';
import { loadSceneGraphParser, type SceneGraphParser } from '../scene-graph/index.ts';
import { fault, type PromptWriter, upsample } from './index.ts';

let parser: SceneGraphParser;
beforeAll(async () => {
  parser = await loadSceneGraphParser();
});
const faultOf = (prompt: string, text: string) => fault(prompt, text, parser);

describe('a description does for a prompt', () => {
  test.each([
    ['a cat', 'a fluffy orange cat lies on a green sofa beside a window'],
    ['two dogs', 'two brown dogs run through snow'],
    ['a small red circle', 'a small red circle is at the top left. the background is white'],
    [
      'a red circle left of a blue square',
      'a small red circle is left of a large blue square. the background is gray',
    ],
    ['a red circle and a blue circle', 'a large red circle is above a small blue circle'],
    ['12 eggs', '12 white eggs lie in a basket'],
    ['a bowl of eggs', 'a bowl of three eggs stands on a table'],
    [
      'three small red circles left of a blue square, white background',
      'three small red circles sit to the left of a large blue square. the background is plain white',
    ],
  ])('that says all of "%s": %s', (prompt, text) => {
    expect(faultOf(prompt, text)).toBeUndefined();
  });

  test.each([
    ['a cat', 'a brown dog runs through snow'],
    ['a red circle', 'a blue circle is at the top'],
    ['a small red circle', 'a large red circle is at the top'],
    ['two dogs', 'three dogs run through snow'],
    ['a cat', 'two cats lie on a sofa'],
    ['one dog', 'two dogs run through snow'],
    ['12 eggs', 'two eggs lie in a basket'],
    ['a dozen eggs', 'ten eggs lie in a basket'],
    ['a dog', 'there is no dog in this picture, which shows a lawn'],
    ['a man with glasses', 'a man without glasses stands in a garden'],
    ['a young man', 'a young man is here. the man is old'],
    ['a cup on a table', 'a cup is on a table. the cup is under the table'],
    ['a man riding a horse', 'a man is riding a horse. the man is riding a bicycle'],
    ['a red circle left of a blue square', 'a blue square and a red circle on white'],
    ['a red circle left of a blue square', 'a red circle is to the right of a blue square'],
    ['a cat next to a dog', 'a cat and a dog lie on a sofa'],
    [
      'three green hearts and a purple star',
      'three green hearts and a purple star. the green star is at the top',
    ],
    ['a small red circle', 'a small red circle. there is a large red circle on a gray background'],
  ])('unless it leaves out or changes something of "%s": %s', (prompt, text) => {
    expect(faultOf(prompt, text)).toBeTypeOf('string');
  });
});

const LONG =
  'the cat lies on a soft green sofa beside a tall window, and warm light falls on the wooden floor';
const writer = (...answers: string[]): PromptWriter & { asked: string[][] } => {
  const asked: string[][] = [];
  return {
    id: 'scripted',
    asked,
    async write(prompts, seeds) {
      asked.push([...prompts]);
      return prompts.map((_, i) => answers[Math.min(seeds[i], answers.length - 1)]);
    },
  };
};

describe('a prompt', () => {
  test('becomes the description that says all of it', async () => {
    const [result] = await upsample(['a black cat'], {
      writer: writer(`a black cat is there. ${LONG}`),
      parser,
    });
    expect(result).toMatchObject({ how: 'written', tries: 1, upsampled: `a black cat is there. ${LONG}` });
    expect(result).not.toHaveProperty('fault');
  });

  test('is put before one that goes on from it', async () => {
    const [result] = await upsample(['A black cat.'], { writer: writer(LONG), parser });
    expect(result).toMatchObject({ how: 'joined', upsampled: `A black cat. ${LONG}` });
  });

  test('does not get a description of other things behind it', async () => {
    const script = writer(
      'a little boy in a blue shirt holds a brown ball and runs along the beach with two dogs behind him',
    );
    const [result] = await upsample(['a black cat'], { writer: script, parser });
    expect(result).toMatchObject({ how: 'kept', upsampled: 'a black cat' });
  });

  test('is asked for again where the description is short or says otherwise', async () => {
    const script = writer(
      'a cat',
      `a white cat is there. the black cat is a white cat. ${LONG}`,
      `a black cat is there. ${LONG}`,
    );
    const [result] = await upsample(['a black cat'], { writer: script, parser });
    expect(result.how).not.toBe('kept');
    expect(result.upsampled).toContain('black cat');
    expect(result.tries).toBeGreaterThan(1);
  });

  test('stays as it is where no description does, and says why', async () => {
    const [result] = await upsample(['two dogs'], { writer: writer('nothing'), parser, tries: 3 });
    expect(result).toMatchObject({
      how: 'kept',
      upsampled: 'two dogs',
      tries: 3,
      fault: expect.stringContaining('words'),
    });
  });

  test('of eighty words or of none is left alone', async () => {
    const script = writer(LONG);
    const long = Array(80).fill('cat').join(' ');
    const results = await upsample([long, '  '], { writer: script, parser });
    expect(results.map(({ how }) => how)).toEqual(['kept', 'kept']);
    expect(script.asked).toEqual([]);
  });

  test('that changes the last one is written with what that asked for', async () => {
    const script = writer(`a blue cat is there. ${LONG}`);
    const history = [{ prompt: 'a cat', asked: 'a cat', upsampled: 'a cat' }];
    const [result] = await upsample(['make it blue'], { writer: script, parser, history });
    expect(script.asked).toEqual([['a blue cat']]);
    expect(result).toMatchObject({ asked: 'a blue cat', how: 'written' });
  });
});
