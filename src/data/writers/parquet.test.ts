import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { parquetMetadata } from 'hyparquet';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Folder, picture, readAll, tarOf, temporaryFolder } from '../../../test/helpers/collection.ts';
import { asDataset } from '../dataset.ts';
import { openDataset } from '../open.ts';
import { openParquet } from '../parquet.ts';
import { fileImage } from '../paths.ts';
import { CAPTION_KINDS, type Caption, type Sample } from '../sample.ts';
import { writeParquet } from './parquet.ts';

let folder: Folder;
let png: Uint8Array;
beforeEach(async () => {
  folder = await temporaryFolder();
  png = await picture(77);
  await folder.write({ 'pictures/a.png': png });
});
afterEach(() => folder.remove());

const at = (...path: string[]) => join(folder.path, ...path);
const collection = (samples: Omit<Sample, 'image'>[]) =>
  asDataset('memory', undefined, async function* () {
    for (const sample of samples) yield { ...sample, image: fileImage(at('pictures/a.png')) };
  });
const caption = (kind: Caption['kind'], text: string): Caption => ({ kind, text, source: 'file' });
const read = (place: string) => readAll((options) => openDataset(at(place), options));
const rowsOf = async (path: string) => (await openParquet(at(path))).readGroup(0);

describe('writeParquet', () => {
  test('writes the old caption and the new one side by side, and all of them in lists', async () => {
    const captions = [
      caption('human', 'by a person'),
      caption('short', 'a cat'),
      caption('alt', 'cat pic 3'),
      caption('descriptive', 'A cat lies  on a mat.'),
      caption('descriptive', 'Another.'),
    ];
    const samples = [
      { key: 'x/1', captions, meta: { split: 'train' } },
      { key: 'x/2', captions: captions.slice(0, 2) },
      { key: 'x/3', captions: [] },
    ];
    expect(await writeParquet(collection(samples), at('out.parquet'))).toBe(3);
    const [first, second, third] = await rowsOf('out.parquet');
    expect(first).toEqual({
      key: 'x/1',
      path: 'pictures/a.png',
      re_caption: 'A cat lies  on a mat.',
      org_caption: 'cat pic 3',
      sha256: createHash('sha256').update(png).digest('hex'),
      width: 4,
      height: 3,
      re_length: 6,
      org_length: 3,
      captions: captions.map(({ text }) => text),
      kinds: captions.map(({ kind }) => kind),
      sources: captions.map(({ source }) => source),
      meta: '{"split":"train"}',
    });
    expect(second).toMatchObject({ re_caption: 'a cat', org_caption: 'by a person', meta: null });
    expect(third).toMatchObject({ re_caption: null, org_length: null, captions: [], kinds: [] });
  });

  test('loses nothing, whatever the texts are', async () => {
    const text = fc
      .array(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.constantFrom('\n', '\r\n', '"', '\\', '🐈‍⬛', 'قطة', '\ufeff', '{a|b}', '\0', ','),
        ),
        { minLength: 1, maxLength: 6 },
      )
      .map((parts) => parts.join('').toWellFormed())
      .filter((text) => text.trim() !== '');
    const captions = fc.array(fc.record({ text, kind: fc.constantFrom(...CAPTION_KINDS), source: text }), {
      maxLength: 4,
    });
    const meta = fc.dictionary(fc.constantFrom('a', 'b', 'url', 'text2'), fc.oneof(text, fc.integer(), fc.array(text)), { minKeys: 1 }); // biome-ignore format: one line
    let number = 0;
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(text), captions, meta, async (keys, captions, meta) => {
        const written = [...keys, 'last'].map((key, i) => ({
          key,
          captions: i % 2 ? captions : captions.toReversed(),
          meta,
        }));
        const name = `${number++}.parquet`;
        const count = await writeParquet(collection(written), at(name));
        const { samples, failures } = await read(name);
        expect(failures).toEqual([]);
        expect(samples).toHaveLength(count);
        const unique = written.filter(({ key }, i) => written.findIndex((one) => one.key === key) === i);
        expect(samples.map(({ key, captions }) => ({ key, captions }))).toEqual(
          unique.map(({ key, captions }) => ({ key, captions })),
        );
        for (const sample of samples) expect(sample.meta).toMatchObject(meta);
      }),
      { numRuns: 60 },
    );
  });

  test('writes the same again from what it has written', async () => {
    const samples = [{ key: '1', captions: [caption('alt', 'a'), caption('short', 'b')], meta: { n: 1 } }];
    await writeParquet(collection(samples), at('one.parquet'));
    await writeParquet(await openDataset(at('one.parquet')), at('two.parquet'));
    await writeParquet(await openDataset(at('two.parquet')), at('three.parquet'));
    expect(readFileSync(at('three.parquet')).equals(readFileSync(at('two.parquet')))).toBe(true);
  });

  test('leads to members of archives, and puts pictures that are on no disk beside the file', async () => {
    await folder.write({ 'set/0.tar': await tarOf([['k.png', png], ['k.txt', 'in a tar']]) }); // biome-ignore format: one line
    await writeParquet(await openDataset(at('set/0.tar')), at('tar.parquet'));
    expect((await rowsOf('tar.parquet'))[0].path).toBe('set/0.tar#k.png');
    const memory = asDataset('memory', undefined, async function* () {
      yield { key: 'm', captions: [caption('human', 'x')], image: { name: 'm', bytes: async () => png } };
    });
    await writeParquet(memory, at('memory.parquet'));
    expect((await rowsOf('memory.parquet'))[0].path).toBe('images/m.png');
    for (const name of ['tar.parquet', 'memory.parquet']) {
      const { samples, failures } = await read(name);
      expect(failures).toEqual([]);
      expect(Buffer.from(await samples[0].image.bytes()).equals(png)).toBe(true);
    }
  });

  test('writes many rows by the group, in their order', async () => {
    const samples = Array.from({ length: 6000 }, (_, i) => ({
      key: `${i}`,
      captions: [caption('alt', `text ${i}`)],
    }));
    const image = { name: 'a', path: at('pictures/a.png'), bytes: async () => png };
    const all = asDataset('memory', undefined, async function* () {
      for (const sample of samples) yield { ...sample, image };
    });
    await writeParquet(all, at('many.parquet'));
    const { buffer } = new Uint8Array(readFileSync(at('many.parquet')));
    expect(parquetMetadata(buffer).row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([5000, 1000]);
    const { groups, readGroup } = await openParquet(at('many.parquet'));
    const rows = (await Promise.all(groups.map((_, i) => readGroup(i)))).flat();
    expect(rows.map(({ key }) => key)).toEqual(samples.map(({ key }) => key));
  });

  test('writes a folder, refuses to lose a file, and leaves nothing half-written', async () => {
    const samples = [{ key: '1', captions: [] }];
    await writeParquet(collection(samples), at('out'));
    expect(readdirSync(at('out'))).toEqual(['captions.parquet']);
    await expect(writeParquet(collection(samples), at('out'))).rejects.toMatchObject({
      code: 'output-exists',
    });
    await writeParquet(collection([{ key: '2', captions: [] }]), at('out'), { overwrite: true });
    expect((await rowsOf('out/captions.parquet')).map(({ key }) => key)).toEqual(['2']);
    const broken = asDataset('memory', undefined, async function* () {
      yield { key: '1', captions: [], image: fileImage(at('pictures/a.png')) };
      throw new Error('the source broke');
    });
    await expect(writeParquet(broken, at('broken.parquet'))).rejects.toThrow('the source broke');
    expect(existsSync(at('broken.parquet'))).toBe(false);
    expect(readdirSync(folder.path).filter((name) => name.includes('.tmp'))).toEqual([]);
  });

  test('leaves out a sample whose picture has gone, and says so', async () => {
    const gone = asDataset('memory', undefined, async function* () {
      yield { key: 'gone', captions: [], image: fileImage(at('none.png')) };
      yield { key: 'here', captions: [], image: fileImage(at('pictures/a.png')) };
    });
    const codes: string[] = [];
    expect(await writeParquet(gone, at('out.parquet'), { onFailure: ({ code }) => codes.push(code) })).toBe(
      1,
    );
    expect(codes).toEqual(['image-missing']);
  });
});
