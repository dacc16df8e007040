import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Folder, temporaryFolder } from '../../test/helpers/collection.ts';
import { tryLock } from '../lock.ts';
import { openRecordCache } from './record-cache.ts';

let folder: Folder;
let path: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, 'deep/er/features.cache');
});
afterEach(() => folder.remove());

const record = (value: number, length = 10) => new Uint8Array(length).fill(value);

test('records are found by key, also after opening again', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.string(), fc.uint8Array({ minLength: 10, maxLength: 10 })), { maxLength: 20 }),
      fc.nat(20),
      async (entries, cut) => {
        const file = join(folder.path, `${Math.random()}.cache`);
        const first = new Map<string, Uint8Array>();
        for (const part of [entries.slice(0, cut), entries.slice(cut)]) {
          const cache = await openRecordCache(file, { recordBytes: 10 });
          for (const [key, bytes] of part) {
            await cache.append([[key, bytes]]);
            if (!first.has(key)) first.set(key, bytes);
          }
          await cache.close();
        }
        const cache = await openRecordCache(file, { recordBytes: 10 });
        expect(cache.size).toBe(first.size);
        const target = new Uint8Array(10);
        for (const [key, bytes] of first) {
          expect(cache.readInto(key, target)).toBe(true);
          expect(target).toEqual(bytes);
        }
        await cache.close();
      },
    ),
    { numRuns: 20 },
  );
});

test('a key that is not there leaves the target as it was', async () => {
  const cache = await openRecordCache(path, { recordBytes: 10 });
  const target = record(3);
  expect([cache.has('x'), cache.readInto('x', target)]).toEqual([false, false]);
  expect(target).toEqual(record(3));
  await expect(cache.append([['x', record(1, 9)]])).rejects.toThrow(RangeError);
  await cache.close();
});

test('views into larger buffers are read and written in their place', async () => {
  const cache = await openRecordCache(path, { recordBytes: 4 });
  const whole = Uint16Array.of(1, 2, 3, 4, 5, 6);
  await cache.append([['x', new Uint8Array(whole.buffer, 4, 4)]]);
  const batch = new Uint16Array(4);
  cache.readInto('x', new Uint8Array(batch.buffer, 2, 4));
  expect([...batch]).toEqual([0, 3, 4, 0]);
  await cache.close();
});

