import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Folder, picture, readAll, tarOf, temporaryFolder } from '../../test/helpers/collection.ts';
import { jsonLines, say } from '../../test/helpers/program.ts';
import { openDataset } from '../data/index.ts';

let folder: Folder;
let source: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  const [a, b, c] = await Promise.all([1, 2, 3].map(picture));
  const own = JSON.stringify({ captions: ['a cat'], kinds: ['descriptive'], sources: ['world'] });
  source = await folder.write({
    'from/photos.tar': await tarOf([
      ['a.png', a],
      ['a.json', JSON.stringify({ captions: ['A brown dog is running .', 'A dog near a fence .'] })],
      ['b.png', b],
      ['b.json', own],
      ['c.png', c],
    ]),
  });
});
afterEach(() => folder.remove());

const make = (...args: string[]) => say('make', 'finetune-set', source, ...args);
const open = (place: string) => readAll((options) => openDataset(place, options));

test.each(['set', 'to/set.jsonl'])(
  'makes %s of human captions, keeps those of the kind, lists the rest',
  async (name) => {
    const out = join(folder.path, name);
    const { code, stdout } = await make('--kind', 'descriptive', '--out', out, '--json');
    expect(code).toBe(3);
    const events = jsonLines(stdout);
    expect(events.at(-1)).toMatchObject({ kind: 'done', images: 2, fused: 1, kept: 1, failed: 1 });
    expect(events.filter(({ kind }) => kind === 'example')).toHaveLength(2);
    // Far from where it was made, without saying where the pictures are.
    const { samples, failures } = await open(out);
    expect(failures).toEqual([]);
    expect(samples.map(({ key, captions }) => [key, captions])).toEqual([
      [
        'a',
        [{ text: 'A brown dog is running. The dog is near a fence.', kind: 'descriptive', source: 'fusion' }],
      ],
      ['b', [{ text: 'a cat', kind: 'descriptive', source: 'world' }]],
    ]);
    expect((await samples[0].image.bytes()).length).toBeGreaterThan(0);
  },
);

test('a picture beside the file stays where it is', async () => {
  await folder.write({ 'pictures/a.png': await picture(7), 'pictures/a.txt': 'A man rides a horse .' });
  const out = join(folder.path, 'set.jsonl');
  const { code } = await say(
    'make',
    'finetune-set',
    join(folder.path, 'pictures'),
    '--kind',
    'short',
    '--out',
    out,
  );
  expect(code).toBe(0);
  const { samples } = await open(out);
  expect(samples[0].image.path).toBe(join(folder.path, 'pictures/a.png'));
  expect(samples[0].captions[0].text).toBe('a man rides a horse');
});

test('what stands there is not replaced unless that is allowed', async () => {
  await mkdir(join(folder.path, 'set'));
  const args = ['--kind', 'short', '--out', join(folder.path, 'set')];
  expect((await make(...args)).code).toBe(3);
  const again = await make(...args);
  expect(again.code).toBe(1);
  expect(again.stderr).toMatch(/^error: there is a file already/m);
  expect((await make(...args, '--overwrite')).code).toBe(3);
});

test('kind and place must be named', async () => {
  const { code, stderr } = await make('--kind', 'long', '--out', 'x');
  expect(code).toBe(2);
  expect(stderr).toMatch(/short, descriptive/);
  expect((await make('--kind', 'short')).stderr).toMatch(/--out <place>/);
});
