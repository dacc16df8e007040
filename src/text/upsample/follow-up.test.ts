import { beforeAll, describe, expect, test } from 'vitest';
import { loadSceneGraphParser, type SceneGraphParser } from '../scene-graph/index.ts';
import { askedFor } from './follow-up.ts';

let parser: SceneGraphParser;
beforeAll(async () => {
  parser = await loadSceneGraphParser();
});

describe('a follow-up', () => {
  test.each([
    ['a cat', 'make it blue', 'a blue cat'],
    ['a cat', 'a black one', 'a black cat'],
    ['a cat on a mat', 'without it', 'a cat on a mat'],
    ['a cat', 'more detail', 'a cat'],
    ['a small red circle', 'make it blue', 'a small blue circle'],
    [
      'a small red circle left of a blue square',
      'make the square green',
      'a small red circle left of a green square',
    ],
    [
      'a small red circle left of a blue square',
      'now in orange',
      'a small orange circle left of a blue square',
    ],
    ['a red circle', 'orange', 'an orange circle'],
    ['a small red circle', 'bigger', 'a large red circle'],
    ['a cat and a dog', 'without the dog', 'a cat'],
    ['a cat with a hat', 'remove the hat', 'a cat'],
    ['a cat on a sofa', 'add a dog', 'a cat on a sofa, with a dog'],
    ['a black cat on a sofa', 'a dog instead of the cat', 'a dog on a sofa'],
    ['a black cat on a sofa', 'change the cat to a brown dog', 'a brown dog on a sofa'],
    ['a cat', 'make it two dogs', 'two dogs'],
    ['a cat', 'Make it fluffy please.', 'a fluffy cat'],
    ['a black cat, with two birds', 'make it three birds', 'a black cat, with three birds'],
    [
      'a large red circle and a small blue square',
      'make the small one green',
      'a large red circle and a small green square',
    ],
    ['a red circle and a blue square', 'make both green', 'a green circle and a green square'],
    ['a cat', 'make it bigger and blue', 'a large blue cat'],
    ['a man', 'give him a hat', 'a man, with a hat'],
    ['a cat', 'now at night', 'a cat, at night'],
    ['a cat', 'in the style of van gogh', 'a cat, in the style of van gogh'],
    ['a cat', 'as a watercolor', 'a cat, as a watercolor'],
    ['a cat', 'it is raining', 'a cat. it is raining'],
    ['a cat', 'a dog instead', 'a dog'],
    ['a cat, on a red background', 'change the background to white', 'a cat, white background'],
    ['a red circle', 'no circle', 'a red circle'],
    ['a cat', 'make the car faster', 'a cat'],
    ['a cat', 'it is sleeping', 'a cat. the cat is sleeping'],
    ['a cat on a sofa', 'the cat wears a hat', 'a cat on a sofa. the cat wears a hat'],
  ])('%s — "%s" asks for %s', (before, prompt, asked) => {
    expect(askedFor(prompt, before, parser)).toBe(asked);
  });

  test.each([
    ['a cat', 'a mountain lake at dawn'],
    ['a cat', 'two dogs playing in the snow'],
    [undefined, 'make it blue'],
    ['a cat', ''],
  ])('after %s a new subject stays as it is: "%s"', (before, prompt) => {
    expect(askedFor(prompt, before, parser)).toBe(prompt);
  });
});
