import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Folder, temporaryFolder } from '../test/helpers/collection.ts';
import { temporaryName, writeAtomic, writeFileAtomic } from './files.ts';

let folder: Folder;
let path: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, 'captions.jsonl');
});
afterEach(() => folder.remove());

test('a reader sees the old file until the new one is whole', async () => {
  await writeFileAtomic(path, 'old');
  await writeAtomic(path, async (write) => {
    await write(Buffer.from('n'));
    expect(await readFile(path, 'utf8')).toBe('old');
    await write(Buffer.from('ew'));
  });
  expect(await readFile(path, 'utf8')).toBe('new');
  expect(await readdir(folder.path)).toEqual(['captions.jsonl']);
});

test('when writing fails, the old file stays and nothing else does', async () => {
  await writeFileAtomic(path, 'old');
  const failing = writeAtomic(path, async (write) => {
    await write(Buffer.from('ne'));
    throw new Error('no more');
  });
  await expect(failing).rejects.toThrow('no more');
  expect(await readFile(path, 'utf8')).toBe('old');
  expect(await readdir(folder.path)).toEqual(['captions.jsonl']);
});

test('what a killed process left is removed; what belongs to another, or to the user, is not', async () => {
  const { pid } = spawnSync('true');
  const own = temporaryName(path);
  const of = (process: number) => own.replace(/-\d+-\d+\.tmp$/, `-${process}-0.tmp`);
  const kept = [
    of(process.ppid),
    own.replace(/[0-9a-f]{8}-\d+-/, `00000000-${pid}-`), // of another machine
    join(folder.path, 'notes.tmp'),
  ];
  for (const name of [of(pid), of(pid).replace('captions', 'other'), ...kept]) await writeFile(name, '');
  await writeFileAtomic(path, 'new');
  expect((await readdir(folder.path)).sort()).toEqual([...kept, path].map((name) => basename(name)).sort());
});

test('a folder that is not there, or that is a file, is a sentence', async () => {
  await expect(writeFileAtomic(join(folder.path, 'a/b'), '')).rejects.toMatchObject({ code: 'write-failed' });
  await mkdir(path);
  await expect(writeFileAtomic(path, '')).rejects.toMatchObject({ code: 'write-failed', place: path });
});
