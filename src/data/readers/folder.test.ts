import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Folder, picture, readAll, temporaryFolder } from '../../../test/helpers/collection.ts';
import { sharedData } from '../../../test/shared.ts';
import { openDataset } from '../open.ts';

let folder: Folder;
let png: Uint8Array;
beforeEach(async () => {
  folder = await temporaryFolder();
  png = await picture(9);
});
afterEach(() => folder.remove());

const open = (...path: string[]) => readAll((options) => openDataset(join(folder.path, ...path), options));

describe('a folder of pictures', () => {
  test('is read with its subfolders, by name; keys are paths without extension', async () => {
    await folder.write({
      'b.jpg': png,
      'a.v2.png': png,
      'sub/deep/c.WEBP': png,
      'notes.md': 'x',
      '.hidden/d.png': png,
    });
    const { samples, failures } = await open();
    expect(samples.map(({ key }) => key)).toEqual(['a.v2', 'b', 'sub/deep/c']);
    expect(samples.every(({ captions }) => captions.length === 0)).toBe(true);
    expect(samples[0].image.path).toBe(join(folder.path, 'a.v2.png'));
    expect(failures).toEqual([]);
  });

  test('takes captions from .txt and .caption, one a line', async () => {
    await folder.write({
      'a.png': png,
      'a.txt': 'one\r\n\n  two  \n',
      'a.caption': 'two\nthree',
      'b.png': png,
      'b.caption': 'four',
      'c.png': png,
      'c.txt': '\n',
    });
    const { captions, samples } = await open();
    expect(captions).toEqual({ a: ['one', 'two', 'three'], b: ['four'], c: [] });
    expect(samples[0].captions[0]).toEqual({ text: 'one', kind: 'human', source: 'file' });
  });

  test('can be told what its captions are', async () => {
    await folder.write({ 'a.png': png, 'a.txt': 'one' });
    const { samples } = await readAll((options) => openDataset(folder.path, { ...options, kind: 'alt' }));
    expect(samples[0].captions[0].kind).toBe('alt');
  });

  test('captions come in any script, and as long as they like', async () => {
    const texts = [
      '一只猫在垫子上',
      'قطة على الحصير',
      'חתול על מחצלת',
      'แมวบนเสื่อ',
      'кошка 🐈‍⬛',
      'word '.repeat(10_000).trim(),
    ];
    await folder.write({ 'a.png': png, 'a.txt': `\ufeff${texts.join('\n')}` });
    expect((await open()).captions.a).toEqual(texts);
  });

  test('two pictures that share a sidecar are both read, and the clash is reported', async () => {
    await folder.write({ 'a.jpg': png, 'a.png': png, 'a.txt': 'one', 'b.jpg': png, 'b.png': png });
    const { captions, failures } = await open();
    expect(captions).toEqual({ a: ['one'], 'a.png': ['one'], b: [], 'b.png': [] });
    expect(failures).toMatchObject([{ code: 'sidecar-clash', place: join(folder.path, 'a.txt') }]);
  });

  test('a sidecar that is not UTF-8 is reported, and its picture stays', async () => {
    await folder.write({ 'a.png': png, 'a.txt': Buffer.from([0xff, 0xfe, 0x41]), 'b.png': png });
    const { captions, failures } = await open();
    expect(captions).toEqual({ a: [], b: [] });
    expect(failures).toMatchObject([{ code: 'not-utf8', key: 'a', place: join(folder.path, 'a.txt') }]);
  });

  test('a symbolic link that leads back up ends there', async () => {
    await folder.write({ 'sub/a.png': png });
    await symlink(folder.path, join(folder.path, 'sub/up'));
    expect((await open()).samples.map(({ key }) => key)).toEqual(['sub/a']);
  });

  test('that is empty has no pictures, and the hint says what to name', async () => {
    await folder.write({ 'readme.txt': 'nothing here' });
    await expect(open()).rejects.toMatchObject({
      code: 'no-images',
      message: 'no pictures found',
      place: folder.path,
    });
  });
});

test('a single picture brings its sidecar', async () => {
  await folder.write({ 'a.png': png, 'a.txt': 'one', 'b.png': png });
  expect((await open('a.png')).captions).toEqual({ a: ['one'] });
});

