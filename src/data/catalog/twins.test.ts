import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Folder, temporaryFolder } from '../../../test/helpers/collection.ts';
import { random } from '../../random.ts';
import { type Catalog, openCatalog } from './index.ts';
import { findTwins } from './twins.ts';

let folder: Folder;
let catalog: Catalog;
beforeEach(async () => {
  folder = await temporaryFolder();
  catalog = await openCatalog(folder.path, { create: true });
});
afterEach(async () => {
  catalog.close();
  await folder.remove();
});

function add(...hashes: Uint8Array[]): void {
  for (const likeness of hashes) {
    const n = catalog.db.get<{ n: number }>('SELECT count(*) AS n FROM images')!.n;
    catalog.db.run(
      'INSERT INTO images (key, hash, bytes, looked, likeness, added) VALUES (?, ?, 1, 1, ?, 0)',
      `p${n}`,
      new Uint8Array(32).fill(n),
      likeness,
    );
  }
}

const twins = () =>
  catalog.db.all<{ twin: number | null }>('SELECT twin FROM images ORDER BY id').map(({ twin }) => twin);

function flipped(hash: Uint8Array, ...bits: number[]): Uint8Array {
  const other = hash.slice();
  for (const bit of bits) other[bit >> 3] ^= 1 << (bit & 7);
  return other;
}

const hash = (seed: number): Uint8Array => {
  const draw = random(seed, 'hash');
  return Uint8Array.from({ length: 8 }, () => draw.int(256));
};

test('of pictures that look the same, all know the first', () => {
  const one = hash(1);
  add(one, hash(2), one, flipped(one, 3, 20), flipped(one, 3, 20, 40, 41, 60));
  expect(findTwins(catalog)).toBe(3);
  expect(twins()).toEqual([null, null, 1, 1, 1]);
});

test('seven bits anywhere are near, eight are far', () => {
  const draw = random(3, 'bits');
  const all = Array.from({ length: 64 }, (_, bit) => bit);
  for (let trial = 0; trial < 40; trial++) {
    catalog.db.exec('DELETE FROM images');
    const one = hash(100 + trial);
    const bits = draw.shuffle(all);
    add(one, flipped(one, ...bits.slice(0, 7)), flipped(one, ...bits.slice(7, 40)));
    expect(findTwins(catalog)).toBe(1);
    catalog.db.exec('DELETE FROM images');
    add(one, flipped(one, ...bits.slice(0, 8)));
    expect(findTwins(catalog)).toBe(0);
  }
});

test('pictures that were compared are not compared again, but with all that are new', () => {
  const [one, two] = [hash(1), hash(2)];
  add(one, two, hash(4), flipped(hash(4), 1));
  expect(findTwins(catalog)).toBe(1);
  expect(findTwins(catalog)).toBe(0);
  add(flipped(one, 5), hash(3), flipped(two, 60));
  expect(findTwins(catalog)).toBe(2);
  expect(twins()).toEqual([null, null, null, 3, 1, null, 2]);
});

test('twenty thousand pictures that all look the same are one group', () => {
  catalog.db.transaction(() => {
    for (let i = 0; i < 20_000; i++)
      catalog.db.run(
        'INSERT INTO images (key, hash, bytes, looked, likeness, added) VALUES (?, ?, 1, 1, ?, 0)',
        `q${i}`,
        Buffer.from(String(i).padStart(32, '0')),
        new Uint8Array(8),
      );
  });
  expect(findTwins(catalog)).toBe(19_999);
});
