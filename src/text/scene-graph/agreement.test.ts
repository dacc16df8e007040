import { expect, test } from 'vitest';
import { agreement } from './agreement.ts';

test('a set match needs every fact; tuple F1 counts objects too', () => {
  const annotated = '( hat , is , red ) , ( man , wear , hat )';
  const result = agreement([
    { parsed: '( man , wear , hat ) , ( hat , is , red )', annotated },
    { parsed: '( man , wear , hat )', annotated },
  ]);
  expect(result.setMatch).toBe(0.5);
  // Second caption: man, hat, relation of man, hat, attribute, relation: 2 · 3 / (3 + 4).
  expect(result.tupleF1).toBeCloseTo((1 + 6 / 7) / 2, 12);
  expect(result.factF1).toBeCloseTo((2 * 3) / (3 + 4), 12);
});

test('no lemma and no synonym is forgiven', () => {
  const result = agreement([{ parsed: '( dogs )', annotated: '( dog )' }]);
  expect(result).toEqual({ setMatch: 0, tupleF1: 0, factF1: 0 });
});
