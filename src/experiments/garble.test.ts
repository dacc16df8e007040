import { describe, expect, test } from 'vitest';
import { random } from '../random.ts';
import { captionScene, readClaims, sampleScene } from '../world/index.ts';
import { garble } from './garble.ts';

const captions = Array.from({ length: 60 }, (_, i) =>
  captionScene(sampleScene(3, i), 'descriptive', random(3, i)),
);

describe('garbled captions', () => {
  test('that are always right are as they were', () => {
    for (const text of captions) expect(garble(text, 1, random(1))).toBe(text);
  });

  test('that are never right say every relation, number and spelling wrongly, and all else as it was', () => {
    let [relations, letters] = [0, 0];
    for (const [i, text] of captions.entries()) {
      const [before, after] = [text, garble(text, 0, random(1, i))].map(readClaims);
      expect(
        after.groups.map(({ shape, color, size, texture }) => ({ shape, color, size, texture })),
      ).toEqual(before.groups.map(({ shape, color, size, texture }) => ({ shape, color, size, texture })));
      for (const [k, { count }] of before.groups.entries())
        if (typeof count === 'number' && count > 1) expect(after.groups[k].count).not.toBe(count);
      for (const [k, { relation }] of before.relations.entries()) {
        if (relation === 'inside') continue;
        relations++;
        expect(after.relations[k].relation).not.toBe(relation);
      }
      if (before.letters) {
        letters++;
        expect(after.letters?.text).not.toBe(before.letters.text);
        expect(after.letters?.text).toHaveLength(before.letters.text.length);
      }
      expect(after.background).toEqual(before.background);
    }
    expect(relations).toBeGreaterThan(10);
    expect(letters).toBeGreaterThan(3);
  });

  test('are right about as often as they are to be', () => {
    const text = Array(400).fill('a red circle left of a blue square.').join(' ');
    const right = garble(text, 0.7, random(5)).match(/left of/g)?.length ?? 0;
    expect(right / 400).toBeGreaterThan(0.62);
    expect(right / 400).toBeLessThan(0.78);
  });
});
