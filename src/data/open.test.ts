import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Folder, picture, readAll, tarOf, temporaryFolder } from '../../test/helpers/collection.ts';
import { UsageError } from '../errors.ts';
import { expandBraces } from './expand.ts';
import { openDataset } from './open.ts';

let folder: Folder;
let png: Uint8Array;
beforeEach(async () => {
  folder = await temporaryFolder();
  png = await picture(9);
});
afterEach(() => folder.remove());

const open = (place: string, more = {}) =>
  readAll((options) => openDataset(join(folder.path, place), { ...options, ...more }));

describe('COCO captions', () => {
  const json = (more = {}) =>
    JSON.stringify({
      images: [
        { id: 7, file_name: 'a.png', height: 3 },
        { id: 8, file_name: 'b.png' },
      ],
      annotations: [
        { id: 1, image_id: 7, caption: ' one ' },
        { id: 2, image_id: 8, caption: 'other' },
        { id: 3, image_id: 7, caption: 'two' },
      ],
      ...more,
    });

  test('join pictures and annotations; columns of the picture become meta', async () => {
    await folder.write({ 'a.png': png, 'images/b.png': png, 'captions.json': json() });
    const { captions, samples } = await open('captions.json');
    expect(captions).toEqual({ a: ['one', 'two'], b: ['other'] });
    expect(samples[0].meta).toEqual({ id: 7, height: 3 });
  });

  test('find their pictures where `images` says, and report those that are not there', async () => {
    await folder.write({ 'elsewhere/a.png': png, 'captions.json': json() });
    const { captions, failures } = await open('captions.json', { images: join(folder.path, 'elsewhere') });
    expect(captions).toEqual({ a: ['one', 'two'] });
    expect(failures).toMatchObject([{ code: 'image-missing', key: 'b' }]);
  });

  test('report entries of the wrong types, and names that lead away', async () => {
    const images = [{ id: 7, file_name: 'a.png' }, { id: 1 }, 'x', { id: 2, file_name: '../../etc/passwd' }];
    await folder.write({
      'a.png': png,
      'captions.json': json({ images, annotations: [{ image_id: 7, caption: 3 }] }),
    });
    const { captions, failures } = await open('captions.json');
    expect(captions).toEqual({ a: [] });
    const file = join(folder.path, 'captions.json');
    expect(failures.map(({ code, place }) => `${code} ${place}`).sort()).toEqual([
      `row-invalid ${file}#annotations[0]`,
      `row-invalid ${file}#images[1]`,
      `row-invalid ${file}#images[2]`,
      `unsafe-path ${file}#images[3]`,
    ]);
  });

  test.each([
    ['cut short', '{"images": ['],
    ['a list', '[]'],
    ['something else', '{"a": 1}'],
    ['not UTF-8', Buffer.from([0x7b, 0xff])],
  ])('a file that is %s cannot be read at all', async (_, text) => {
    await folder.write({ 'captions.json': text });
    await expect(open('captions.json')).rejects.toMatchObject({ code: 'source-unreadable' });
  });
});

describe('a Karpathy file', () => {
  beforeEach(() =>
    folder.write({
      'val2014/a.png': png,
      'b.png': png,
      'c.png': png,
      'dataset.json': JSON.stringify({
        dataset: 'x',
        images: [
          {
            filename: 'a.png',
            filepath: 'val2014',
            split: 'train',
            sentences: [{ raw: 'one', tokens: ['one'] }],
            imgid: 0,
          },
          { filename: 'b.png', filepath: 'val2014', split: 'restval', sentences: [{ raw: 'two' }] },
          { filename: 'c.png', split: 'test', sentences: [] },
        ],
      }),
    }),
  );

  test('gives all its splits, or the one after the @', async () => {
    expect((await open('dataset.json')).captions).toEqual({
      'val2014/a': ['one'],
      'val2014/b': ['two'],
      c: [],
    });
    expect((await open('dataset.json@train')).captions).toEqual({ 'val2014/a': ['one'] });
    expect((await open('dataset.json', { split: 'restval' })).captions).toEqual({ 'val2014/b': ['two'] });
  });

  test('names its splits when asked for another', async () => {
    await expect(open('dataset.json@dev')).rejects.toMatchObject({
      code: 'split-unknown',
      hint: 'It has: train, restval, test.',
    });
  });
});

