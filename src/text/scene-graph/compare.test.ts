import { expect, test } from 'vitest';
import { compareGraphs } from './compare.ts';
import { readFactual } from './factual.ts';

const compare = (before: string, after: string) => compareGraphs(readFactual(before), readFactual(after));

test('what the new graph adds is extra, what it lost is missing', () => {
  expect(compare('( dog , on , grass )', '( dog , is , brown ) , ( dog , in , water )')).toEqual({
    matched: [['dog']],
    missing: [['grass'], ['dog', 'on', 'grass']],
    extra: [['water'], ['dog', 'brown'], ['dog', 'in', 'water']],
  });
});

test('synonyms and plurals match; numbers are compared as they are', () => {
  expect(compare('( couch , is , big )', '( sofa , is , large )').extra).toEqual([]);
  expect(compare('( dog , is , 2 )', '( dogs , is , 3 )')).toEqual({
    matched: [['dogs']],
    missing: [['dog', '2']],
    extra: [['dogs', '3']],
  });
});

test('a graph says what it says, and nothing else', () => {
  const same = '( man , ride , horses ) , ( horses , is , 2 )';
  expect(compare(same, same)).toMatchObject({ missing: [], extra: [] });
});

test('one tuple matches one other', () => {
  expect(compare('( sofa )', '( sofa , next to , couch )').extra).toEqual([
    ['couch'],
    ['sofa', 'next to', 'couch'],
  ]);
});
