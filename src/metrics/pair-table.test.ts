import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PairTable } from './pair-table.ts';

it('a table of pairs answers like a map, also after it has grown', () => {
  const number = fc.oneof(fc.nat(5), fc.nat());
  fc.assert(
    fc.property(fc.array(fc.tuple(number, number, fc.nat()), { maxLength: 60 }), (entries) => {
      const table = new PairTable();
      const map = new Map<string, number>();
      for (const [first, second, value] of entries) {
        expect(table.get(first, second)).toBe(map.get(`${first} ${second}`));
        table.set(first, second, value);
        map.set(`${first} ${second}`, value);
      }
      for (const [first, second] of entries)
        expect(table.get(first, second)).toBe(map.get(`${first} ${second}`));
    }),
  );
  const large = new PairTable();
  for (let i = 0; i < 20_000; i++) large.set(i % 100, i, i);
  for (let i = 0; i < 20_000; i++) expect(large.get(i % 100, i)).toBe(i);
  expect(large.get(1, 2)).toBeUndefined();
});
