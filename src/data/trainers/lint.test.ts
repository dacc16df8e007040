import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Folder, picture, tarOf, temporaryFolder } from '../../../test/helpers/collection.ts';
import { asDataset } from '../dataset.ts';
import { writeParquet } from '../writers/parquet.ts';
import { rejoinCommas } from './ai-toolkit.ts';
import { estimateTokens, type LintOptions, lintExport, TRAINERS, type Trainer } from './index.ts';

let folder: Folder;
let png: Uint8Array;
beforeEach(async () => {
  folder = await temporaryFolder();
  png = await picture(7);
});
afterEach(() => folder.remove());

const LATIN1 = Buffer.from('caf\xe9', 'latin1');
const long = 'word '.repeat(600).trim();

/** Traps as `severity trap file`, sorted. */
async function trapsOf(
  trainer: Trainer,
  files: Record<string, string | Uint8Array>,
  options: LintOptions = {},
) {
  await folder.write(files);
  const found: string[] = [];
  for await (const { severity, trap, place } of lintExport(trainer, folder.path, options))
    found.push(`${severity} ${trap} ${place.replace(`${folder.path}/`, '')}`);
  return found.sort();
}

describe('folders with caption files', () => {
  const one = (text: string | Uint8Array, more: Record<string, string | Uint8Array> = {}) => ({
    'a.png': png,
    'a.txt': text,
    ...more,
  });
  const toml = (...lines: string[]) => ({
    'dataset.toml': [
      '[[datasets]]',
      '[[datasets.subsets]]',
      'image_dir = "."',
      'caption_extension = ".txt"',
      ...lines,
    ].join('\n'),
  });
  /** What makes a trainer read `.txt`. */
  const asked = (trainer: Trainer) => (trainer === 'kohya' ? toml() : {});

  test.each(['kohya', 'onetrainer', 'ai-toolkit', 'simpletuner', 'sidecar'] as const)(
    '%s: a sound folder has no findings',
    async (trainer) => {
      expect(await trapsOf(trainer, one('a cat, on a mat', asked(trainer)))).toEqual([]);
    },
  );

  test.each([
    ['kohya', 'error'],
    ['onetrainer', 'warning'],
    ['ai-toolkit', 'warning'],
    ['simpletuner', 'warning'],
    ['sidecar', 'warning'],
  ] as const)('%s: several lines give: %s', async (trainer, severity) => {
    expect(await trapsOf(trainer, one('a cat\non a mat', asked(trainer)))).toEqual([
      `${severity} new-line a.txt`,
    ]);
  });

  test('kohya: several lines are fine once wildcards are on, and so are single lines with a break at the end', async () => {
    expect(await trapsOf('kohya', one('a cat\na dog', toml('enable_wildcard = true')))).toEqual([]);
    expect(await trapsOf('kohya', one('a cat\r\n\n', toml()))).toEqual([]);
    expect(await trapsOf('kohya', one('\na cat', toml()))).toEqual(['error new-line a.txt']);
  });

  test('simpletuner: several lines are fine where the split is disabled', async () => {
    const entries = [
      { id: 'a', type: 'local', caption_strategy: 'textfile', disable_multiline_split: true },
      { id: 'b', type: 'local', dataset_type: 'text_embeds' },
    ];
    expect(
      await trapsOf('simpletuner', one('a\nb', { 'multidatabackend.json': JSON.stringify(entries) })),
    ).toEqual([]);
  });

  test('kohya: braces and separators are errors where the configuration gives them a meaning', async () => {
    expect(await trapsOf('kohya', one('a {red|blue} cat', toml()))).toEqual(['warning braces a.txt']);
    expect(await trapsOf('kohya', one('a {red|blue} cat', toml('enable_wildcard = true')))).toEqual([
      'error braces a.txt',
    ]);
    expect(await trapsOf('kohya', one('a {{red|blue}} cat', toml('enable_wildcard = true')))).toEqual([]);
    expect(await trapsOf('kohya', one('a ||| b', toml()))).toEqual(['warning separator a.txt']);
    expect(await trapsOf('kohya', one('a ;;; b', toml("secondary_separator = ';;;'")))).toEqual([
      'error separator a.txt',
    ]);
    expect(await trapsOf('kohya', one('a -- b', toml('keep_tokens_separator = "--"')))).toEqual([
      'error separator a.txt',
    ]);
  });

  test.each([
    ['kohya', 'error'],
    ['onetrainer', 'warning'],
    ['ai-toolkit', 'warning'],
    ['simpletuner', 'error'],
    ['sidecar', 'error'],
  ] as const)('%s: an empty file gives: %s', async (trainer, severity) => {
    expect(await trapsOf(trainer, one(' \n', asked(trainer)))).toEqual([`${severity} empty-file a.txt`]);
  });

  test.each([
    ['kohya', 'error'],
    ['onetrainer', 'warning'],
    ['ai-toolkit', 'warning'],
    ['simpletuner', 'error'],
    ['sidecar', 'warning'],
  ] as const)('%s: a picture without a caption gives: %s', async (trainer, severity) => {
    expect(await trapsOf(trainer, { 'dir/a.png': png })).toEqual([`${severity} missing-caption dir/a.png`]);
  });

  test.each(['kohya', 'onetrainer', 'ai-toolkit', 'simpletuner', 'sidecar'] as const)(
    '%s: what is not UTF-8, clashes, has dots or has no picture is found',
    async (trainer) => {
      const files = one(LATIN1, {
        'b.png': png,
        'b.jpg': png,
        'b.txt': 'b',
        'c.d.png': png,
        'c.d.txt': 'c',
        'e.txt': 'e',
        ...asked(trainer),
      });
      expect(await trapsOf(trainer, files)).toEqual([
        'error not-utf8 a.txt',
        'error stem-clash b.png',
        'warning dotted-name c.d.png',
        'warning orphan-caption e.txt',
      ]);
    },
  );

  test('kohya: the extension that the configuration names is the one that counts', async () => {
    expect(await trapsOf('kohya', one('a cat', toml('caption_extension = ".caption"')))).toEqual([
      'error missing-caption a.png',
    ]);
  });

  test('kohya: .txt has to be asked for, and is told once', async () => {
    const files = one('a cat', { 'b.png': png, 'b.txt': 'a dog', 'c.png': png, 'c.caption': 'a cow' });
    expect(await trapsOf('kohya', files)).toEqual(['warning caption-extension a.txt']);
    const silent = '[[datasets]]\n[[datasets.subsets]]\nimage_dir = "."';
    expect(await trapsOf('kohya', { ...files, 'dataset.toml': silent })).toEqual([
      'error caption-extension a.txt',
    ]);
    const told = one('a cat', { 'b.txt': 'b', 'c.caption': '', 'c.txt': 'c' });
    const subset = '[[datasets.subsets]]\nimage_dir = "."';
    for (const section of ['general', '[datasets]', 'datasets.general']) {
      const toml = `[[datasets]]\n[${section}]\ncaption_extension = ".txt" # ours\n${subset}`;
      expect(await trapsOf('kohya', { ...told, 'dataset.toml': toml })).toEqual([]);
    }
  });

  test('kohya: each subset has its own rules, and pictures of no subset are told', async () => {
    const files = {
      'x/a.png': png,
      'x/a.txt': 'a {red|blue} cat\na dog',
      'y/b.png': png,
      'y/b.caption': 'a {red|blue} cat\na dog',
      'x/below/c.png': png,
      'dataset.toml': [
        '[[datasets]]',
        '[[datasets.subsets]]',
        'image_dir = "x"',
        'caption_extension = ".txt"',
        'enable_wildcard = true',
        '[[datasets.subsets]]',
        `image_dir = ${JSON.stringify(join(folder.path, 'y'))}`,
      ].join('\n'),
    };
    expect(await trapsOf('kohya', files)).toEqual([
      'error braces x/a.txt',
      'error new-line y/b.caption',
      'warning bad-config dataset.toml',
      'warning braces y/b.caption',
    ]);
  });

  test('kohya: a folder that has moved is looked through by the rules it would have where it was', async () => {
    const toml =
      '[[datasets.subsets]]\nimage_dir = "/gone/x"\ncaption_extension = ".txt"\nenable_wildcard = true';
    const files = { 'x/a.png': png, 'x/a.txt': 'a {red|blue} cat', 'dataset.toml': toml };
    expect(await trapsOf('kohya', files)).toEqual(['error bad-config dataset.toml', 'error braces x/a.txt']);
  });

  test('kohya: metadata_file is read in place of caption files', async () => {
    const entries = {
      a: { caption: 'a cat', tags: 'cat, mat' },
      [join(folder.path, 'b.png')]: { caption: 'a {red|blue} cat\na dog' },
      'c.png': { tags: ' ' },
      d: 'no entry',
    };
    const files = {
      'a.png': png,
      'b.png': png,
      'c.png': png,
      'lone.png': png,
      'meta.json': JSON.stringify(entries),
      'dataset.toml': '[[datasets.subsets]]\nimage_dir = "."\nmetadata_file = "meta.json"',
    };
    expect(await trapsOf('kohya', files)).toEqual([
      'error missing-caption lone.png',
      'error missing-caption meta.json#c.png',
      `error new-line meta.json#${folder.path}/b.png`,
      'error row-invalid meta.json#d',
      `warning braces meta.json#${folder.path}/b.png`,
    ]);
    expect(await trapsOf('kohya', { 'meta.json': '[' })).toEqual(['error bad-config dataset.toml']);
  });

  test('pictures that cannot be opened, and those that a trainer passes over', async () => {
    const files = {
      'a.gif': png,
      'a.txt': 'a',
      'b.png': 'no picture',
      'b.txt': 'b',
      'c.jpg': png,
      'c.txt': 'c',
      'metadata.jsonl': ['a.gif', 'b.png', 'c.jpg'].map((name) => JSON.stringify({ file_name: name, text: name })).join('\n'), // biome-ignore format: one line
      ...toml(),
    };
    const unread = ['error image-unreadable b.png', 'error unread-format a.gif'];
    for (const trainer of ['kohya', 'onetrainer', 'ai-toolkit', 'simpletuner'] as const)
      expect(await trapsOf(trainer, files)).toEqual(unread);
    for (const trainer of ['diffusers', 'sidecar'] as const)
      expect(await trapsOf(trainer, files)).toEqual(unread.slice(0, 1));
    const shard = await tarOf([
      ['a.gif', png],
      ['a.txt', 'a'],
      ['b.png', 'no picture'],
      ['b.txt', 'b'],
    ]);
    await folder.remove();
    expect(await trapsOf('webdataset', { '0.tar': shard })).toEqual([
      'error image-unreadable 0.tar#b.png',
      'error unread-format 0.tar#a.gif',
    ]);
  });

  test('ai-toolkit: .json has to be asked for', async () => {
    const files = { 'a.png': png, 'a.json': '{"caption": "a cat"}' };
    expect(await trapsOf('ai-toolkit', files)).toEqual(['warning caption-extension a.json']);
    expect(
      await trapsOf('ai-toolkit', { ...files, 'dataset.yaml': 'datasets:\n  - folder_path: "."\n' }),
    ).toEqual(['error caption-extension a.json']);
  });

  test('simpletuner: with a table, each picture needs a row in it', async () => {
    const backend = (parquet: object, strategy = 'parquet') => ({
      'multidatabackend.json': JSON.stringify([
        { id: 'a', type: 'local', instance_data_dir: 'in', caption_strategy: strategy, parquet },
        { id: 'b', type: 'local', dataset_type: 'text_embeds' },
      ]),
    });
    const rows = [
      { id: 'a', text: ['a cat', long] },
      { id: 'b', text: '' },
      { id: 7, text: 'seven' },
      { text: 'x' },
    ];
    const files = {
      'in/a.png': png,
      'in/sub/b.png': png,
      'in/7.png': png,
      'in/lone.png': png,
      'in/lone.txt': 'not read',
      'table.jsonl': rows.map((row) => JSON.stringify(row)).join('\n'),
    };
    const table = { path: 'table.jsonl', caption_column: 'text' };
    expect(await trapsOf('simpletuner', { ...files, ...backend(table) })).toEqual([
      'error missing-caption in/lone.png',
      'error missing-caption in/sub/b.png',
      'error row-invalid table.jsonl:4',
      'warning over-long table.jsonl:1',
    ]);
    const config = 'multidatabackend.json';
    expect(await trapsOf('simpletuner', backend({ path: 'gone.parquet' }))).toEqual([
      `error bad-config ${config}`,
    ]);
    for (const strategy of ['filename', 'instanceprompt'])
      expect(await trapsOf('simpletuner', backend(table, strategy))).toEqual([
        `warning bad-config ${config}`,
      ]);
  });

  test('simpletuner: the table may be Parquet, and name its pictures with their extension', async () => {
    const samples = asDataset('memory', undefined, async function* () {
      for (const key of ['a.png', 'gone.png'])
        yield {
          key,
          image: { name: key, bytes: async () => png },
          captions: [{ text: key, kind: 'human' as const, source: 'me' }],
        };
    });
    await writeParquet(samples, join(folder.path, 'table.parquet'));
    const parquet = { path: 'table.parquet', filename_column: 'key', caption_column: 'captions', identifier_includes_extension: true }; // biome-ignore format: one line
    const entries = [
      { id: 'a', type: 'local', instance_data_dir: 'in', caption_strategy: 'parquet', parquet },
      { id: 'b', type: 'local', dataset_type: 'text_embeds' },
    ];
    const files = { 'in/a.png': png, 'in/b.png': png, 'multidatabackend.json': JSON.stringify(entries) };
    expect(await trapsOf('simpletuner', files)).toEqual(['error missing-caption in/b.png']);
  });

  test('ai-toolkit: JSON without a caption, broken JSON, breaks within a caption, and commas that move', async () => {
    const files = {
      'a.png': png,
      'a.json': '{"text": "a cat"}',
      'b.png': png,
      'b.json': '{"caption": ',
      'c.png': png,
      'c.json': JSON.stringify({ caption: 'a cat\non a mat', caption_short: 'a cat' }),
      'd.png': png,
      'd.json': JSON.stringify({ caption: '1,000 birds' }),
      'dataset.yaml': 'datasets:\n  - folder_path: "."\n    caption_ext: json\n',
    };
    expect(await trapsOf('ai-toolkit', files)).toEqual([
      'error row-invalid a.json',
      'error row-invalid b.json',
      'warning commas d.json',
      'warning new-line c.json',
    ]);
  });

  test('ai-toolkit: the configuration says which files hold the captions', async () => {
    const files = {
      ...one('a cat'),
      'dataset.yaml': "datasets:\n  - folder_path: '.'\n    caption_ext: json # ours\n",
    };
    expect(await trapsOf('ai-toolkit', files)).toEqual(['warning missing-caption a.png']);
  });

  test('captions longer than the text encoder takes are told: estimated as a warning, counted as an error', async () => {
    const files = one(long, toml());
    expect(await trapsOf('kohya', files)).toEqual(['warning over-long a.txt']);
    expect(await trapsOf('kohya', files, { countTokens: () => 78 })).toEqual(['error over-long a.txt']);
    expect(await trapsOf('kohya', files, { countTokens: () => 77 })).toEqual([]);
    expect(await trapsOf('simpletuner', one(long), { countTokens: () => 500 })).toEqual([]);
    expect(await trapsOf('sidecar', one(long))).toEqual([]);
    expect(await trapsOf('sidecar', one('a cat'), { maxTokens: 2 })).toEqual(['warning over-long a.txt']);
  });

  test('an empty folder has nothing to train with, and one that is not there is an error of its own', async () => {
    expect(await trapsOf('kohya', { 'readme.md': '' })).toEqual([`error no-pictures ${folder.path}`]);
    const lint = lintExport('kohya', join(folder.path, 'none'))[Symbol.asyncIterator]();
    await expect(lint.next()).rejects.toMatchObject({ code: 'file-not-found' });
  });
});

