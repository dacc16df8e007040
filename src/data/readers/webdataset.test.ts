import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Folder, picture, readAll, tarOf, temporaryFolder } from '../../../test/helpers/collection.ts';
import { sharedData } from '../../../test/shared.ts';
import { decodeImage } from '../../image/decode.ts';
import { openDataset } from '../open.ts';
import { readWebDataset, splitName } from './webdataset.ts';

let folder: Folder;
let red: Uint8Array;
let blue: Uint8Array;
beforeAll(async () => {
  folder = await temporaryFolder();
  [red, blue] = await Promise.all([picture(200), picture(50)]);
});
afterAll(() => folder.remove());

let count = 0;
async function shard(...members: [string, string | Uint8Array][]): Promise<string> {
  return folder.write({ [`shard-${count++}.tar`]: await tarOf(members) });
}
const read = (...shards: string[]) => readAll((options) => readWebDataset(shards, options));

test('captions come from the JSON list, the JSON text, or the text member', async () => {
  const found = await read(
    await shard(
      ['a.png', red],
      ['a.json', '{"captions": ["one", "two"], "licence": "CC0"}'],
      ['b.json', '{"caption": "three"}'],
      ['b.png', red],
      ['b.txt', 'not this one'],
      ['c.png', red],
      ['c.txt', 'four\n'],
      ['d.png', red],
    ),
  );
  expect(found.captions).toEqual({ a: ['one', 'two'], b: ['three'], c: ['four'], d: [] });
  expect(found.samples[0]).toMatchObject({
    captions: [{ kind: 'human', source: 'file' }, {}],
    meta: { licence: 'CC0' },
  });
  expect(found.failures).toEqual([]);
});

test('the key ends at the first dot of the base name', () => {
  expect(splitName('v1.2/a.seg.png')).toEqual({ key: 'v1.2/a', extension: 'seg.png' });
  expect(splitName('./a.JPG')).toEqual({ key: 'a', extension: 'jpg' });
  expect(splitName('x/._a.jpg')).toEqual({ key: '', extension: '' });
});

test('a mask beside the picture is not taken for the picture', async () => {
  const path = await shard(['a.mask.png', blue], ['a.png', red], ['a.json', '{"caption": "x"}']);
  const { samples } = await read(path);
  expect(samples.map(({ image }) => image.name)).toEqual([`${path}#a.png`]);
});

test('bytes can be read again, long after the pass over the shard', async () => {
  const { samples } = await read(await shard(['a.png', red], ['b.png', blue]));
  for (let round = 0; round < 2; round++) {
    expect((await decodeImage(await samples[0].image.bytes())).data[0]).toBe(200);
    expect((await decodeImage(await samples[1].image.bytes())).data[0]).toBe(50);
    globalThis.gc?.();
  }
});

describe('members of a sample that are not adjacent', () => {
  test('all pictures first, then all texts', async () => {
    const texts: [string, string][] = ['a', 'b', 'c'].map((key) => [
      `${key}.json`,
      `{"caption": "of ${key}"}`,
    ]);
    const images: [string, Uint8Array][] = ['a', 'b', 'c'].map((key) => [`${key}.png`, red]);
    for (const members of [
      [...images, ...texts],
      [...texts, ...images],
    ]) {
      const found = await read(await shard(...members));
      expect(found.captions).toEqual({ a: ['of a'], b: ['of b'], c: ['of c'] });
      expect(found.failures).toEqual([]);
    }
  });

  test('a text without a picture is reported', async () => {
    const path = await shard(['a.png', red], ['b.txt', 'lost'], ['c.png', red], ['c.txt', 'x']);
    const { failures } = await read(path);
    expect(failures).toMatchObject([{ code: 'image-missing', key: 'b', place: `${path}#b.txt` }]);
  });
});

describe('duplicate keys', () => {
  test('within a shard the second picture is reported and skipped, with its text', async () => {
    const path = await shard(
      ['a.png', red],
      ['a.txt', 'first'],
      ['b.png', red],
      ['a.png', blue],
      ['a.txt', 'second'],
    );
    const found = await read(path);
    expect(found.captions).toEqual({ a: ['first'], b: [] });
    expect(found.failures).toMatchObject([{ code: 'duplicate-key', key: 'a', place: `${path}#a.png` }]);
  });

  test('over shards the second sample is reported and skipped', async () => {
    const shards = [
      await shard(['a.png', red], ['a.txt', 'first']),
      await shard(['a.png', blue], ['a.txt', 'second']),
    ];
    const found = await read(...shards);
    expect(found.captions).toEqual({ a: ['first'] });
    expect(found.failures).toMatchObject([{ code: 'duplicate-key', key: 'a', place: `${shards[1]}#a.png` }]);
  });
});