describe('an ImageFolder', () => {
  const rows = (...values: unknown[]) => values.map((value) => JSON.stringify(value)).join('\n');

  test('has captions in text, caption or a list, and keeps other columns', async () => {
    await folder.write({
      'a.png': png,
      'in/b.png': png,
      'c.png': png,
      'metadata.jsonl': rows(
        { file_name: 'c.png', text: 'three', score: 0.5 },
        { file_name: 'a.png', captions: ['one', ''] },
        { file_name: 'in/b.png', text: ['x', 'y'], kind: 'alt' },
      ),
    });
    const { samples, captions, failures } = await open();
    expect(captions).toEqual({ c: ['three'], a: ['one'], 'in/b': ['x', 'y'] });
    expect(samples.map(({ key }) => key)).toEqual(['c', 'a', 'in/b']);
    expect(samples[0].meta).toEqual({ score: 0.5 });
    expect(samples[2].captions[0].kind).toBe('alt');
    expect(failures).toEqual([]);
  });

  test('gives also the pictures that its metadata does not name', async () => {
    await folder.write({
      'a.png': png,
      'b.png': png,
      'b.txt': 'mine',
      'metadata.jsonl': rows({ file_name: 'a.png', text: 'x' }),
    });
    expect((await open()).captions).toEqual({ a: ['x'], b: ['mine'] });
  });

  test('is known by the metadata above its pictures, and in its subfolders', async () => {
    await folder.write({
      'metadata.jsonl': rows({ file_name: 'train/a.png', text: 'x' }, { file_name: 'dev/b.png', text: 'y' }),
      'train/a.png': png,
      'dev/b.png': png,
    });
    expect((await open('train')).captions).toEqual({ a: ['x'] });

    await folder.write({
      'other/in/metadata.jsonl': rows({ file_name: 'q.png', text: 'z' }),
      'other/in/q.png': png,
    });
    expect((await open('other')).captions).toEqual({ 'in/q': ['z'] });
  });

  test('reports bad rows with their line, and goes on', async () => {
    const good = JSON.stringify({ file_name: 'a.png', text: 'x' });
    await folder.write({
      'a.png': png,
      'metadata.jsonl': Buffer.concat([
        Buffer.from('{"file_name": 3}\n{"text": "no name"}\nnot json\n'),
        Buffer.from([0x22, 0xff, 0x22, 0x0a]),
        Buffer.from(
          `{"file_name": "gone.png"}\n\n${good}\n${good}\n{"file_name": "b.png", "captions": {"a": 1}}`,
        ),
      ]),
    });
    const { captions, failures } = await open();
    expect(captions).toEqual({ a: ['x'] });
    const at = (line: number) => `${join(folder.path, 'metadata.jsonl')}:${line}`;
    expect(failures.map(({ code, place }) => [code, place])).toEqual(
      expect.arrayContaining([
        ['row-invalid', at(1)],
        ['row-invalid', at(2)],
        ['row-invalid', at(3)],
        ['not-utf8', at(4)],
        ['image-missing', at(5)],
        ['duplicate-key', at(8)],
        ['row-invalid', at(9)],
      ]),
    );
    expect(failures.length).toBe(7);
  });

  test.each([
    '../secret.png',
    '/etc/passwd',
    '..\\secret.png',
    'C:\\secret.png',
    'in/../../secret.png',
    'a\0.png',
  ])('does not follow %j out of its folder', async (name) => {
    await folder.write({
      'secret.png': png,
      'set/a.png': png,
      'set/metadata.jsonl': rows({ file_name: name }),
    });
    const { samples, codes } = await open('set');
    expect(codes).toEqual(['unsafe-path']);
    expect(samples.map(({ key }) => key)).toEqual(['a']);
  });
});

const photos = sharedData('coco/photos');
test.skipIf(!photos)('the real photos: 111 with their captions and licences', async () => {
  const { samples, failures } = await readAll((options) => openDataset(photos!, options));
  expect(samples.length).toBe(111);
  expect(samples[0]).toMatchObject({ key: '000000000285', meta: { licence: 'CC-BY-2.0', coco_id: 285 } });
  expect(samples.every(({ captions }) => captions.length >= 5)).toBe(true);
  expect(failures).toEqual([]);
});