describe('configurations', () => {
  const files = (name: string, text: string, captions = 'a.txt') => ({
    'a.png': png,
    [captions]: 'a',
    [name]: text,
  });
  test.each([
    ['kohya', 'dataset.toml', '[[datasets]]\nresolution = 512\n'],
    [
      'kohya',
      'dataset.toml',
      '[[datasets.subsets]]\nimage_dir = "/gone/photos"\ncaption_extension = ".txt"\n',
    ],
    ['onetrainer', 'concepts.json', '[{"path": '],
    ['onetrainer', 'concepts.json', '[{"name": "no path"}]'],
    ['onetrainer', 'concepts.json', '[{"path": "/gone/photos"}]'],
    ['onetrainer', 'concepts.json', '[{"path": ".", "text": {"prompt_source": "filename"}}]'],
    ['ai-toolkit', 'dataset.yaml', 'datasets:\n  - caption_ext: txt\n'],
    ['ai-toolkit', 'dataset.yaml', 'datasets:\n  - folder_path: "/gone/photos"\n    caption_ext: ".txt"\n'],
    ['simpletuner', 'multidatabackend.json', '{}'],
    [
      'simpletuner',
      'multidatabackend.json',
      '[{"id": "a", "type": "local", "caption_strategy": "textfile"}]',
    ],
    ['simpletuner', 'multidatabackend.json', '[{"id": "a", "type": "local", "caption_strategy": "csv"}, {"id": "b", "type": "local", "dataset_type": "text_embeds"}]'], // biome-ignore format: one line
  ] as const)('%s: %s of %j is a bad one', async (trainer, name, text) => {
    expect(await trapsOf(trainer, files(name, text))).toEqual([`error bad-config ${name}`]);
  });
});

