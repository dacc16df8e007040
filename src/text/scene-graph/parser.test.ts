import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readAnnotated } from '../../../scripts/scene-graphs/read-csv.ts';
import { sharedData } from '../../../test/shared.ts';
import { agreement } from './agreement.ts';
import { factsOf, writeFactual } from './factual.ts';
import { loadSceneGraphParser } from './parser.ts';

const parser = await loadSceneGraphParser();
const facts = (text: string) => factsOf(writeFactual(parser.parse(text))).sort();

describe('a sentence becomes its facts', () => {
  test.each([
    [
      'attributes before and after',
      'a tall building that is white',
      ['building , is , tall', 'building , is , white'],
    ],
    ['numbers', 'three birds in the sky', ['birds , in , sky', 'birds , is , 3']],
    ['participles', 'people standing near a bus', ['people , stand near , bus']],
    ['progressives', 'the man is riding a horse', ['man , ride , horse']],
    ['phrasal prepositions', 'a lamp in front of the mirror', ['lamp , in front of , mirror']],
    ['the agent of a passive', 'a plate covered by a napkin', ['napkin , cover , plate']],
    ['conjunctions', 'a cat and a dog on the sofa', ['cat , on , sofa', 'dog , on , sofa']],
    ['possessives', "the dog's tail", ['dog , have , tail']],
    ['possession with of', 'the leg of the table', ['table , have , leg']],
    ['compounds', 'a tennis racket on the bench', ['tennis racket , on , bench']],
    ['relative clauses', 'a woman who is holding an umbrella', ['woman , hold , umbrella']],
    ['relative clauses without a pronoun', 'the bench the man is sitting on', ['man , sit on , bench']],
    ['"there is"', 'there is a clock on the wall', ['clock , on , wall']],
    ['a lone object', 'this is a pole', ['pole']],
  ])('%s: %s', (_, text, expected) => {
    expect(facts(text)).toEqual(expected);
  });

  test('counts are numbers of objects', () => {
    const { objects } = parser.parse('two brown horses');
    expect(objects).toEqual([{ id: 'horses', name: 'horses', count: 2 }]);
  });
});

describe('several sentences', () => {
  test('pronouns and definite nouns speak of what was named', () => {
    const { objects, attributes, relations } = parser.parse(
      'A man is sitting on a bench. He is wearing a hat. The bench is wooden.',
    );
    expect(objects.map(({ id }) => id)).toEqual(['man', 'bench', 'hat']);
    expect(relations).toContainEqual({ subject: 'man', predicate: 'wear', object: 'hat' });
    expect(attributes).toEqual([{ object: 'bench', attribute: 'wooden' }]);
  });

  test('another one is new', () => {
    const { objects } = parser.parse('A dog is on the grass. Another dog is in the water.');
    expect(objects.map(({ id }) => id)).toEqual(['dog', 'grass', 'dog:1', 'water']);
  });
});

test('two of one name that are related are two', () => {
  const { objects, relations } = parser.parse('a small tree next to a large tree');
  expect(objects.map(({ id }) => id)).toEqual(['tree', 'tree:1']);
  expect(relations).toEqual([{ subject: 'tree', predicate: 'next to', object: 'tree:1' }]);
});

test('case does not matter', () => {
  expect(facts('A RED BALL ON THE GRASS')).toEqual(facts('a red ball on the grass'));
});

test.each(['', '   ', '...', 'and of the'])('"%s" names nothing', (text) => {
  expect(parser.parse(text)).toEqual({ objects: [], attributes: [], relations: [] });
});

test('any text gives a graph whose parts belong together, and the same one again', () => {
  const words = fc.array(fc.constantFrom(...'a the dog dogs two red on in of and is riding with it his , . 雨 🙂'.split(' '), 'tail'), { maxLength: 25 }); // biome-ignore format: one line
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'grapheme' }),
        words.map((list) => list.join(' ')),
      ),
      (text) => {
        const graph = parser.parse(text);
        const ids = graph.objects.map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        for (const { object } of graph.attributes) expect(ids).toContain(object);
        for (const { subject, object } of graph.relations)
          expect(ids).toEqual(expect.arrayContaining([subject, object]));
        expect(parser.parse(text)).toEqual(graph);
      },
    ),
    { numRuns: 60 },
  );
});

test('a very long text takes time in proportion', () => {
  const { objects } = parser.parse('a red dog on the grass near a tree and '.repeat(100));
  expect(objects.length).toBeGreaterThan(0);
}, 5000);

const dev = sharedData('scene-graphs', 'factual_random_dev.csv');
test.skipIf(dev === undefined)(
  'graphs agree with annotated ones: set match 66 %, tuple F1 86 % (skipped without the shared data)',
  async () => {
    const annotated = await readAnnotated(dev!);
    const pairs = annotated.map(({ caption, graph }) => ({
      parsed: writeFactual(parser.parse(caption)),
      annotated: graph,
    }));
    const { setMatch, tupleF1 } = agreement(pairs);
    expect(pairs).toHaveLength(977);
    expect(setMatch).toBeGreaterThan(0.66);
    expect(tupleF1).toBeGreaterThan(0.86);
  },
);
