import { mkdtempSync, realpathSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nameOf, resultFolder } from './places.ts';

test('results go to captions/NAME in the working directory', async () => {
  const cwd = realpathSync(mkdtempSync(join(tmpdir(), 'places-')));
  await mkdir(join(cwd, 'photos'));
  expect(resultFolder('photos', cwd)).toBe(join(cwd, 'captions', 'photos'));
  expect(resultFolder('/data/shards/val-{000..003}.tar', cwd)).toBe(join(cwd, 'captions', 'val-000..003'));
});

test('results never go into the source, also when it is the working directory', async () => {
  const photos = join(realpathSync(mkdtempSync(join(tmpdir(), 'places-'))), 'photos');
  await mkdir(join(photos, 'holidays'), { recursive: true });
  expect(resultFolder('.', photos)).toBe(`${photos}-captions`);
  expect(resultFolder('..', join(photos, 'holidays'))).toBe(`${photos}-captions`);
});

test('a source without a speaking name lends that of its folder', () => {
  expect(nameOf('/data/flickr/*')).toBe('flickr');
  expect(nameOf('/')).toBe('collection');
});
