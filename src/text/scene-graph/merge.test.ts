import { expect, test } from 'vitest';
import { readFactual, writeFactual } from './factual.ts';
import { mergeGraphs } from './merge.ts';

const merged = (...linear: string[]) => mergeGraphs(linear.map(readFactual));

test('objects of one meaning are one, under the most frequent name', () => {
  const graph = merged('( sofa , is , red )', '( couch , in , room )', '( couch )');
  expect(graph.objects.map(({ name }) => name)).toEqual(['couch', 'room']);
  expect(writeFactual(graph)).toBe('( couch , is , red ) , ( couch , in , room )');
});

test('plural and number are no difference; the most frequent number is kept', () => {
  const graph = merged('( dog , on , grass )', '( dogs , is , 3 )', '( dogs , is , 2 )', '( dogs , is , 2 )');
  expect(graph.objects).toEqual([
    { id: 'dogs', name: 'dogs', count: 2 },
    { id: 'grass', name: 'grass' },
  ]);
  expect(graph.relations).toEqual([{ subject: 'dogs', predicate: 'on', object: 'grass' }]);
});

test('two objects of one caption stay two; those of another join by what they are like', () => {
  const two = {
    objects: [
      { id: 'dog', name: 'dog' },
      { id: 'dog:1', name: 'dog' },
    ],
    attributes: [
      { object: 'dog', attribute: 'black' },
      { object: 'dog:1', attribute: 'white' },
    ],
    relations: [],
  };
  const graph = mergeGraphs([two, readFactual('( dog , is , white ) , ( dog , on , grass )')]);
  expect(graph.objects.map(({ id }) => id)).toEqual(['dog', 'dog:1', 'grass']);
  expect(graph.relations).toEqual([{ subject: 'dog:1', predicate: 'on', object: 'grass' }]);
});

test('what is said twice is kept once', () => {
  const graph = merged(
    '( man , is , big ) , ( man , ride , bike )',
    '( man , is , large ) , ( man , ride , bicycle )',
  );
  expect(graph.attributes).toHaveLength(1);
  expect(graph.relations).toHaveLength(1);
});

test('no graphs give an empty one', () => {
  expect(mergeGraphs([])).toEqual({ objects: [], attributes: [], relations: [] });
});
