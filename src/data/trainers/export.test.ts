import { lstatSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Folder, picture, readAll, tarOf, temporaryFolder } from '../../../test/helpers/collection.ts';
import { decodeImage, encodeJpeg, encodePng, formatOf, isImageName } from '../../image/index.ts';
import { sharp } from '../../image/sharp.ts';
import { openCatalog } from '../catalog/index.ts';
import { asDataset } from '../dataset.ts';
import { openDataset } from '../open.ts';
import { CAPTION_KINDS, type Caption, type Dataset, type Sample } from '../sample.ts';
import { sidecarLine } from '../writers/sidecars.ts';
import { dotlessNameOf } from '../writers/target.ts';
import {
  type Change,
  type ExportOptions,
  exportDataset,
  lintExport,
  refuseInsideSource,
  TRAINER_PROFILES,
  TRAINERS,
  type Trainer,
} from './index.ts';

let folder: Folder;
let png: Uint8Array;
beforeEach(async () => {
  folder = await temporaryFolder();
  png = await picture(77);
});
afterEach(() => folder.remove());

type Given = Omit<Sample, 'image'>;
const inMemory = (samples: Given[]) =>
  asDataset('memory', undefined, async function* () {
    for (const sample of samples)
      yield { ...sample, image: { name: `${sample.key}.png`, bytes: async () => png } };
  });

const caption = (text: string, kind: Caption['kind'] = 'descriptive'): Caption => ({
  text,
  kind,
  source: 'me',
});
const all: Pick<ExportOptions, 'draw' | 'pictures'> = { draw: ({ captions }) => captions, pictures: 'copy' };

let run = 0;
const fresh = (name: string) => join(folder.path, `${name}-${run++}`);

async function findingsOf(trainer: Trainer, dir: string, several = false) {
  const found = [];
  for await (const finding of lintExport(trainer, dir, { several, countTokens: () => 1 }))
    found.push(finding);
  return found;
}

