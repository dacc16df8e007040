import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type BasicType, parquetWriteBuffer, type SchemaElement } from 'hyparquet-writer';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Folder, picture, readAll, tarOf, temporaryFolder } from '../../../test/helpers/collection.ts';
import { openDataset } from '../open.ts';

let folder: Folder;
let png: Uint8Array;
beforeEach(async () => {
  folder = await temporaryFolder();
  png = await picture(9);
});
afterEach(() => folder.remove());

const open = (place: string, more = {}) =>
  readAll((options) => openDataset(join(folder.path, place), { ...options, ...more }));

type Columns = Record<string, { type: BasicType; data: unknown[] }>;
const STRING = (...data: (string | null)[]) => ({ type: 'STRING' as const, data });
const INT64 = (...data: bigint[]) => ({ type: 'INT64' as const, data });

/** A table of flat columns. */
const table = (columns: Columns, more = {}): Uint8Array =>
  new Uint8Array(
    parquetWriteBuffer({
      columnData: Object.entries(columns).map(([name, { type, data }]) => ({ name, type, data })),
      ...more,
    }),
  );

interface Embedded {
  bytes?: Uint8Array;
  path?: string;
}

/** A table as Hugging Face writes it: pictures in the rows, and lists of captions. */
function embedded(rows: { image: Embedded | null; captions: (string | null)[] }[], more = {}): Uint8Array {
  const leaf = (name: string, text: boolean): SchemaElement => ({ name, type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL', ...(text && { converted_type: 'UTF8' }) }); // biome-ignore format: one line
  return new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: 'image', data: rows.map(({ image }) => image) },
        { name: 'caption', data: rows.map(({ captions }) => captions) },
      ],
      schema: [
        { name: 'schema', num_children: 2 },
        { name: 'image', num_children: 2, repetition_type: 'OPTIONAL' },
        leaf('bytes', false),
        leaf('path', true),
        { name: 'caption', num_children: 1, repetition_type: 'OPTIONAL', converted_type: 'LIST' },
        { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
        leaf('element', true),
      ],
      ...more,
    }),
  );
}

describe('Recap-DataComp', () => {
  test('gives the old caption and the new one, and keeps the other columns', async () => {
    await folder.write({
      'a.png': png,
      'recap.parquet': table({
        key: STRING('k1', 'k2'),
        path: STRING('a.png', 'a.png'),
        org_caption: STRING('cat pic', null),
        re_caption: STRING('A cat lies on a mat.', ' '),
        re_length: INT64(6n, 0n),
        url: STRING('http://x/a', null),
        width: INT64(4n, 5n),
      }),
    });
    const { samples, failures } = await open('recap.parquet');
    expect(failures).toEqual([]);
    expect(samples.map(({ key, captions, meta }) => ({ key, captions, meta }))).toEqual([
      {
        key: 'k1',
        captions: [
          { text: 'cat pic', kind: 'alt', source: 'file' },
          { text: 'A cat lies on a mat.', kind: 'descriptive', source: 'file' },
        ],
        meta: { url: 'http://x/a', width: 4 },
      },
      { key: 'k2', captions: [], meta: { width: 5 } },
    ]);
    expect(samples[0].image.path).toBe(join(folder.path, 'a.png'));
  });
});

