import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Folder, temporaryFolder } from '../../test/helpers/collection.ts';
import { fakeCaptioner, numberedPicture } from '../../test/helpers/fake-captioner.ts';
import { fakeContext } from '../../test/helpers/terminal.ts';
import { type OnFailure, openDataset } from '../data/index.ts';
import { captionAndShow } from './start.ts';

let folder: Folder;
let photos: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  photos = join(folder.path, 'my photos');
  await mkdir(photos);
});
afterEach(() => folder.remove());

async function start(json = false) {
  const { context, told } = fakeContext({ json });
  const open = (onFailure: OnFailure) => openDataset(photos, { onFailure });
  await captionAndShow(
    { name: 'my photos', source: photos, open },
    fakeCaptioner(),
    join(folder.path, 'out'),
    context,
  );
  return told;
}

const read = (name: string) => readFile(join(folder.path, 'out', name), 'utf8');

test('a folder gets captions and a page that shows them; the folder itself is as it was', async () => {
  await writeFile(join(photos, 'a.png'), await numberedPicture(1));
  await writeFile(join(photos, 'a.txt'), 'what I wrote\n');
  await writeFile(join(photos, "it's <b> & 50% #1.png"), await numberedPicture(2));
  const before = await readdir(photos);
  const told = await start();
  expect(told.exit).toBe(0);
  expect(told.stdout).toContain('2 pictures captioned');
  expect(told.stdout).toContain('index.html');
  const page = await read('index.html');
  expect(page.match(/<article/g)).toHaveLength(2);
  expect(page).toContain('picture number 2');
  expect(page).toContain('what I wrote');
  expect(await readdir(photos)).toEqual(before);
  const addresses = [...page.matchAll(/data-original="([^"]*)"/g)].map(([, address]) => address);
  const files = addresses.map((address) => decodeURIComponent(address.replaceAll('&#39;', "'")));
  expect(files.map((file) => resolve(folder.path, 'out', file)).sort()).toEqual(
    before.filter((name) => name.endsWith('.png')).map((name) => join(photos, name)),
  );
});

test('a broken picture among good ones is listed on the page, and the status is 3', async () => {
  await writeFile(join(photos, 'good.png'), await numberedPicture(1));
  await writeFile(join(photos, 'broken.png'), 'not a picture');
  const told = await start();
  expect(told.exit).toBe(3);
  expect(told.stderr).toMatch(/warning: .*broken\.png/);
  expect(await read('failures.jsonl')).toContain('"key":"broken"');
  const page = await read('index.html');
  expect(page.match(/<article/g)).toHaveLength(1);
  expect(page).toContain('1 picture could not be captioned');
});

test('run again, nothing is captioned anew, and the page is there', async () => {
  await writeFile(join(photos, 'good.png'), await numberedPicture(1));
  await start();
  const told = await start();
  expect(told.stdout).toContain('Already complete: 1 caption in');
  expect(told.exit).toBe(0);
});

test('with --json stdout is events alone', async () => {
  await writeFile(join(photos, 'good.png'), await numberedPicture(1));
  const { stdout } = await start(true);
  const kinds = stdout.trimEnd().split('\n').map((line) => JSON.parse(line).kind); // biome-ignore format: one line
  expect(kinds).toEqual(['plan', 'item', 'progress', 'done', 'page']);
});