const hostile = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\n', '\r\n', '\u2028', '"', "'", '\\', '🐈‍⬛', 'قطة', 'חתול', '\ufeff', '{a|b}', '{', '|||', ';;;', '\u0085', '\ud83d', ',', ', ,', '1,000', '\t', '</s>', '#'), // biome-ignore format: one line
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((parts) => parts.join(''))
  // Some text that no trainer's form leaves empty.
  .map((text) => `x${text}`);
const keys = fc.oneof(
  hostile,
  fc.constantFrom('a.b.c', 'dir/x', 'dir/y.v2', '../z', 'ünï/cødé', 'a', 'a.png', 'con'),
);
const samples = (most: number) =>
  fc.uniqueArray(
    fc.record({
      key: keys,
      captions: fc.uniqueArray(
        fc.record({ text: hostile, kind: fc.constantFrom(...CAPTION_KINDS), source: fc.constant('me') }),
        { minLength: 1, maxLength: most, selector: ({ text }) => text.replace(/[^\p{L}\p{N}]/gu, '') },
      ),
    }),
    { selector: ({ key }) => key.toWellFormed(), minLength: 1, maxLength: 4 },
  );

/** What a trainer's form makes of a caption: no more than a text file of one caption a line must. */
function inForm(trainer: Trainer, text: string, several: boolean): string {
  const whole = text.toWellFormed();
  if (!['kohya', 'onetrainer', 'ai-toolkit', 'simpletuner', 'sidecar'].includes(trainer)) return whole;
  const line = sidecarLine(whole);
  return trainer === 'kohya' && several ? line.replaceAll('{', '(').replaceAll('}', ')') : line;
}

describe.each(TRAINERS)('%s', (trainer) => {
  const { lists } = TRAINER_PROFILES[trainer];

  test('gives back every caption, letter by letter but for line breaks, whatever text and keys are', async () => {
    await fc.assert(
      fc.asyncProperty(samples(lists ? 3 : 1), async (given) => {
        const to = fresh(trainer);
        const options = { ...all, to, several: lists };
        expect(await exportDataset(trainer, inMemory(given), options)).toBe(given.length);
        const { samples, failures } = await readAll((options) => openDataset(to, options));
        expect(failures).toEqual([]);
        const read = new Map(samples.map(({ key, captions }) => [key, captions.map(({ text }) => text)]));
        for (const { key, captions } of given) {
          const own = read.get(key.toWellFormed()) ?? read.get(key) ?? read.get(dotlessNameOf(key));
          expect(own).toEqual(captions.map(({ text }) => inForm(trainer, text, lists)));
        }
        const errors = (await findingsOf(trainer, to, true)).filter(({ severity }) => severity === 'error');
        expect(errors).toEqual([]);
        expect(Buffer.from(await samples[0].image.bytes())).toEqual(Buffer.from(png));
      }),
      { numRuns: 12 },
    );
  });

  test('keeps a caption of 10,000 words', async () => {
    const text = Array.from({ length: 10_000 }, (_, i) => `word${i}`).join(' ');
    const to = fresh(trainer);
    await exportDataset(trainer, inMemory([{ key: 'a', captions: [caption(text)] }]), { ...all, to });
    const { captions } = await readAll((options) => openDataset(to, options));
    expect(captions.a).toEqual([text]);
  });

  test('leaves out a sample without a caption, and tells of it', async () => {
    const to = fresh(trainer);
    const codes: string[] = [];
    const given = [
      { key: 'a', captions: [caption('a cat')] },
      { key: 'b', captions: [] },
      { key: 'c', captions: [caption('\n \ufeff')] },
    ];
    const written = await exportDataset(trainer, inMemory(given), {
      ...all,
      to,
      onFailure: ({ code, key }) => codes.push(`${key} ${code}`),
    });
    expect([written, codes]).toEqual([1, ['b no-caption', 'c no-caption']]);
  });

  test('refuses to write over what stands there, and over the pictures that are read', async () => {
    const { path } = folder;
    await folder.write({ 'in/a.png': png, 'in/a.txt': 'a cat' });
    const source = await openDataset(join(path, 'in'));
    await expect(
      exportDataset(trainer, source, { ...all, to: join(path, 'in'), overwrite: true }),
    ).rejects.toMatchObject({ code: 'output-is-source' });
    expect(readdirSync(join(path, 'in'))).toEqual(['a.png', 'a.txt']);
    const to = fresh(trainer);
    await exportDataset(trainer, source, { ...all, to });
    const other = inMemory([{ key: 'a', captions: [caption('a dog')] }]);
    await expect(exportDataset(trainer, other, { ...all, to })).rejects.toMatchObject({
      code: 'output-exists',
    });
    expect(await exportDataset(trainer, other, { ...all, to, overwrite: true })).toBe(1);
  });
});

describe('files', () => {
  const two: Given[] = [
    { key: 'a', captions: [caption('a {red|blue} cat\non a mat'), caption('a cat', 'short')] },
    { key: 'dir/v1.2', captions: [caption('1,000 birds,at sea'), caption('old', 'alt')] },
  ];
  const main: Pick<ExportOptions, 'draw' | 'pictures'> = {
    draw: ({ captions }) => [captions[0]],
    pictures: 'copy',
  };
  const write = async (trainer: Trainer, options: Partial<ExportOptions> = main) => {
    const to = fresh(trainer);
    await exportDataset(trainer, inMemory(two), { ...all, ...options, to });
    return { to, read: (name: string) => readFileSync(join(to, name), 'utf8') };
  };
  const dotted = dotlessNameOf('dir/v1.2');

  test('kohya: braces only where they are no choice, a subset for each folder, wildcards only for lists', async () => {
    const { to, read } = await write('kohya');
    expect(read('a.txt')).toBe('a {red|blue} cat on a mat\n');
    const toml = read('dataset.toml');
    expect(toml.match(/image_dir = .*/g)).toEqual([
      `image_dir = ${JSON.stringify(to)}`,
      `image_dir = ${JSON.stringify(join(to, 'dir'))}`,
    ]);
    expect(toml).not.toContain('enable_wildcard');
    const lists = await write('kohya', { several: true });
    expect(lists.read('a.txt')).toBe('a (red|blue) cat on a mat\na cat\n');
    expect(lists.read('dataset.toml')).toContain('enable_wildcard = true');
  });

  test('onetrainer: one concept with its subfolders', async () => {
    const { to, read } = await write('onetrainer');
    expect(JSON.parse(read('concepts.json'))).toMatchObject([
      { path: to, include_subdirectories: true, text: { prompt_source: 'sample' } },
    ]);
    expect(read(`${dotted}.txt`)).toBe('1,000 birds,at sea\n');
  });

  test('simpletuner: a backend of text files, and one for the embeddings', async () => {
    const { to, read } = await write('simpletuner');
    expect(JSON.parse(read('multidatabackend.json'))).toMatchObject([
      { type: 'local', instance_data_dir: to, caption_strategy: 'textfile' },
      { dataset_type: 'text_embeds', default: true },
    ]);
  });

  test('ai-toolkit: the short caption beside the main one', async () => {
    const { to, read } = await write('ai-toolkit');
    expect(JSON.parse(read('a.json'))).toEqual({
      caption: 'a {red|blue} cat on a mat',
      caption_short: 'a cat',
    });
    expect(JSON.parse(read(`${dotted}.json`))).toEqual({ caption: '1,000 birds,at sea' });
    expect(read('dataset.yaml')).toContain(`folder_path: ${JSON.stringify(to)}\n    caption_ext: json`);
  });

  test('diffusers: text is the main caption, captions a list, and every row has the same columns', async () => {
    const { read } = await write('diffusers', {});
    const rows = read('metadata.jsonl').trim().split('\n').map((line) => JSON.parse(line)); // biome-ignore format: one line
    expect(rows.map(({ file_name, text }) => [file_name, text])).toEqual([
      ['a.png', two[0].captions[0].text],
      [`${dotted}.png`, '1,000 birds,at sea'],
    ]);
    expect(rows.map(({ captions }) => captions.length)).toEqual([2, 2]);
  });

  test('pixart: prompt by people, sharegpt4v by a captioner, ratio height by width', async () => {
    const { read } = await write('pixart');
    expect(JSON.parse(read('data_info.json'))).toEqual([
      { path: 'a.png', height: 3, width: 4, ratio: 0.75, prompt: two[0].captions[0].text, sharegpt4v: two[0].captions[0].text }, // biome-ignore format: one line
      {
        path: `${dotted}.png`,
        height: 3,
        width: 4,
        ratio: 0.75,
        prompt: 'old',
        sharegpt4v: '1,000 birds,at sea',
      },
    ]);
  });

  test('parquet: both captions in a row, whichever was drawn', async () => {
    const { to } = await write('parquet');
    const { samples } = await readAll((options) => openDataset(to, options));
    expect(samples[1].captions.map(({ text, kind }) => `${kind} ${text}`)).toEqual([
      'descriptive 1,000 birds,at sea',
      'alt old',
    ]);
  });

  test('what is written differently is told', async () => {
    const changes: Change[] = [];
    await write('kohya', { ...main, several: true, onChange: (change) => changes.push(change) });
    expect(changes).toEqual([
      { key: 'a', before: 'a {red|blue} cat\non a mat', after: 'a (red|blue) cat on a mat' },
    ]);
  });

  test('an export can be written a second time over itself', async () => {
    const { to } = await write('kohya');
    expect(await exportDataset('kohya', inMemory(two), { ...all, ...main, to })).toBe(2);
  });
});

describe('pictures', () => {
  test('links lead to the originals by absolute paths; members of archives are copied', async () => {
    await folder.write({
      'in/a.png': png,
      'in/a.txt': 'a cat',
      'shard.tar': await tarOf([
        ['b.png', png],
        ['b.txt', 'a dog'],
      ]),
    });
    const to = fresh('linked');
    const both = asDataset('both', undefined, async function* () {
      yield* await openDataset(join(folder.path, 'in'));
      yield* await openDataset(join(folder.path, 'shard.tar'));
    });
    for (let i = 0; i < 2; i++)
      expect(await exportDataset('sidecar', both, { ...all, to, pictures: 'link' })).toBe(2);
    expect(readlinkSync(join(to, 'a.png'))).toBe(join(folder.path, 'in/a.png'));
    expect(lstatSync(join(to, 'b.png')).isFile()).toBe(true);
    expect((await readAll((options) => openDataset(to, options))).captions).toEqual({
      a: ['a cat'],
      b: ['a dog'],
    });
  });

  test('writing over a link replaces the link, never the picture behind it', async () => {
    await folder.write({ 'in/a.png': png, 'in/a.txt': 'a cat' });
    const to = fresh('linked');
    await exportDataset('sidecar', await openDataset(join(folder.path, 'in')), {
      ...all,
      to,
      pictures: 'link',
    });
    png = await picture(200);
    const other = inMemory([{ key: 'a', captions: [caption('a cat')] }]);
    await exportDataset('sidecar', other, { ...all, to, overwrite: true });
    expect(readFileSync(join(folder.path, 'in/a.png'))).toEqual(Buffer.from(await picture(77)));
    expect(readFileSync(join(to, 'a.png'))).toEqual(Buffer.from(png));
  });

  test('are shrunk upright in their own format, never enlarged, and the originals stay', async () => {
    const wide = { width: 64, height: 32, data: new Uint8Array(64 * 32 * 3).fill(90) };
    const jpeg = await encodeJpeg(wide);
    const turned = await sharp(jpeg).withMetadata({ orientation: 6 }).toBuffer();
    await folder.write({ 'in/t.jpg': turned, 'in/w.png': await encodePng(wide), 'in/small.png': png });
    for (const name of ['t', 'w', 'small']) writeFileSync(join(folder.path, `in/${name}.txt`), name);
    const to = fresh('small');
    const source = await openDataset(join(folder.path, 'in'));
    await exportDataset('sidecar', source, { ...all, to, pictures: 'link', resize: 16 });
    const sizes = await Promise.all(
      ['t.jpg', 'w.png', 'small.png'].map(async (name) => {
        const bytes = readFileSync(join(to, name));
        const { width, height } = await decodeImage(bytes);
        return `${formatOf(bytes)} ${width} × ${height}`;
      }),
    );
    expect(sizes).toEqual(['jpg 8 × 16', 'png 16 × 8', 'png 4 × 3']);
    expect(readFileSync(join(folder.path, 'in/t.jpg'))).toEqual(turned);
  });

  test.each(['jsonl', 'parquet'] as const)(
    '%s: links lie in images/, so that reading them leads nowhere else',
    async (trainer) => {
      await folder.write({ 'in/a.png': png, 'in/a.txt': 'a cat' });
      const to = fresh(trainer);
      await exportDataset(trainer, await openDataset(join(folder.path, 'in')), {
        ...all,
        to,
        pictures: 'link',
      });
      expect(readlinkSync(join(to, 'images/a.png'))).toBe(join(folder.path, 'in/a.png'));
      const { samples, failures } = await readAll((options) => openDataset(to, options));
      expect(failures).toEqual([]);
      expect(Buffer.from(await samples[0].image.bytes())).toEqual(Buffer.from(png));
    },
  );

  test.each(TRAINERS)('%s: what cannot be opened is left out, and told', async (trainer) => {
    const files = { 'in/a.png': png, 'in/text.png': 'no picture', 'in/cut.png': png.slice(0, 20), 'in/none.png': '' }; // biome-ignore format: one line
    await folder.write(files);
    for (const name of ['a', 'text', 'cut', 'none']) await folder.write({ [`in/${name}.txt`]: name });
    const to = fresh(trainer);
    const codes: Record<string, string> = {};
    const onFailure: ExportOptions['onFailure'] = ({ key, code }) => {
      codes[key] = code;
    };
    const source = await openDataset(join(folder.path, 'in'));
    expect(await exportDataset(trainer, source, { ...all, to, onFailure })).toBe(1);
    expect(codes).toEqual({ text: 'image-unreadable', cut: 'image-truncated', none: 'image-empty' });
    expect((await readAll((options) => openDataset(to, options))).captions).toEqual({ a: ['a'] });
  });

  test('have the extension of what they are, and what a trainer does not read is converted', async () => {
    const image = { width: 8, height: 8, data: new Uint8Array(192).fill(90) };
    const raw = () => sharp(image.data, { raw: { width: 8, height: 8, channels: 3 } });
    await folder.write({
      'in/jpeg.jfif': await encodeJpeg(image),
      'in/named.png': await encodeJpeg(image),
      'in/g.gif': await raw().gif().toBuffer(),
      'in/t.tif': await raw().tiff().toBuffer(),
      'in/a.avif': await raw().avif().toBuffer(),
    });
    for (const name of ['jpeg', 'named', 'g', 't', 'a']) await folder.write({ [`in/${name}.txt`]: name });
    const source = await openDataset(join(folder.path, 'in'));
    const write = async (trainer: Trainer, pictures: ExportOptions['pictures']) => {
      const to = fresh(trainer);
      await exportDataset(trainer, source, { ...all, to, pictures });
      const names = readdirSync(to).filter((name) => !name.startsWith('.') && isImageName(name));
      for (const name of names) expect(formatOf(readFileSync(join(to, name)))).toBe(name.split('.')[1]);
      expect((await findingsOf(trainer, to)).filter(({ trap }) => /image|format/.test(trap))).toEqual([]);
      return names.join(' ');
    };
    for (const pictures of ['copy', 'link'] as const) {
      expect(await write('kohya', pictures)).toBe('a.avif g.png jpeg.jpg named.jpg t.png');
      expect(await write('onetrainer', pictures)).toBe('a.jpg g.png jpeg.jpg named.jpg t.tif');
      expect(await write('ai-toolkit', pictures)).toBe('a.jpg g.png jpeg.jpg named.jpg t.png');
      expect(await write('diffusers', pictures)).toBe('a.jpg g.gif jpeg.jpg named.jpg t.tif');
    }
  });

  test('a kind that the trainer reads and we do not is copied', async () => {
    const bmp = Buffer.alloc(70);
    bmp.write('BM');
    bmp.writeUInt32LE(40, 14);
    await folder.write({ 'in/a.bmp': bmp, 'in/a.txt': 'a cat' });
    const source = await openDataset(join(folder.path, 'in'));
    expect(await exportDataset('kohya', source, { ...all, to: fresh('bmp') })).toBe(1);
    expect(await exportDataset('ai-toolkit', source, { ...all, to: fresh('bmp') })).toBe(0);
  });
});

describe('a folder that was used before', () => {
  const given = (...keys: string[]) => inMemory(keys.map((key) => ({ key, captions: [caption(key)] })));
  const leftovers = async (trainer: Trainer, dataset: Dataset, options: Partial<ExportOptions>) => {
    let found: unknown;
    const onLeftovers: ExportOptions['onLeftovers'] = (leftovers) => {
      found = leftovers;
    };
    await exportDataset(trainer, dataset, { ...all, to: folder.path, onLeftovers, ...options });
    return found;
  };
  const files = () => readdirSync(folder.path, { recursive: true }).map(String).sort();

  test.each(TRAINERS)('%s: is after an overwriting as if there had been one export', async (trainer) => {
    const [once, twice] = [fresh('once'), fresh('twice')];
    await leftovers(trainer, given('a'), { to: once });
    await leftovers(trainer, given('a', 'dir/b', 'c'), { to: twice });
    await leftovers(trainer, given('a'), { to: twice, overwrite: true });
    const names = (to: string) => readdirSync(to, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map(({ name }) => name); // biome-ignore format: one line
    expect(names(twice)).toEqual(names(once));
    const { captions } = await readAll((options) => openDataset(twice, options));
    expect(captions).toEqual({ a: ['a'] });
  });

  test('loses what another trainer was given, and nothing that no export wrote', async () => {
    await leftovers('pixart', given('a', 'b'), {});
    await folder.write({ 'mine.png': png, 'mine.txt': 'mine', 'notes.md': '' });
    expect(await leftovers('kohya', given('a'), { overwrite: true })).toEqual({ removed: 3, strangers: 1 });
    expect(files()).toEqual(
      ['.recaption-export.jsonl', 'a.png', 'a.txt', 'dataset.toml', 'mine.png', 'mine.txt', 'notes.md'], // biome-ignore format: one line
    );
  });

  test('keeps all of it without overwriting, and tells how many pictures are not of this export', async () => {
    await leftovers('sidecar', given('a', 'b', 'c'), {});
    expect(await leftovers('sidecar', given('a'), {})).toEqual({ removed: 0, strangers: 2 });
    expect(await leftovers('sidecar', given('a'), { overwrite: true })).toEqual({ removed: 4, strangers: 0 });
  });

  test('tells of pictures where there is no record', async () => {
    await folder.write({ 'x.jpg': png, 'sub/y.png': png });
    expect(await leftovers('sidecar', given('a'), {})).toEqual({ removed: 0, strangers: 2 });
    expect(await leftovers('sidecar', given('a'), {})).toEqual({ removed: 0, strangers: 2 });
  });

  test('an export that broke off is on record', async () => {
    const broken = asDataset('broken', undefined, async function* () {
      yield* given('a', 'b');
      throw new Error('the power went');
    });
    await expect(leftovers('kohya', broken, {})).rejects.toThrow('the power went');
    writeFileSync(join(folder.path, '.recaption-export.jsonl'), '{"file": "torn', { flag: 'a' });
    expect(await leftovers('kohya', given('b'), { overwrite: true })).toEqual({ removed: 2, strangers: 0 });
  });

  test('what stood in the way of an export is never on its record', async () => {
    await folder.write({ 'a.png': await picture(1), 'b.txt': 'mine' });
    for (const key of ['a', 'b'])
      await expect(leftovers('sidecar', given(key), {})).rejects.toMatchObject({ code: 'output-exists' });
    await leftovers('sidecar', given('c'), { overwrite: true });
    expect(files()).toEqual(['.recaption-export.jsonl', 'a.png', 'b.txt', 'c.png', 'c.txt']);
  });

  test('a record that names files elsewhere removes none of them', async () => {
    const to = join(folder.path, 'out');
    await folder.write({ 'precious.png': png, 'else/precious.png': png, 'out/.recaption-export.jsonl': '' });
    symlinkSync(join(folder.path, 'else'), join(to, 'way'));
    const names = ['../precious.png', join(folder.path, 'precious.png'), 'way/precious.png', '.', 'way'];
    writeFileSync(
      join(to, '.recaption-export.jsonl'),
      names.map((file) => JSON.stringify({ file })).join('\n'),
    );
    await leftovers('sidecar', given('a'), { to, overwrite: true });
    expect(files()).toContain('precious.png');
    expect(files()).toContain('else/precious.png');
  });
});

test.each([
  ['ai-toolkit', { caption: 'long', caption_short: 'short' }, ['long', 'short']],
  ['pixart', { prompt: 'old', sharegpt4v: 'long' }, ['long', 'old']],
] as const)(
  '%s: reading back loses no caption of the file that the trainer reads',
  async (trainer, row, read) => {
    const captions = [caption('long'), caption('short', 'short'), caption('old', 'alt')];
    const to = fresh(trainer);
    await exportDataset(trainer, inMemory([{ key: 'a', captions }]), {
      ...all,
      draw: ({ captions }) => captions.slice(0, 1),
      to,
    });
    const name = trainer === 'pixart' ? 'data_info.json' : 'a.json';
    expect([JSON.parse(readFileSync(join(to, name), 'utf8'))].flat()).toMatchObject([row]);
    expect((await readAll((options) => openDataset(to, options))).captions).toEqual({ a: read });
  },
);

describe('output-is-source', () => {
  test('a folder of pictures may not hold the export, a workspace may', async () => {
    const { path } = folder;
    await folder.write({ 'in/sub/a.png': png, 'in/metadata.jsonl': '', 'work/x': '' });
    for (const source of ['in', 'in/metadata.jsonl'])
      await expect(refuseInsideSource(join(path, source), join(path, 'in/new/out'))).rejects.toMatchObject({
        code: 'output-is-source',
      });
    symlinkSync(join(path, 'in'), join(path, 'other'));
    await expect(refuseInsideSource(join(path, 'in'), join(path, 'other/out'))).rejects.toThrow();
    await refuseInsideSource(join(path, 'in/sub/a.png'), join(path, 'in/out'));
    await refuseInsideSource(join(path, 'in'), join(path, 'out'));
    (await openCatalog(join(path, 'work'), { create: true })).close();
    await refuseInsideSource(join(path, 'work'), join(path, 'work/out'));
  });

  test('nor may the folder of a picture, however it was named', async () => {
    await folder.write({
      'in/a.png': png,
      'in/all.jsonl': JSON.stringify({ image: 'a.png', captions: ['a cat'] }),
    });
    const source = await openDataset(join(folder.path, 'in/all.jsonl'));
    const to = join(folder.path, 'in/out');
    await expect(exportDataset('sidecar', source, { ...all, to })).rejects.toMatchObject({
      code: 'output-is-source',
    });
  });
});
