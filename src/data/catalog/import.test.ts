import { appendFile, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Folder, picture, readAll, tarOf, temporaryFolder } from '../../../test/helpers/collection.ts';
import { numberedPicture } from '../../../test/helpers/fake-captioner.ts';
import { decodeImage, encodeJpeg, encodePng } from '../../image/index.ts';
import { worldDataset } from '../../world/index.ts';
import { openDataset } from '../open.ts';
import {
  type Catalog,
  findImages,
  historyOf,
  type ImportEvent,
  importSources,
  openCatalog,
  selectSamples,
  statusOf,
} from './index.ts';

let folder: Folder;
let catalog: Catalog;
beforeEach(async () => {
  folder = await temporaryFolder();
  await folder.write({
    'photos/a.png': await picture(10),
    'photos/a.txt': 'a dog\n',
    'photos/b.png': await picture(200),
    'photos/broken.png': 'no picture at all',
    'work/.keep': '',
  });
  catalog = await openCatalog(join(folder.path, 'work'), { create: true });
});
afterEach(async () => {
  catalog.close();
  await folder.remove();
});

async function importAll(sources: string[], options = {}) {
  const events: ImportEvent[] = [];
  for await (const event of importSources(catalog, sources, options)) events.push(event);
  const done = events.at(-1);
  if (done?.kind !== 'done') throw new Error('the last event is "done"');
  return { events, done };
}

const photos = () => join(folder.path, 'photos');

test('pictures come with their captions and where they lie; a broken one is told and listed', async () => {
  const { events, done } = await importAll([photos()]);
  expect(done).toMatchObject({ seen: 3, added: 2, captions: 1, copies: 0, failed: 1, stopped: false });
  expect(JSON.parse(JSON.stringify(events))).toEqual(events);
  expect(events.filter(({ kind }) => kind === 'failure')).toHaveLength(1);
  expect(statusOf(catalog).failures).toEqual([{ code: 'image-unreadable', count: 1 }]);
  const [found] = findImages(catalog, 'a');
  expect(found.places).toEqual([join(photos(), 'a.png')]);
  expect(historyOf(catalog, found.id)).toMatchObject([{ kind: 'alt', text: 'a dog', author: 'file' }]);
  expect(catalog.db.get('SELECT width, height, format, bytes FROM images WHERE id = ?', found.id)).toEqual({
    width: 4,
    height: 3,
    format: 'png',
    bytes: (await readFile(join(photos(), 'a.png'))).length,
  });
});

test('again, only what is new is added, and what was mended is failed no more', async () => {
  await importAll([photos()]);
  await writeFile(join(photos(), 'broken.png'), await picture(99));
  await appendFile(join(photos(), 'a.txt'), 'a brown dog\n');
  const { done } = await importAll([photos()]);
  expect(done).toMatchObject({ seen: 3, added: 1, captions: 1, copies: 0, failed: 0 });
  expect(statusOf(catalog).failures).toEqual([]);
  expect((await importAll([photos()])).done).toMatchObject({ seen: 3, added: 0, captions: 0 });
});

test('a picture that was drawn over since is another picture, and the old one keeps its captions', async () => {
  await importAll([photos()]);
  await writeFile(join(photos(), 'a.png'), await picture(77));
  await utimes(join(photos(), 'a.png'), 2e9, 2e9);
  expect((await importAll([photos()])).done).toMatchObject({ added: 1 });
  expect(statusOf(catalog).images).toBe(3);
  const { samples } = await readAll(() => openDataset(catalog.folder));
  const [, drawn] = samples; // the old one lies nowhere, so it is no sample; the catalog knows it still
  expect(samples).toHaveLength(2);
  for await (const old of selectSamples(catalog, { where: 'key:a' })) {
    expect(old).toMatchObject({ key: 'a', captions: [{ text: 'a dog' }] });
    await expect(old.image.bytes()).rejects.toMatchObject({ code: 'image-missing' });
  }
  expect(Buffer.from(await drawn.image.bytes())).toEqual(Buffer.from(await picture(77)));
});

test('the same file in two places is one picture with two places', async () => {
  await folder.write({ 'photos/copies/c.png': await picture(10), 'photos/copies/c.txt': 'the same dog' });
  const { done } = await importAll([photos()]);
  expect(done).toMatchObject({ added: 2, copies: 1, captions: 2 });
  const [found] = findImages(catalog, join(photos(), 'copies/c.png'));
  expect(found).toMatchObject({
    key: 'a',
    places: [join(photos(), 'a.png'), join(photos(), 'copies/c.png')],
  });
  await rm(join(photos(), 'a.png'));
  for await (const { key, image } of await openDataset(catalog.folder))
    if (key === 'a') expect(Buffer.from(await image.bytes())).toEqual(Buffer.from(await picture(10)));
});

test('pictures in archives are read where they lie', async () => {
  const tar = await folder.write({
    'shard.tar': await tarOf([
      ['x.png', await numberedPicture(7)],
      ['x.json', '{"caption": "seven", "url": "https://example.org/7"}'],
      ['y.png', await numberedPicture(8)],
    ]),
  });
  await importAll([tar]);
  const samples = [];
  for await (const sample of await openDataset(catalog.folder)) samples.push(sample);
  expect(samples.map(({ key, image }) => [key, image.name])).toEqual([
    ['x', `${tar}#x.png`],
    ['y', `${tar}#y.png`],
  ]);
  expect(samples[0]).toMatchObject({
    captions: [{ text: 'seven', kind: 'alt', source: 'file' }],
    meta: { url: 'https://example.org/7' },
  });
  expect(Buffer.from(await samples[1].image.bytes())).toEqual(Buffer.from(await numberedPicture(8)));
  expect(await readdir(catalog.folder)).not.toContain('images');
  expect((await importAll([tar])).done).toMatchObject({ seen: 2, added: 0 });
});

