import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Folder, temporaryFolder } from '../test/helpers/collection.ts';
import { ownerInWords, tryLock } from './lock.ts';

let folder: Folder;
let path: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, 'work');
});
afterEach(() => folder.remove());

function take(): () => void {
  const lock = tryLock(path);
  if (!lock.taken) throw new Error(`${ownerInWords(lock.owner)} has it`);
  return lock.release;
}
const dead = () => spawnSync('true').pid;

test('who has the lock is told to the next, until it is released', async () => {
  const release = take();
  const second = tryLock(path);
  expect(second).toMatchObject({ taken: false, owner: { pid: process.pid, host: hostname() } });
  expect(!second.taken && ownerInWords(second.owner)).toBe(`process ${process.pid}`);
  release();
  take()();
  expect(await readdir(folder.path)).toEqual([]);
});

test('releasing twice does not take the lock from its next owner', () => {
  const release = take();
  release();
  take();
  release();
  expect(tryLock(path).taken).toBe(false);
});

test.each([
  ['of a process that has ended', () => `${dead()} ${hostname()} 123\n`],
  ['of a process that has ended, without the rest', () => `${dead()}`],
  ['that names nobody', () => 'torn'],
])('a lock %s counts for nothing', async (_, content) => {
  await writeFile(`${path}.lock`, content());
  take();
  expect(await readFile(`${path}.lock`, 'utf8')).toMatch(new RegExp(`^${process.pid} `));
  expect(await readdir(folder.path)).toEqual(['work.lock']);
});

test.skipIf(process.platform !== 'linux')(
  'a lock counts for nothing when its number has been given to another process',
  async () => {
    await writeFile(`${path}.lock`, `${process.pid} ${hostname()} 1\n`);
    take();
  },
);

test('a lock of another machine is respected: nobody can tell whether its owner runs', async () => {
  await writeFile(`${path}.lock`, `${dead()} elsewhere 123\n`);
  const lock = tryLock(path);
  expect(!lock.taken && ownerInWords(lock.owner)).toMatch(/^process \d+ on elsewhere$/);
});

test('an empty lock is being written just now, or was torn by a crash', async () => {
  await writeFile(`${path}.lock`, '');
  const lock = tryLock(path);
  expect(!lock.taken && ownerInWords(lock.owner)).toBe('another process');
  await utimes(`${path}.lock`, 0, 0);
  take();
});

test('where no lock can be made, that is a sentence', () => {
  path = join(folder.path, 'no/such/folder/work');
  expect(() => tryLock(path)).toThrow(
    expect.objectContaining({ code: 'write-failed', place: `${path}.lock` }),
  );
});

test('of many processes that die with the lock in their hands, never two have it at a time', async () => {
  const child = join(import.meta.dirname, '../test/helpers/lock-child.ts');
  const children = Array.from({ length: 8 }, () => spawn(process.execPath, [child, path]));
  const ends = await Promise.all(children.map((one) => once(one, 'exit')));
  expect(ends).toEqual(children.map(() => [null, 'SIGKILL']));
  expect(existsSync(`${path}.inside`)).toBe(false);
});