describe('after a crash', () => {
  async function killed(records: number, flushed = 0) {
    const script = `
      const { openRecordCache } = await import(${JSON.stringify(join(import.meta.dirname, 'record-cache.ts'))});
      const cache = await openRecordCache(${JSON.stringify(path)}, { recordBytes: 10 });
      for (let i = 0; i < ${records}; i++) {
        if (i === ${flushed}) await cache.flush();
        await cache.append([['key' + i, new Uint8Array(10).fill(i)]]);
      }
      process.kill(process.pid, 'SIGKILL');`;
    const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', script]);
    expect(signal).toBe('SIGKILL');
  }
  async function surviving(): Promise<number[]> {
    const cache = await openRecordCache(path, { recordBytes: 10 });
    const values: number[] = [];
    for (const target = record(0); cache.readInto(`key${values.length}`, target); ) values.push(target[0]);
    expect(cache.size).toBe(values.length);
    await cache.close();
    return values;
  }
  async function appendAgain(value: number) {
    const cache = await openRecordCache(path, { recordBytes: 10 });
    await cache.append([[`key${value}`, record(value)]]);
    await cache.close();
  }

  test('by kill -9 nothing is lost', async () => {
    await killed(5);
    expect(await surviving()).toEqual([0, 1, 2, 3, 4]);
  });

  test('the lock of the dead is no obstacle', async () => {
    await killed(2);
    const { pid } = spawnSync('true');
    await writeFile(`${path}.lock`, `${pid} ${hostname()}\n`);
    await appendAgain(2);
    expect(await surviving()).toEqual([0, 1, 2]);
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  test('a record cut short at any byte is dropped, and can be appended again', async () => {
    await killed(3);
    const bytes = readFileSync(path);
    const slot = (bytes.length - 64) / 3;
    for (let length = 0; length < bytes.length; length += 5) {
      writeFileSync(path, bytes.subarray(0, length));
      const whole = Math.max(0, Math.floor((length - 64) / slot));
      expect(await surviving()).toEqual([0, 1, 2].slice(0, whole));
    }
    await appendAgain(2);
    expect(await surviving()).toEqual([0, 1, 2]);
  });

  test('a record whose bytes never reached the disk is dropped, with all after it', async () => {
    await killed(4, 1);
    const bytes = readFileSync(path);
    const slot = (bytes.length - 64) / 4;
    bytes.fill(0, 64 + 2 * slot, 64 + 3 * slot);
    writeFileSync(path, bytes);
    expect(await surviving()).toEqual([0, 1]);
    await appendAgain(2);
    expect(await surviving()).toEqual([0, 1, 2]);
    expect(statSync(path).size).toBe(64 + 3 * slot);
  });
});

describe('is refused', () => {
  test('when its records have another size', async () => {
    await (await openRecordCache(path, { recordBytes: 10 })).close();
    await expect(openRecordCache(path, { recordBytes: 11 })).rejects.toMatchObject({
      code: 'cache-mismatch',
      place: path,
    });
    await (await openRecordCache(path, { recordBytes: 10 })).close();
  });

  test('when it is some other file, which stays as it is', async () => {
    const letter = await folder.write({ letter: 'Dear reader' });
    await expect(openRecordCache(letter, { recordBytes: 10 })).rejects.toMatchObject({
      code: 'cache-unreadable',
    });
    expect(readFileSync(letter, 'utf8')).toBe('Dear reader');
  });
});

describe('opened twice at a time', () => {
  test('each finds what the other appends, and nobody overwrites anything', async () => {
    const appends = fc.array(fc.tuple(fc.nat(2), fc.array(fc.nat(30), { maxLength: 4 })), { maxLength: 30 });
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(appends, async (plan) => {
        const file = join(folder.path, `${runs++}.cache`);
        const caches = await Promise.all([1, 2, 3].map(() => openRecordCache(file, { recordBytes: 10 })));
        const all = new Set<number>();
        for (const [who, values] of plan) {
          for (const value of values) all.add(value);
          await caches[who].append(values.map((value) => [`${value}`, record(value)]));
        }
        for (const cache of caches) {
          for (let value = 0; value <= 30; value++) {
            const target = record(99);
            expect(cache.readInto(`${value}`, target)).toBe(all.has(value));
            expect(target[0]).toBe(all.has(value) ? value : 99);
          }
        }
        await Promise.all(caches.map((cache) => cache.close()));
        expect(statSync(file).size).toBe(64 + all.size * 32);
      }),
      { numRuns: 20 },
    );
  });

  test('a torn record that one has seen is overwritten by the other, and both read the new one', async () => {
    const one = await openRecordCache(path, { recordBytes: 10 });
    await one.append([['a', record(1)]]);
    appendFileSync(path, new Uint8Array(32).fill(7)); // a whole slot that some crash has spoilt
    expect(one.has('b')).toBe(false);
    const other = await openRecordCache(path, { recordBytes: 10 });
    await other.append([['b', record(2)]]);
    await one.append([['c', record(3)]]);
    const target = record(0);
    for (const cache of [one, other]) {
      for (const [i, key] of ['a', 'b', 'c'].entries()) {
        expect(cache.readInto(key, target)).toBe(true);
        expect(target).toEqual(record(i + 1));
      }
      await cache.close();
    }
  });

  test('appending waits while another process does, and says so when that takes too long; reading goes on', async () => {
    const cache = await openRecordCache(path, { recordBytes: 10, patience: 40 });
    await cache.append([['a', record(1)]]);
    const lock = tryLock(path);
    if (!lock.taken) throw new Error('nobody has it');
    await expect(cache.append([['b', record(2)]])).rejects.toMatchObject({ code: 'cache-busy', place: path });
    expect(cache.readInto('a', record(0))).toBe(true);
    await (await openRecordCache(path, { recordBytes: 10 })).close();
    const waiting = cache.append([['b', record(2)]]);
    lock.release();
    await waiting;
    expect(cache.has('b')).toBe(true);
    await cache.close();
  });
});

test('a cache of five gigabytes is read where it was written', async () => {
  const recordBytes = 2 ** 20 - 20; // a slot of one mebibyte
  await (await openRecordCache(path, { recordBytes })).close();
  // 5,000 records that are holes in the file, and a header that vouches for them.
  const file = openSync(path, 'r+');
  writeSync(file, new Uint8Array(BigUint64Array.of(5000n).buffer), 0, 8, 16);
  ftruncateSync(file, 64 + 5000 * 2 ** 20);
  closeSync(file);
  for (const value of [7, 8]) {
    const cache = await openRecordCache(path, { recordBytes });
    await cache.append([[`far ${value}`, record(value, recordBytes)]]);
    await cache.close();
  }
  const cache = await openRecordCache(path, { recordBytes });
  const target = new Uint8Array(recordBytes);
  expect(cache.size).toBe(5002);
  expect(cache.readInto('far 7', target) && target.every((byte) => byte === 7)).toBe(true);
  expect(cache.readInto('far 8', target) && target.every((byte) => byte === 8)).toBe(true);
  await cache.close();
});