test('a file that was copied or touched is the same picture, one that was written over is not', async () => {
  await importAll([photos()]);
  await utimes(join(photos(), 'a.png'), 1e9, 1e9);
  await writeFile(join(photos(), 'b.png'), await picture(201));
  const { samples } = await readAll(() => openDataset(catalog.folder));
  expect(Buffer.from(await samples[0].image.bytes())).toEqual(Buffer.from(await picture(10)));
  await expect(samples[1].image.bytes()).rejects.toMatchObject({
    code: 'image-changed',
    hint: expect.stringContaining('Import'),
  });
});

test('pictures that lie in Parquet are kept in the workspace by what they are, and move with it', async () => {
  for (const name of ['one', 'two']) {
    const bytes = await picture(name === 'one' ? 1 : 2);
    const table = parquetWriteBuffer({ columnData: [{ name: 'key', data: ['1'], type: 'STRING' }, { name: 'png', data: [bytes], type: 'BYTE_ARRAY' }] }); // biome-ignore format: one line
    await folder.write({ [`${name}.parquet`]: new Uint8Array(table) });
  }
  for (const name of ['one', 'two']) await importAll([join(folder.path, `${name}.parquet`)]);
  const moved = join(folder.path, 'moved');
  catalog.close();
  await rename(join(folder.path, 'work'), moved);
  catalog = await openCatalog(moved);
  const { samples } = await readAll(() => openDataset(moved));
  const found = await Promise.all(samples.map(({ image }) => image.bytes()));
  expect(found.map((bytes) => Buffer.from(bytes))).toEqual([
    Buffer.from(await picture(1)),
    Buffer.from(await picture(2)),
  ]);
});

test('what nobody looked at is looked at by the next import', async () => {
  const file = await encodePng(await numberedScene(3));
  await folder.write({
    'scenes/one.png': file,
    'scenes/two.jpg': await encodeJpeg(await decodeImage(file), 60),
  });
  expect((await importAll([join(folder.path, 'scenes')], { look: false })).done).not.toHaveProperty('twins');
  expect((await importAll([join(folder.path, 'scenes')])).done).toMatchObject({ added: 0, twins: 1 });
  expect((await importAll([join(folder.path, 'scenes')])).done).toMatchObject({ added: 0, twins: 0 });
});

test('a picture that was mended is failed no more, whatever else is imported with it', async () => {
  await importAll([photos()]);
  await writeFile(join(photos(), 'broken.png'), await picture(99));
  await importAll([join(photos(), 'broken.png')]);
  expect(statusOf(catalog).failures).toEqual([]);
});

test('nothing of the source is changed', async () => {
  const before = await readdir(photos());
  await importAll([photos()]);
  expect(await readdir(photos())).toEqual(before);
  expect(await readFile(join(photos(), 'a.txt'), 'utf8')).toBe('a dog\n');
});

test('what the captions are can be said, and a source that says it itself is believed', async () => {
  const rows = await folder.write({
    'photos/rows.jsonl': `{"image": "b.png", "caption": "grey", "kind": "short"}\n`,
  });
  await importAll([photos(), rows], { kind: 'human' });
  expect(statusOf(catalog).kinds.map(({ kind, captions }) => [kind, captions])).toEqual([
    ['human', 1],
    ['short', 1],
  ]);
});

test('a query chooses among the samples of a workspace', async () => {
  await importAll([photos()]);
  const keys = [];
  for await (const { key } of await openDataset(catalog.folder, { where: 'has:alt' })) keys.push(key);
  expect(keys).toEqual(['a']);
  await expect(openDataset(catalog.folder, { where: 'has:' })).rejects.toMatchObject({ code: 'bad-query' });
  await expect(openDataset(photos(), { where: 'has:alt' })).rejects.toMatchObject({ code: 'no-workspace' });
});

test('stopped, it keeps what it has, and goes on the next time', async () => {
  const controller = new AbortController();
  controller.abort();
  expect((await importAll([photos()], { signal: controller.signal })).done).toMatchObject({
    stopped: true,
    seen: 0,
  });
  expect((await importAll([photos()])).done).toMatchObject({ added: 2, stopped: false, job: 1 });
});

test('pictures that look the same are told, and know each other', async () => {
  const [scene, other] = await Promise.all([3, 4].map((n) => numberedScene(n)));
  await folder.write({
    'scenes/one.png': await encodePng(scene),
    'scenes/two.jpg': await encodeJpeg(scene, 60),
    'scenes/three.png': await encodePng(other),
  });
  expect((await importAll([join(folder.path, 'scenes')])).done).toMatchObject({
    added: 3,
    copies: 0,
    twins: 1,
  });
  expect(findImages(catalog, 'two')).toMatchObject([{ twins: ['one'] }]);
  expect(findImages(catalog, 'one')).toMatchObject([{ twins: ['two'] }]);
  expect(findImages(catalog, 'three')).toMatchObject([{ twins: [] }]);
});

async function numberedScene(seed: number) {
  for await (const { image } of worldDataset({ count: 1, size: 96, seed }))
    return decodeImage(await image.bytes());
  throw new Error('no scene');
}