describe('our JSONL', () => {
  test('reads what a captioning job writes', async () => {
    const row = {
      key: 'k',
      image: 'photos/a.png',
      caption: 'a cat',
      kind: 'short',
      captioner: 'starter@1',
      score: -0.5,
    };
    await folder.write({ 'photos/a.png': png, 'out.jsonl': `${JSON.stringify(row)}\n` });
    const { samples } = await open('out.jsonl');
    expect(samples).toMatchObject([
      { key: 'k', captions: [{ text: 'a cat', kind: 'short', source: 'starter@1' }], meta: { score: -0.5 } },
    ]);
    expect(await samples[0].image.bytes()).toEqual(Buffer.from(png));
  });

  test('finds pictures within shards', async () => {
    const row = { image: 'shard.tar#x/b.png', captions: [{ text: 'b', kind: 'alt', source: 'web' }] };
    await folder.write({ 'shard.tar': await tarOf([['a.png', 'no'], ['x/b.png', png]]), 'out.jsonl': JSON.stringify(row) }); // biome-ignore format: one line
    const { samples } = await open('out.jsonl');
    expect(samples[0].captions).toEqual([{ text: 'b', kind: 'alt', source: 'web' }]);
    expect(await samples[0].image.bytes()).toEqual(Buffer.from(png));
  });

  test('leaves its folder only for the one that `images` names', async () => {
    await folder.write({
      'photos/a.png': png,
      'out/rows.jsonl': JSON.stringify({ image: '../photos/a.png', caption: 'x' }),
    });
    expect((await open('out/rows.jsonl')).failures).toMatchObject([
      { code: 'unsafe-path', place: expect.stringMatching(/:1$/) },
    ]);
    const images = join(folder.path, 'photos');
    expect((await open('out/rows.jsonl', { images })).captions).toEqual({ '../photos/a': ['x'] });
  });

  test.each([
    ['no image', '{"caption": "x"}', 'row-invalid'],
    ['a picture that has gone', '{"image": "b.png"}', 'image-missing'],
    ['an absolute path', '{"image": "/etc/passwd"}', 'unsafe-path'],
    [
      'an unknown kind in a caption',
      '{"image": "a.png", "captions": [{"text": "x", "kind": "poem"}]}',
      'row-invalid',
    ],
  ])('reports %s', async (_, row, code) => {
    await folder.write({ 'a.png': png, 'rows.jsonl': row });
    expect((await open('rows.jsonl')).codes).toEqual([code]);
  });
});

describe('places', () => {
  test('braces and wildcards name many shards, and duplicates over them are found', async () => {
    for (const i of [0, 1, 2]) {
      const members: [string, Uint8Array][] = [[`${i}.png`, png], ['same.png', png]]; // biome-ignore format: one line
      await folder.write({ [`a-0000${i}.tar`]: await tarOf(members) });
    }
    for (const place of ['a-{00000..00002}.tar', 'a-*.tar', 'a-0000[0-2].tar', '.']) {
      const { samples, codes } = await open(place);
      expect(samples.map(({ key }) => key)).toEqual(['0', 'same', '1', '2']);
      expect(codes).toEqual(['duplicate-key', 'duplicate-key']);
    }
    await expect(open('a-{00000..00003}.tar')).rejects.toMatchObject({
      code: 'file-not-found',
      place: join(folder.path, 'a-00003.tar'),
    });
  });

  test('wildcards name pictures too', async () => {
    await folder.write({ 'a.png': png, 'a.txt': 'one', 'b.png': png, 'c.gif': png });
    expect((await open('*.png')).captions).toEqual({ a: ['one'], b: [] });
  });

  test('a folder whose name has braces is itself', async () => {
    await folder.write({ 'x{1,2}/a.png': png });
    expect((await open('x{1,2}')).samples.length).toBe(1);
  });

  test('what is not there, and what is no collection, is said so', async () => {
    await expect(open('nowhere')).rejects.toMatchObject({ code: 'file-not-found' });
    await expect(open('no*.tar')).rejects.toMatchObject({ code: 'file-not-found' });
    await folder.write({ 'table.xlsx': 'x' });
    await expect(open('table.xlsx')).rejects.toMatchObject({ code: 'source-unknown' });
  });

  test('braces expand as a shell would', () => {
    expect(expandBraces('a{b,c{1..2}}')).toEqual(['ab', 'ac1', 'ac2']);
    expect(expandBraces('{08..10}-{x,y}')).toEqual(['08-x', '08-y', '09-x', '09-y', '10-x', '10-y']);
    expect(expandBraces('{2..0}')).toEqual(['2', '1', '0']);
    expect(expandBraces('{x}')).toEqual(['{x}']);
    expect(() => expandBraces('{0..99999999}')).toThrow(UsageError);
  });
});
