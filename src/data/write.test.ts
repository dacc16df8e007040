import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { extract } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Folder, picture, readAll, tarOf, temporaryFolder } from '../../test/helpers/collection.ts';
import { asDataset } from './dataset.ts';
import { openDataset } from './open.ts';
import { CAPTION_KINDS, type Caption, type Sample } from './sample.ts';
import { type WriteFormat, writeDataset } from './write.ts';
import { sidecarLine } from './writers/sidecars.ts';
import { fileNameOf } from './writers/target.ts';

let folder: Folder;
let png: Uint8Array;
beforeEach(async () => {
  folder = await temporaryFolder();
  png = await picture(77);
});
afterEach(() => folder.remove());

const inMemory = (samples: Omit<Sample, 'image'>[]) =>
  asDataset('memory', undefined, async function* () {
    for (const sample of samples)
      yield { ...sample, image: { name: `${sample.key}.png`, bytes: async () => png } };
  });

const caption = (text: string): Caption => ({ text, kind: 'human', source: 'file' });

/** Text that breaks things: line breaks of all sorts, quotes, emoji, right-to-left, controls, half surrogates. */
const hostile = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '\n',
        '\r\n',
        '\u2028',
        '"',
        "'",
        '\\',
        '🐈‍⬛',
        'قطة',
        'חתול',
        '\ufeff',
        '{a|b}',
        '|||',
        '\u0085',
        '\ud83d',
        ',',
        '  ',
      ),
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((parts) => parts.join(''))
  .filter((text) => text.trim() !== '');
const captions = fc.array(
  fc.record({
    text: hostile,
    kind: fc.constantFrom(...CAPTION_KINDS),
    source: fc.constantFrom('file', 'me', 'é"\n'),
  }),
  { maxLength: 3 },
);
const samples = fc.uniqueArray(
  fc.record({
    key: hostile,
    captions,
    meta: fc.constantFrom(undefined, { licence: 'CC0', n: 3, deep: { x: ['"'] } }),
  }),
  { selector: ({ key }) => key.toWellFormed(), minLength: 1, maxLength: 5 },
);

const comparable = (list: Omit<Sample, 'image'>[]) =>
  list.map(({ key, captions, meta }) => ({ key, captions, meta }));
const onceEach = (list: Caption[]) =>
  list.filter(({ text }, i) => list.findIndex((other) => other.text === text) === i);