describe('damage', () => {
  const three = (): [string, Uint8Array | string][] => [
    ['a.png', red],
    ['a.txt', 'one'],
    ['b.png', red],
    ['b.txt', 'two'],
    ['c.png', red],
    ['c.txt', 'three'],
  ];

  test('a damaged header costs that member, not the rest of the shard, nor the next shard', async () => {
    const bytes = await tarOf(three());
    bytes.fill(0xaa, bytes.indexOf('b.png'), bytes.indexOf('b.png') + 200);
    const path = await folder.write({ 'damaged.tar': bytes });
    const after = await shard(['z.png', red], ['z.txt', 'last']);
    const found = await read(path, after);
    expect(found.captions).toEqual({ a: ['one'], c: ['three'], z: ['last'] });
    expect(found.failures).toMatchObject([
      { code: 'tar-corrupt', place: `${path}#a.txt`, message: 'the archive is damaged after this member' },
      { code: 'image-missing', key: 'b' },
    ]);
  });

  test('a truncated shard gives what is whole, names the member, and the next shard follows', async () => {
    const bytes = await tarOf(three());
    const path = await folder.write({ 'truncated.tar': bytes });
    await truncate(path, bytes.indexOf('c.png') + 512 + 20);
    const after = await shard(['z.png', red]);
    const found = await read(path, after);
    expect(found.captions).toEqual({ a: ['one'], b: ['two'], z: [] });
    expect(found.failures).toMatchObject([{ code: 'tar-corrupt', place: `${path}#c.png` }]);
  });

  test('a file that is no archive, and one that is not there, are failures of their own', async () => {
    const path = await folder.write({ 'letter.tar': 'Dear reader,\n'.repeat(100) });
    const missing = join(folder.path, 'missing.tar');
    const found = await read(path, missing, await shard(['z.png', red]));
    expect(found.captions).toEqual({ z: [] });
    expect(found.failures).toMatchObject([
      { code: 'tar-corrupt', place: path },
      { code: 'tar-corrupt', place: missing },
    ]);
  });

  test.each([
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'not-utf8'],
    ['not JSON', '{"captions": [', 'row-invalid'],
    ['of the wrong types', '{"captions": [1, 2]}', 'row-invalid'],
    ['a list', '["a"]', 'row-invalid'],
  ])('a text that is %s is reported; the picture stays', async (_, text, code) => {
    const path = await shard(['a.png', red], ['a.json', text]);
    const found = await read(path);
    expect(found.captions).toEqual({ a: [] });
    expect(found.failures).toMatchObject([{ code, key: 'a', place: `${path}#a.json` }]);
  });

  test('an archive without pictures says so', async () => {
    await expect(read(await shard(['readme.md', 'hello']))).rejects.toMatchObject({ code: 'no-images' });
  });
});

test('a second pass gives the same samples', async () => {
  const dataset = readWebDataset([await shard(['a.png', red], ['b.png', blue])]);
  const keys = async () => (await readAll(() => dataset)).samples.map(({ key }) => key);
  expect(await keys()).toEqual(['a', 'b']);
  expect(await keys()).toEqual(['a', 'b']);
});

test('leaving a pass early is no error', async () => {
  const path = join(folder.path, 'long.tar');
  const members = Array.from({ length: 50 }, (_, i): [string, Uint8Array] => [
    `${i}.png`,
    new Uint8Array(100_000),
  ]);
  await writeFile(path, await tarOf(members));
  for await (const { key } of readWebDataset([path])) if (key === '3') break;
});

const flickr = sharedData('flickr8k/train-00000.tar');
test.skipIf(!flickr)('two real shards, by braces: 2000 pictures of five captions each', async () => {
  const found = await readAll((options) => openDataset(flickr!.replace('00000', '{00000..00001}'), options));
  expect(found.samples.length).toBe(2000);
  expect(found.samples.every(({ captions }) => captions.length === 5)).toBe(true);
  expect(found.failures).toEqual([]);
  const image = await decodeImage(await found.samples[1999].image.bytes());
  expect([image.width, image.height]).toEqual([160, 160]);
});
