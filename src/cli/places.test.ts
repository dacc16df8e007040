import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Folder, temporaryFolder } from '../../test/helpers/collection.ts';
import { nameOf, resultFolder } from './places.ts';

let folder: Folder;
let cwd: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  cwd = await realpath(folder.path);
});
afterEach(() => folder.remove());

test('results go to captions/NAME in the working directory', async () => {
  await mkdir(join(cwd, 'photos'));
  expect(resultFolder('photos', cwd)).toBe(join(cwd, 'captions', 'photos'));
  expect(resultFolder('/data/shards/val-{000..003}.tar', cwd)).toBe(join(cwd, 'captions', 'val-000..003'));
});

test('results never go into the source, also when it is the working directory', async () => {
  const photos = join(cwd, 'photos');
  await mkdir(join(photos, 'holidays'), { recursive: true });
  expect(resultFolder('.', photos)).toBe(`${photos}-captions`);
  expect(resultFolder('..', join(photos, 'holidays'))).toBe(`${photos}-captions`);
});

test('a source without a speaking name lends that of its folder', () => {
  expect(nameOf('/data/flickr/*')).toBe('flickr');
  expect(nameOf('/')).toBe('collection');
});