describe('round trips', () => {
  let run = 0;
  test.each(['jsonl', 'webdataset', 'imagefolder'] as const)(
    '%s keeps keys, captions, kinds, authors and meta',
    async (format) => {
      await fc.assert(
        fc.asyncProperty(samples, async (given) => {
          const to = join(folder.path, `${format}-${run++}`);
          expect(await writeDataset(inMemory(given), { to, format })).toBe(given.length);
          const found = await readAll((options) => openDataset(to, options));
          expect(found.failures).toEqual([]);
          expect(comparable(found.samples)).toEqual(comparable(given));
          expect(Buffer.from(await found.samples[0].image.bytes())).toEqual(Buffer.from(png));
        }),
        { numRuns: 25 },
      );
    },
  );

  test('sidecars keep the captions, as lines', async () => {
    await fc.assert(
      fc.asyncProperty(captions, async (given) => {
        const to = join(folder.path, `sidecars-${run++}`);
        await writeDataset(inMemory([{ key: 'a', captions: given }]), { to, format: 'sidecars' });
        const found = await readAll((options) => openDataset(to, options));
        const lines = given.map(({ text }) => caption(sidecarLine(text))).filter(({ text }) => text !== '');
        expect(found.samples[0].captions).toEqual(onceEach(lines));
        expect(found.failures).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });

  test('a caption of 10,000 words survives every form', async () => {
    const text = Array.from({ length: 10_000 }, (_, i) => `word${i}`).join(' ');
    for (const format of ['jsonl', 'webdataset', 'imagefolder', 'sidecars'] as WriteFormat[]) {
      const to = join(folder.path, format);
      await writeDataset(inMemory([{ key: 'a', captions: [caption(text)] }]), { to, format });
      expect((await readAll((options) => openDataset(to, options))).captions.a).toEqual([text]);
    }
  });
});

test('a key of many bytes is cut for its file name between characters, and comes back whole', async () => {
  for (const key of ['🐈'.repeat(60), `a${'🐈'.repeat(60)}`]) {
    const to = join(folder.path, `long-${key.length}`);
    await writeDataset(inMemory([{ key, captions: [caption('a cat')] }]), { to, format: 'imagefolder' });
    expect((await readAll((options) => openDataset(to, options))).captions).toEqual({ [key]: ['a cat'] });
  }
});

test('a caption in a sidecar has no line breaks, whichever program reads it', () => {
  expect(sidecarLine(' a\r\nb\u2028c\u0085d\n')).toBe('a b c d');
});

describe('file names of keys', () => {
  test('are the keys themselves where every system takes them', () => {
    for (const key of ['a', 'dir/b-1', '000000000285', 'ünï/cødé']) expect(fileNameOf(key)).toBe(key);
  });

  test('never lead out of the folder, and never meet', () => {
    const seen = new Map<string, string>();
    const key = fc.oneof(
      hostile,
      fc.constantFrom('../x', '/etc/x', 'a/../../b', '.x', 'con', 'x.', 'a//b', 'x'.repeat(400)),
    );
    fc.assert(
      fc.property(key, (key) => {
        const name = fileNameOf(key);
        const parts = name.split('/');
        expect(
          parts.some((part) => part === '' || part.startsWith('.') || Buffer.byteLength(part) > 255),
        ).toBe(false);
        expect(name).not.toMatch(/[\\:*?"<>|\p{Cc}]/u);
        expect(seen.get(name) ?? key.toWellFormed()).toBe(key.toWellFormed());
        seen.set(name, key.toWellFormed());
      }),
    );
  });
});

describe('shards', () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, i) => ({
      key: `Photo ${i}.final`,
      captions: i % 2 ? [caption(`no. ${i}`)] : [],
    }));

  async function members(path: string) {
    const found: [string, number, number, number, number, number][] = [];
    const archive = extract();
    archive.end(readFileSync(path));
    for await (const entry of archive) {
      const { name, mode, uid, gid, mtime, size } = entry.header;
      found.push([name, mode, uid, gid, mtime.getTime(), size]);
      for await (const _ of entry);
    }
    return found;
  }

  test('have sorted keys of one width, no dots, no times, no owners', async () => {
    const to = join(folder.path, 'shards');
    await writeDataset(inMemory(many(5)), { to, format: 'webdataset', maxPerShard: 2 });
    expect(readdirSync(to)).toEqual(['00000.tar', '00001.tar', '00002.tar']);
    const all = (await Promise.all(readdirSync(to).map((name) => members(join(to, name))))).flat();
    const keys = all.map(([name]) => name.split('.')[0]);
    expect(keys).toEqual(keys.toSorted());
    expect(new Set(keys).size).toBe(5);
    for (const [name, ...rest] of all) {
      expect(name).toMatch(/^[0-9a-z_-]{9}\.(png|json|txt)$/);
      expect(rest.slice(0, 4)).toEqual([0o644, 0, 0, 0]);
    }
  });

  test('of the same samples are the same bytes', async () => {
    const [one, other] = [join(folder.path, 'one'), join(folder.path, 'other')];
    for (const to of [one, other]) await writeDataset(inMemory(many(3)), { to, format: 'webdataset' });
    expect(readFileSync(join(one, '00000.tar'))).toEqual(readFileSync(join(other, '00000.tar')));
  });

  test('are never written over the ones being read', async () => {
    await folder.write({ '00000.tar': await tarOf([['a.png', png]]) });
    const before = readFileSync(join(folder.path, '00000.tar'));
    const copy = writeDataset(await openDataset(folder.path), {
      to: folder.path,
      format: 'webdataset',
      overwrite: true,
    });
    await expect(copy).rejects.toMatchObject({ code: 'output-is-source' });
    expect(readFileSync(join(folder.path, '00000.tar'))).toEqual(before);
  });
});

describe('nothing that is there is lost', () => {
  test.each([
    ['jsonl', 'dataset.jsonl'],
    ['imagefolder', 'metadata.jsonl'],
    ['webdataset', '00000.tar'],
    ['sidecars', 'a.txt'],
  ] as const)('%s refuses to write over a file unless told to', async (format, name) => {
    const to = folder.path;
    await writeFile(join(to, name), 'precious');
    const given = () => inMemory([{ key: 'a', captions: [caption('x')] }]);
    await expect(writeDataset(given(), { to, format })).rejects.toMatchObject({
      code: 'output-exists',
      place: join(to, name),
    });
    expect(readFileSync(join(to, name), 'utf8')).toBe('precious');
    await writeDataset(given(), { to, format, overwrite: true });
    expect(readFileSync(join(to, name), 'utf8')).not.toBe('precious');
  });

  test('sidecars beside the pictures leave the pictures alone, and can be written twice', async () => {
    await folder.write({ 'in/a.png': png });
    const to = folder.path;
    const captioned = asDataset('x', undefined, async function* () {
      for await (const sample of await openDataset(to)) yield { ...sample, captions: [caption('new')] };
    });
    for (let i = 0; i < 2; i++) expect(await writeDataset(captioned, { to, format: 'sidecars' })).toBe(1);
    expect(readdirSync(join(to, 'in'))).toEqual(['a.png', 'a.txt']);
    expect(readFileSync(join(to, 'in/a.txt'), 'utf8')).toBe('new\n');
  });

  test('a dataset that fails half-way leaves no half file', async () => {
    const failing = asDataset('x', undefined, async function* () {
      yield { key: 'a', image: { name: 'a.png', bytes: async () => png }, captions: [] };
      throw new Error('lightning');
    });
    for (const format of ['jsonl', 'imagefolder', 'webdataset'] as const) {
      const to = join(folder.path, format);
      await expect(writeDataset(failing, { to, format })).rejects.toThrow('lightning');
      expect(readdirSync(to).filter((name) => /jsonl|tar|tmp/.test(name))).toEqual([]);
    }
  });

  test('a picture that has gone is left out and reported', async () => {
    await folder.write({ 'in/a.png': png, 'in/b.png': png });
    const source = await openDataset(join(folder.path, 'in'));
    const moving = asDataset('x', undefined, async function* () {
      for await (const sample of source) {
        yield sample.key === 'a'
          ? { ...sample, image: { ...sample.image, bytes: () => Promise.reject(new Error('gone')) } }
          : sample;
      }
    });
    const failures: string[] = [];
    const to = join(folder.path, 'out');
    const written = await writeDataset(moving, {
      to,
      format: 'imagefolder',
      onFailure: ({ key }) => failures.push(key),
    });
    expect([written, failures]).toEqual([1, ['a']]);
  });
});

test('JSONL leads back to the pictures where they are, on disk and in shards', async () => {
  await folder.write({ 'in/photos/a.png': png, 'in/x.tar': await tarOf([['b.png', png]]) });
  const to = join(folder.path, 'in/out.jsonl');
  const both = asDataset('x', undefined, async function* () {
    yield* await openDataset(join(folder.path, 'in/photos'));
    yield* await openDataset(join(folder.path, 'in/x.tar'));
  });
  await writeDataset(both, { to, format: 'jsonl' });
  const { samples } = await readAll((options) => openDataset(to, options));
  expect(samples.map(({ key }) => key)).toEqual(['a', 'b']);
  for (const { image } of samples) expect(await image.bytes()).toEqual(Buffer.from(png));
  expect(existsSync(join(folder.path, 'in/images'))).toBe(false);
});
