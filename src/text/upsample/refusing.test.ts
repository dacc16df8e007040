import { beforeAll, expect, test } from 'vitest';
import { loadSceneGraphParser } from '../scene-graph/index.ts';
import { fault, type GraphReader, unreadable } from './contained.ts';
import { upsample } from './upsample.ts';

let parser: GraphReader;
beforeAll(async () => {
  parser = await loadSceneGraphParser();
});

test.each([
  ['two cats', 'two cats. there are three cats'],
  ['a star above a circle', 'a star above a circle. the circle is above the star'],
  ['a man riding a horse', 'a man riding a horse. the horse is riding the man'],
  [
    'a red circle left of a blue square',
    'a red circle left of a blue square. the red circle is right of the blue square',
  ],
])('"%s" is contradicted by "%s"', (asked, text) => expect(fault(asked, text, parser)).toBeDefined());

test.each([
  ['two cats', 'two cats sleep on a sofa. the cats are gray'],
  ['a star above a circle', 'a star is above a circle. the background is white'],
  ['a red circle left of a blue square', 'a red circle is left of a blue square. the background is white'],
])('"%s" is kept by "%s"', (asked, text) => expect(fault(asked, text, parser)).toBeUndefined());

test.each(['a man without a hat', 'no dogs', 'a dog that is not brown', 'empty street', '🐱', '一只猫'])(
  'nobody writes on "%s": that could not be checked',
  async (prompt) => {
    expect(unreadable(prompt, parser)).toBeDefined();
    const write = async () => [
      'a brown dog is carrying a stick in the park with many people and trees around it',
    ];
    const [{ upsampled, how }] = await upsample([prompt], { writer: { id: 'w', write }, parser });
    expect([upsampled, how]).toEqual([prompt, 'kept']);
  },
);
