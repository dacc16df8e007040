import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Folder, picture, tarOf, temporaryFolder } from '../../test/helpers/collection.ts';
import { pairCaptions, readAllCaptions, readCandidates, readReferences } from './caption-sets.ts';
import type { Failure } from './sample.ts';

let folder: Folder;
let failures: Failure[];
const fail = (failure: Failure) => void failures.push(failure);
beforeEach(async () => {
  folder = await temporaryFolder();
  failures = [];
});
afterEach(() => folder.remove());

const put = (name: string, content: unknown) =>
  folder.write({ [name]: typeof content === 'string' ? content : JSON.stringify(content) });
const lines = (...rows: unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
const references = async (place: string) =>
  Object.fromEntries([...(await readReferences(place, fail))].map(([name, { texts }]) => [name, texts]));

describe('captions under test', () => {
  test.each([
    [
      'JSON lines',
      'a.jsonl',
      lines({ image_id: 1, candidate: 'a' }, { key: 'k', caption: 'b' }, { id: 'i', caption: 'c' }),
    ],
    [
      'a JSON list',
      'a.json',
      [
        { image_id: 1, caption: 'a' },
        { key: 'k', candidate: 'b' },
        { id: 'i', caption: ['c'] },
      ],
    ],
  ])('are read from %s, whatever the id and the caption are called', async (_, name, content) => {
    const { candidates } = await readCandidates(await put(name, content), fail);
    expect(candidates.map(({ id, text }) => [id, text])).toEqual([
      ['1', 'a'],
      ['k', 'b'],
      ['i', 'c'],
    ]);
    expect(failures).toEqual([]);
  });

  test('bring their references along', async () => {
    const rows = [
      { image_id: 1, candidate: 'a', references: ['x', 'y'] },
      { key: 'k', caption: 'b', captions: [{ text: 'z', kind: 'human' }, { caption: 'w' }] },
    ];
    const set = await readCandidates(await put('a.jsonl', lines(...rows)), fail);
    expect(pairCaptions([set.candidates], set.references, 'a.jsonl')).toMatchObject({
      ids: ['1', 'k'],
      candidates: [['a', 'b']],
      references: [
        ['x', 'y'],
        ['z', 'w'],
      ],
    });
  });

  test('that are of no image, or no caption, or several, are reported with their line', async () => {
    const rows = lines(
      { image_id: 1, caption: 'a' },
      { caption: 'b' },
      { image_id: 3 },
      { image_id: 4, caption: ['a', 'b'] },
      { image_id: 5, caption: 7 },
      'text',
      null,
    );
    const place = await put('a.jsonl', `${rows}{"image_id": 8,\n`);
    const { candidates } = await readCandidates(place, fail);
    expect(candidates).toHaveLength(1);
    expect(failures.map(({ place }) => Number(place.split(':').at(-1)))).toEqual([2, 3, 4, 5, 6, 7, 8]);
    expect(new Set(failures.map(({ code }) => code))).toEqual(new Set(['row-invalid']));
    expect(failures[0].message).toBe('the row has no image_id, key or id');
  });

  test('of one image twice are refused, and so is a file without any', async () => {
    const twice = await put(
      'a.jsonl',
      lines({ image_id: 7, caption: 'a' }, { image_id: '007', caption: 'b' }),
    );
    await expect(readCandidates(twice, fail)).rejects.toMatchObject({
      code: 'duplicate-key',
      place: `${twice}:2`,
    });
    await expect(readCandidates(await put('none.jsonl', ''), fail)).rejects.toMatchObject({
      code: 'no-captions',
    });
  });

  test.each([
    ['a.txt', 'a dog', 'source-unknown'],
    ['a.json', '{"dogs": 3}', 'source-unreadable'],
    ['b.json', '[1,', 'source-unreadable'],
    ['c.json', '"text"', 'source-unreadable'],
  ])('from %s of another kind are refused with a sentence', async (name, content, code) => {
    await expect(readCandidates(await put(name, content), fail)).rejects.toMatchObject({ code });
  });

  test('from a file that is not there are refused', async () => {
    for (const name of ['no.json', 'no.jsonl'])
      await expect(readCandidates(join(folder.path, name), fail)).rejects.toMatchObject({
        code: 'file-not-found',
      });
  });
});

describe('references', () => {
  test('of COCO annotations are found by id and by file name, without any picture', async () => {
    const place = await put('captions_val.json', {
      images: [{ id: 391895, file_name: 'val2014/COCO_val2014_000000391895.jpg' }],
      annotations: [
        { image_id: 391895, id: 1, caption: 'a man' },
        { image_id: 391895, id: 2, caption: 'a bike' },
        { image_id: 5, id: 391895, caption: 'another image' },
      ],
    });
    const found = await readReferences(place, fail);
    expect(found.get('391895')?.texts).toEqual(['a man', 'a bike']);
    expect(found.get('5')?.texts).toEqual(['another image']);
    const results = await put('results.json', [
      { image_id: 391895, caption: 'a man on a bike' },
      { image_id: 5, caption: 'x' },
    ]);
    const { candidates } = await readCandidates(results, fail);
    expect(pairCaptions([candidates], found, place).ids).toEqual(['391895', '5']);
  });

  test('of Karpathy splits are those of the split that is named', async () => {
    const image = (filename: string, split: string, cocoid?: number) => ({
      filename,
      split,
      cocoid,
      sentences: [{ raw: `of ${filename}` }],
    });
    const place = await put('dataset.json', { images: [image('a.jpg', 'train'), image('b.jpg', 'test', 9)] });
    expect(await references(`${place}@test`)).toEqual({ 9: ['of b.jpg'], b: ['of b.jpg'] });
    expect(Object.keys(await references(place))).toEqual(expect.arrayContaining(['a', 'b', '9']));
  });

  test('come from any collection of pictures', async () => {
    const png = await picture(9);
    await folder.write({ 'photos/one.png': png, 'photos/one.txt': 'a dog\n', 'photos/two.png': png });
    expect(await references(join(folder.path, 'photos'))).toEqual({ one: ['a dog'], two: [] });
    const json = JSON.stringify({ captions: ['a cat'], coco_id: 42 });
    await folder.write({
      'a.tar': await tarOf([
        ['000000000042.png', png],
        ['000000000042.json', json],
      ]),
    });
    expect((await readReferences(join(folder.path, 'a.tar'), fail)).get('42')?.texts).toEqual(['a cat']);
  });

  test('add up over rows; empty ones do not count', async () => {
    const place = await put(
      'refs.jsonl',
      lines({ id: 1, caption: 'a' }, { id: 1, captions: ['b', ' '] }, { id: 2, references: [] }),
    );
    expect(await references(place)).toEqual({ 1: ['a', 'b'], 2: [] });
  });
});

describe('captions and references', () => {
  const set = (...ids: string[]) => ids.map((id) => ({ id, names: [id], text: `caption of ${id}` }));
  const of = (...ids: string[]) => new Map(ids.map((id) => [id, { id, texts: [`reference of ${id}`] }]));

  test('of the same images stand side by side, and what is left over is named', () => {
    expect(pairCaptions([set('c', 'x', 'a')], of('a', 'b', 'c'), 'refs')).toEqual({
      ids: ['c', 'a'],
      references: [['reference of c'], ['reference of a']],
      candidates: [['caption of c', 'caption of a']],
      withoutReference: ['x'],
      withoutCounterpart: [],
      withoutCandidate: ['b'],
    });
  });

  test('of two sets are those of the images that both have', () => {
    const paired = pairCaptions([set('a', 'b'), set('c', 'b')], of('a', 'b', 'c'), 'refs');
    expect(paired).toMatchObject({ ids: ['b'], candidates: [['caption of b'], ['caption of b']] });
    expect(paired.withoutCounterpart.sort()).toEqual(['a', 'c']);
  });

  test('without anything in common are refused with an example of both', () => {
    expect(() => pairCaptions([set('a')], of('b'), 'refs.json')).toThrow(
      expect.objectContaining({
        code: 'no-references',
        place: 'refs.json',
        hint: expect.stringMatching(/"a".*"b"/),
      }),
    );
    expect(() => pairCaptions([set('a')], of(), 'refs.json')).toThrow(
      expect.objectContaining({ code: 'no-references', message: expect.stringContaining('no references') }),
    );
    expect(() => pairCaptions([set('a'), set('b')], of('a', 'b'), 'refs.json')).toThrow(
      expect.objectContaining({ code: 'no-captions' }),
    );
  });
});

test('all captions of a file are those under test where there are such, otherwise the references', async () => {
  const all = async (place: string) => {
    const found: string[] = [];
    for await (const { image, text } of readAllCaptions(place, fail)) found.push(`${image}: ${text}`);
    return found;
  };
  const both = await put(
    'both.jsonl',
    lines({ id: 1, caption: 'a', references: ['x'] }, { id: 2, candidate: 'b' }),
  );
  expect(await all(both)).toEqual(['1: a', '2: b']);
  const rest = await put('rest.json', [
    { key: 'k', captions: ['x', 'y'] },
    { key: 'l', caption: ['z', 'w'] },
  ]);
  expect(await all(rest)).toEqual(['k: x', 'k: y', 'l: z', 'l: w']);
});