describe('tables', () => {
  const rows = (...all: object[]) => all.map((row) => JSON.stringify(row)).join('\n');

  test('diffusers: without a metadata.jsonl of exactly that name, there are no captions', async () => {
    expect(await trapsOf('diffusers', { 'a.png': png, 'captions.jsonl': '' })).toEqual([
      'error bad-config metadata.jsonl',
    ]);
  });

  test('diffusers: captions in CSV are not looked into, those in Parquet are', async () => {
    const csv = { 'a.png': png, 'metadata.csv': 'file_name,text\na.png,a cat' };
    expect(await trapsOf('diffusers', csv)).toEqual(['warning unchecked metadata.csv']);
    await folder.remove();
    const parquet = { 'a.png': png, 'metadata.parquet': 'no parquet' };
    expect(await trapsOf('diffusers', parquet)).toEqual(['error parquet-corrupt metadata.parquet']);
  });

  test('diffusers: rows without pictures, pictures without rows, broken lines and captions over 77 tokens', async () => {
    const files = {
      'a.png': png,
      'b.png': png,
      'c.png': png,
      'metadata.jsonl': `${rows({ file_name: 'a.png', text: long }, { file_name: 'b.png', text: '' }, { file_name: 'gone.png', text: 'x' })}\n{"file_name"\n`,
    };
    expect(await trapsOf('diffusers', files)).toEqual([
      'error missing-caption b.png',
      'error missing-caption c.png',
      'error orphan-caption metadata.jsonl:3',
      'error row-invalid metadata.jsonl:4',
      'warning over-long a.png',
    ]);
  });

  test('pixart: every row is checked', async () => {
    const row = {
      path: 'a.png',
      height: 3,
      width: 4,
      ratio: 0.75,
      prompt: 'a cat',
      sharegpt4v: 'a cat on a mat',
    };
    const list = [
      row,
      { ...row, path: 'gone.png' },
      { ...row, path: '../a.png' },
      { ...row, path: 'b.png', prompt: ' ' },
      { ...row, path: 'c.png', sharegpt4v: '' },
      { ...row, path: 'd.png', ratio: 2 },
      { ...row, path: 'e.png', height: 40, ratio: 10 },
      { ...row, prompt: undefined },
      { ...row, path: 'f.png', prompt: long },
      row,
      { ...row, path: 'text.png' },
    ];
    const pictures = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [`${name}.png`, png]);
    const files = { ...Object.fromEntries(pictures), 'text.png': 'no picture' };
    expect(await trapsOf('pixart', { ...files, 'data_info.json': JSON.stringify(list) })).toEqual([
      'error duplicate-key data_info.json#[9]',
      'error image-unreadable text.png',
      'error missing-caption data_info.json#[3]',
      'error orphan-caption data_info.json#[1]',
      'error orphan-caption data_info.json#[2]',
      'error row-invalid data_info.json#[5]',
      'error row-invalid data_info.json#[7]',
      'warning extreme-ratio data_info.json#[6]',
      'warning missing-caption data_info.json#[4]',
      'warning over-long data_info.json#[8]',
    ]);
    expect(await trapsOf('pixart', { 'data_info.json': '{}' })).toEqual(['error bad-config data_info.json']);
    expect(await trapsOf('pixart', { 'data_info.json': '[' })).toEqual(['error bad-config data_info.json']);
  });

  test('webdataset: dots in keys, duplicates, empty and missing texts, bytes that are no text', async () => {
    const shard = await tarOf([
      ['a.png', png],
      ['a.txt', 'a cat'],
      ['b.v2.png', png],
      ['c.png', png],
      ['c.txt', ''],
      ['d.png', png],
      ['d.txt', LATIN1],
      ['a.png', png],
      ['e.txt', 'no picture'],
    ]);
    const found = await trapsOf('webdataset', { '00000.tar': shard });
    for (const expected of [
      'error dotted-name 00000.tar#b.v2.png',
      'warning empty-file 00000.tar#c.txt',
      'warning missing-caption 00000.tar#c.png',
      'error not-utf8 00000.tar#d.txt',
      'error duplicate-key 00000.tar#a.png',
      'error orphan-caption 00000.tar#e.txt',
    ])
      expect(found).toContain(expected);
  });

  test('webdataset: members of a sample that stand apart', async () => {
    const shard = await tarOf([
      ['000.png', png],
      ['001.png', png],
      ['000.txt', 'a cat'],
      ['001.txt', 'a dog'],
      ['001.json', '{}'],
    ]);
    expect(await trapsOf('webdataset', { '00000.tar': shard })).toEqual([
      'error member-apart 00000.tar#000.txt',
      'error member-apart 00000.tar#001.txt',
    ]);
  });

  test('jsonl: rows that cannot be used, and those without a caption', async () => {
    const files = { 'a.png': png, 'dataset.jsonl': rows({ image: 'a.png' }, { image: 'gone.png' }, {}) };
    expect(await trapsOf('jsonl', files)).toEqual([
      'error orphan-caption dataset.jsonl:2',
      'error row-invalid dataset.jsonl:3',
      'warning missing-caption a.png',
    ]);
  });

  test('parquet: a file that is none', async () => {
    expect(await trapsOf('parquet', { 'captions.parquet': 'no parquet' })).toEqual([
      'error parquet-corrupt captions.parquet',
    ]);
  });

  test.each(['webdataset', 'jsonl', 'parquet'] as const)('%s: an empty folder', async (trainer) => {
    expect(await trapsOf(trainer, { 'readme.md': '' })).toEqual([`error no-pictures ${folder.path}`]);
  });
});

test('every trainer has a lint', () => {
  for (const trainer of TRAINERS) expect(lintExport(trainer, folder.path)).toBeDefined();
});

test('joining at commas a second time changes nothing', () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(',', ' ', 'a', '1', '\t') }), (text) => {
    expect(rejoinCommas(rejoinCommas(text))).toBe(rejoinCommas(text));
  })); // biome-ignore format: one line
});

test('the estimate of tokens grows with words, and counts scripts without spaces', () => {
  expect(estimateTokens('a cat on a mat')).toBeGreaterThanOrEqual(7);
  expect(estimateTokens('a cat on a mat')).toBeLessThanOrEqual(9);
  expect(estimateTokens('猫'.repeat(100))).toBeGreaterThan(40);
});