describe('img2dataset', () => {
  const rows = table({
    url: STRING('u0', 'u1', 'u2'),
    caption: STRING('zero', 'one', 'two'),
    key: STRING('000000000', '000000001', '000000002'),
    status: STRING('success', 'failed_to_download', 'success'),
    error_message: STRING(null, 'HTTP Error 404', null),
  });

  test('finds its pictures in the archive of the same name, and says why the others are missing', async () => {
    await folder.write({
      '00007.parquet': rows,
      '00007.tar': await tarOf([
        ['000000000.jpg', png],
        ['000000000.txt', 'zero'],
      ]),
    });
    const { samples, captions, failures } = await open('00007.parquet', { kind: 'alt' });
    expect(captions).toEqual({ '000000000': ['zero'] });
    expect(samples[0].captions[0].kind).toBe('alt');
    expect(Buffer.from(await samples[0].image.bytes()).equals(png)).toBe(true);
    expect(failures).toMatchObject([
      { key: '000000001', code: 'image-missing', message: expect.stringContaining('HTTP Error 404') },
      { key: '000000002', code: 'image-missing', place: `${join(folder.path, '00007.parquet')}#[2]` },
    ]);
  });

  test('may have its pictures in a column that is named after their format', async () => {
    await folder.write({
      '0.parquet': table({
        key: STRING('1'),
        caption: STRING('one'),
        jpg: { type: 'BYTE_ARRAY', data: [png] },
      }),
    });
    const { samples } = await open('0.parquet');
    expect(samples).toMatchObject([{ key: '1', captions: [{ text: 'one' }] }]);
    expect(samples[0].meta).toBeUndefined();
    expect(Buffer.from(await samples[0].image.bytes()).equals(png)).toBe(true);
  });
});

describe('a Hugging Face dataset', () => {
  test('has its pictures in the rows, or beside the file', async () => {
    await folder.write({
      'c.png': png,
      'train-0.parquet': embedded([
        { image: { bytes: png, path: 'x/a.png' }, captions: ['one', null, 'two'] },
        { image: { bytes: png, path: 'y/a.png' }, captions: [] },
        { image: { bytes: png }, captions: ['three'] },
        { image: { path: 'c.png' }, captions: ['four'] },
        { image: { path: '../c.png' }, captions: ['five'] },
        { image: null, captions: ['six'] },
      ]),
    });
    const { samples, captions, failures } = await open('train-0.parquet');
    expect(captions).toEqual({
      'train-0/a': ['one', 'two'],
      'train-0/000000001': [],
      'train-0/000000002': ['three'],
      c: ['four'],
    });
    expect(samples.map(({ meta }) => meta)).toEqual([undefined, undefined, undefined, undefined]);
    for (const { image } of samples) expect(Buffer.from(await image.bytes()).equals(png)).toBe(true);
    expect(failures.map(({ code }) => code)).toEqual(['unsafe-path', 'image-missing']);
  });

  test('gives the right picture whenever it is asked for', async () => {
    const all = await Promise.all(Array.from({ length: 12 }, (_, i) => picture(i)));
    await folder.write({
      'a.parquet': embedded(
        all.map((bytes) => ({ image: { bytes }, captions: [] })),
        { rowGroupSize: 3 },
      ),
    });
    const { samples } = await open('a.parquet');
    const asked = [11, 0, 5, 5, 1, 9, 2];
    const bytes = await Promise.all(asked.map((i) => samples[i].image.bytes()));
    expect(bytes.map((found) => all.findIndex((one) => Buffer.from(one).equals(found)))).toEqual(asked);
  });
});

describe('a metadata.parquet', () => {
  test('describes the pictures around it as a metadata.jsonl does; those it does not name follow', async () => {
    await folder.write({
      'set/sub/a.png': png,
      'set/sub/b.png': png,
      'set/sub/b.txt': 'from the sidecar',
      'set/metadata.parquet': table({
        file_name: STRING('sub/a.png', '../c.png'),
        text: STRING('from the table', 'x'),
        n: INT64(7n, 8n),
      }),
    });
    for (const place of ['set', 'set/metadata.parquet']) {
      const { samples, captions, failures } = await open(place);
      expect(captions).toEqual({ 'sub/a': ['from the table'], 'sub/b': ['from the sidecar'] });
      expect(samples[0].meta).toEqual({ n: 7 });
      expect(failures).toMatchObject([
        { code: 'unsafe-path', place: `${join(folder.path, 'set/metadata.parquet')}#[1]` },
      ]);
    }
    expect((await open('set/sub')).captions).toEqual({ a: ['from the table'], b: ['from the sidecar'] });
  });
});

