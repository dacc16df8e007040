import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RecaptionError } from '../../errors.ts';
import { factsOf, readFactual, writeFactual } from './factual.ts';

test('facts are compared without order, repetition and spacing', () => {
  expect(factsOf('(man,wear,hat) ,( hat , is  ,red ) , ( man , wear , hat )')).toEqual([
    'man , wear , hat',
    'hat , is , red',
  ]);
  expect(factsOf('')).toEqual([]);
});

test('a linear form is read as objects, counts, attributes and relations', () => {
  expect(readFactual('( horses , is , 2 ) , ( man , ride , horses ) , ( man , is , young )')).toEqual({
    objects: [
      { id: 'horses', name: 'horses', count: 2 },
      { id: 'man', name: 'man' },
    ],
    attributes: [{ object: 'man', attribute: 'young' }],
    relations: [{ subject: 'man', predicate: 'ride', object: 'horses' }],
  });
});

test('objects of one name are one in the linear form', () => {
  const tree = { name: 'tree' };
  const graph = {
    objects: [
      { id: 'tree', ...tree },
      { id: 'tree:1', ...tree },
    ],
    attributes: [{ object: 'tree:1', attribute: 'large' }],
    relations: [{ subject: 'tree', predicate: 'next to', object: 'tree:1' }],
  };
  expect(writeFactual(graph)).toBe('( tree , is , large ) , ( tree , next to , tree )');
});

test('objects stand alone only where nothing is said of any', () => {
  const objects = ['pole', 'sky'].map((name) => ({ id: name, name }));
  expect(writeFactual({ objects, attributes: [], relations: [] })).toBe('( pole ) , ( sky )');
  const attributes = [{ object: 'sky', attribute: 'blue' }];
  expect(writeFactual({ objects, attributes, relations: [] })).toBe('( sky , is , blue )');
  expect(writeFactual({ objects: [], attributes: [], relations: [] })).toBe('');
});

test.each(['( man , wear )', '( a , b , c , d )', '( man , , hat )', '( a , b , ( c )'])(
  '%s is refused as no fact',
  (linear) => {
    expect(() => readFactual(linear)).toThrow(expect.objectContaining({ code: 'bad-scene-graph' }));
    expect(() => readFactual(linear)).toThrow(RecaptionError);
  },
);

const name = fc.stringMatching(/^[a-z]{1,6}( [a-z]{1,6})?$/);
const predicate = name.filter((text) => text !== 'is');
const fact = fc.oneof(
  fc.tuple(name, fc.constant('is'), fc.oneof(name, fc.integer({ min: 2, max: 99 }).map(String))),
  fc.tuple(name, predicate, name),
);

test('what was read is written again, whatever it says', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fact, { minLength: 1, selector: (one) => one.join() }), (facts) => {
      // An object has one number.
      const counted = facts
        .filter(([, is, value]) => is === 'is' && /^\d/.test(value))
        .map(([object]) => object);
      fc.pre(new Set(counted).size === counted.length);
      const linear = facts.map((one) => `( ${one.join(' , ')} )`).join(' , ');
      expect(factsOf(writeFactual(readFactual(linear))).sort()).toEqual(factsOf(linear).sort());
    }),
  );
});
