import { beforeAll, expect, test } from 'vitest';
import { loadSceneGraphParser, type SceneGraphParser } from '../text/scene-graph/index.ts';
import { bootstrap } from './bootstrap.ts';
import { tupleFigures } from './tuples.ts';

let parser: SceneGraphParser;
beforeAll(async () => {
  parser = await loadSceneGraphParser();
});

const figures = (...pairs: [candidateText: string, ...referenceTexts: string[]][]) =>
  tupleFigures(
    pairs.map(([candidateText, ...referenceTexts]) => ({ candidateText, referenceTexts })),
    parser,
  );

test('objects, attributes and relations are counted, the true ones and the others', () => {
  const { metrics, perImage } = figures(['a black dog on a red sofa', 'a black dog on a couch']);
  expect(perImage).toEqual([
    { words: 7, true: ['dog', 'sofa', 'dog black', 'dog on sofa'], hallucinated: ['sofa red'] },
  ]);
  expect(metrics).toEqual({
    Words: 7,
    Objects: 2,
    Attributes: 2,
    Relations: 1,
    True: 4,
    Hallucination: 1 / 5,
    Recall: 1,
    Recall_Object: 1,
    Recall_Attribute: 1,
    Recall_Relation: 1,
  });
});

test('what the references say is taken together, each thing once', () => {
  const { metrics } = figures(['a dog', 'a brown dog', 'a dog on the grass', 'the brown dog']);
  // dog, grass, dog brown, dog on grass
  expect(metrics).toMatchObject({
    Recall: 1 / 4,
    Recall_Object: 1 / 2,
    Recall_Attribute: 0,
    Recall_Relation: 0,
  });
  expect(metrics.Hallucination).toBe(0);
});

test('rates are of all tuples of the set, not means of images', () => {
  const { metrics, additive } = figures(
    ['a cat', 'a dog'],
    ['a black dog on a couch', 'a black dog on a couch'],
  );
  expect(metrics.Hallucination).toBe(1 / 5);
  expect(metrics.True).toBe(2);
  const [low, high] = bootstrap(additive, { draws: 200 })[5];
  expect(low).toBe(0);
  expect(high).toBe(1);
});

test('a caption that names nothing says nothing, and is neither true nor false', () => {
  const { metrics } = figures(['', 'a dog']);
  expect(metrics).toMatchObject({ Words: 0, Objects: 0, True: 0, Hallucination: 0, Recall: 0 });
});

test('an image without references is refused', () => {
  expect(() => figures(['a dog'])).toThrow(expect.objectContaining({ code: 'no-references' }));
});