describe('any Parquet', () => {
  const rows = { file_name: STRING('a.png'), text: STRING('text') };

  test('is read from a folder that has nothing else, and by wildcards', async () => {
    const more = { file_name: STRING('a.png'), key: STRING('b'), text: STRING('second') };
    await folder.write({ 'set/0.parquet': table(rows), 'set/1.parquet': table(more), 'pictures/a.png': png });
    const images = join(folder.path, 'pictures');
    for (const place of ['set', 'set/*.parquet'])
      expect((await open(place, { images })).captions).toEqual({ a: ['text'], b: ['second'] });
  });

  test('keeps a byte order mark, and reports a caption that is no text', async () => {
    await folder.write({
      'a.png': png,
      'a.parquet': table({
        key: STRING('a', 'b', 'c'),
        path: STRING('a.png', 'a.png', 'a.png'),
        caption: {
          type: 'BYTE_ARRAY',
          data: [Buffer.from('\ufeffplain bytes'), Buffer.from([0xff, 0x41]), Buffer.from('c')],
        },
        embedding: { type: 'BYTE_ARRAY', data: [Buffer.from([0xff, 0xfe]), null, null] },
      }),
    });
    const { samples, captions, failures } = await open('a.parquet');
    expect(captions).toEqual({ a: ['\ufeffplain bytes'], c: ['c'] });
    expect(samples[0].meta).toBeUndefined();
    expect(failures).toMatchObject([{ key: 'b', code: 'row-invalid' }]);
  });

  test.each([
    ['GZIP', (bytes: Uint8Array) => gzipSync(bytes)],
    ['ZSTD', (bytes: Uint8Array) => zstdCompressSync(bytes)],
  ] as const)('may be compressed with %s', async (codec, compress) => {
    await folder.write({
      'a.png': png,
      'a.parquet': table(rows, { codec, compressors: { [codec]: compress } }),
    });
    expect((await open('a.parquet')).captions).toEqual({ a: ['text'] });
  });

  test.each([
    ['empty', ''],
    ['a text', 'key,caption\n1,two\n3,four\n'],
    ['a footer alone', Buffer.from('PAR1\xff\xff\xff\x7fPAR1', 'latin1')],
    ['a footer of nonsense', Buffer.from('PAR1\x19\x19\x19\x19\x04\0\0\0PAR1', 'latin1')],
  ])('that is %s cannot be read at all', async (_, content) => {
    await folder.write({ 'a.parquet': content });
    await expect(open('a.parquet')).rejects.toMatchObject({
      code: 'parquet-corrupt',
      place: join(folder.path, 'a.parquet'),
    });
  });

  test('that is cut in half cannot be read at all, wherever it is cut', async () => {
    const whole = table({ ...rows, key: STRING('k') });
    const path = await folder.write({ 'a.png': png, 'a.parquet': whole });
    for (let length = whole.length - 1; length > 0; length -= 7) {
      await truncate(path, length);
      await expect(open('a.parquet')).rejects.toMatchObject({ code: 'parquet-corrupt' });
    }
  });

  test('that is damaged in one group gives the others', async () => {
    const keys = Array.from({ length: 40 }, (_, i) => `key-${i}`);
    const whole = table(
      { key: STRING(...keys), path: STRING(...keys.map(() => 'a.png')) },
      { rowGroupSize: 10 },
    );
    const path = await folder.write({ 'a.png': png, 'a.parquet': whole });
    const damaged = Buffer.from(whole).fill(0xff, 4, 12); // the first page's header
    await writeFile(path, damaged);
    const { samples, failures } = await open('a.parquet');
    expect(samples.map(({ key }) => key)).toEqual(keys.slice(10));
    expect(failures).toMatchObject([{ code: 'parquet-corrupt', place: `${path}#[0]` }]);
  });
});
