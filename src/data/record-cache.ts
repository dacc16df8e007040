/**
 * Records of one size in one file, found by key: features of a frozen encoder, decoded pixels. Reading is synchronous and
 * random; files may be many gigabytes.
 *
 * Layout, little-endian: a header of 64 bytes (`RCACHE01`, u32 record bytes, 4 bytes unused, u64 records known to be safe on
 * disk), then one slot for each record: 16 bytes of the key's SHA-256, u32 CRC-32 of key and contents, contents, padding to 8.
 */
import { hash } from 'node:crypto';
import {
  closeSync,
  fdatasync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { RecaptionError } from '../errors.ts';
import { writeError } from '../files.ts';

const MAGIC = 'RCACHE01';
const HEADER_BYTES = 64;
const KEY_BYTES = 16;
const SLOT_HEADER_BYTES = KEY_BYTES + 4;
/** Appended bytes after which the disk is asked to hold on to them: the most that is checked again after a crash. */
const SYNC_BYTES = 2 ** 28;

const sync = promisify(fdatasync);

export interface RecordCache {
  /** Number of records. */
  readonly size: number;
  readonly recordBytes: number;
  has(key: string): boolean;
  /** Position of a record, in the order they were appended, or undefined. */
  indexOf(key: string): number | undefined;
  /** Adds a record; does nothing when the key is there. @throws RecaptionError `disk-full`, `write-failed` */
  append(key: string, bytes: Uint8Array): void;
  /** Fills `target` with the record; false, and nothing written, when there is none. */
  readInto(key: string, target: Uint8Array): boolean;
  /** Fills `target` with the record at `index`. @throws RangeError */
  readAt(index: number, target: Uint8Array): void;
  /** Returns when all that was appended would survive a loss of power. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a cache, or makes it. After a crash, what was appended since the last flush is checked and everything from the
 * first torn record on is dropped.
 * @throws RecaptionError `cache-unreadable` (not such a file), `cache-mismatch` (records of another size), `cache-busy`
 */
export async function openRecordCache(
  path: string,
  { recordBytes }: { recordBytes: number },
): Promise<RecordCache> {
  if (!Number.isInteger(recordBytes) || recordBytes <= 0)
    throw new RangeError(`no record has ${recordBytes} bytes`);
  await mkdir(dirname(path), { recursive: true }).catch((error) => {
    throw writeError(path, error);
  });
  const unlock = await lock(path);
  let file: number | undefined;
  try {
    file = openFile(path);
    return cacheOf(file, path, recordBytes, unlock);
  } catch (error) {
    if (file !== undefined) closeSync(file);
    unlock();
    throw writeError(path, error);
  }
}

function cacheOf(file: number, path: string, recordBytes: number, unlock: () => void): RecordCache {
  const slotBytes = Math.ceil((SLOT_HEADER_BYTES + recordBytes) / 8) * 8;
  const slot = Buffer.alloc(slotBytes);
  const at = (index: number) => HEADER_BYTES + index * slotBytes;

  let safe = readHeader(file, path, recordBytes);
  const index = new Map<string, number>();
  const whole = Math.floor(Math.max(0, fstatSync(file).size - HEADER_BYTES) / slotBytes);
  let size = 0;
  for (; size < whole; size++) {
    const unchecked = size >= safe;
    readFully(file, unchecked ? slot : slot.subarray(0, KEY_BYTES), at(size));
    if (unchecked && slot.readUInt32LE(KEY_BYTES) !== checksum(slot, recordBytes)) break;
    index.set(slot.toString('latin1', 0, KEY_BYTES), size);
  }
  ftruncateSync(file, at(size));
  safe = Math.min(safe, size);

  let open = true;
  const mustBeOpen = () => {
    if (!open) throw new Error('the cache is closed');
  };
  const mustFit = (bytes: Uint8Array) => {
    if (bytes.byteLength === recordBytes) return;
    throw new RangeError(`a record of this cache has ${recordBytes} bytes, not ${bytes.byteLength}`);
  };

  const flush = async () => {
    const reached = size;
    if (reached === safe) return;
    await sync(file);
    // Only now may the header say so; it is small enough never to be torn.
    const count = Buffer.alloc(8);
    count.writeBigUInt64LE(BigInt(reached));
    writeFully(file, count, 16);
    await sync(file);
    safe = reached;
  };
  let flushing: Promise<unknown> = Promise.resolve();
  const flushInTurn = () => {
    const turn = flushing.then(flush).catch((error) => {
      throw writeError(path, error);
    });
    flushing = turn.catch(() => {}); // whoever asked for it is told; the next one tries again
    return turn;
  };
  let unsynced = 0;

  return {
    recordBytes,
    get size() {
      return size;
    },
    has: (key) => index.has(digest(key)),
    indexOf: (key) => index.get(digest(key)),
    append(key, bytes) {
      mustBeOpen();
      mustFit(bytes);
      const name = digest(key);
      if (index.has(name)) return;
      slot.write(name, 0, 'latin1');
      slot.set(bytes, SLOT_HEADER_BYTES);
      slot.writeUInt32LE(checksum(slot, recordBytes), KEY_BYTES);
      try {
        writeFully(file, slot, at(size));
      } catch (error) {
        ftruncateSync(file, at(size));
        throw writeError(path, error);
      }
      index.set(name, size++);
      unsynced += slotBytes;
      if (unsynced < SYNC_BYTES) return;
      unsynced = 0;
      flushInTurn().catch(() => {}); // an explicit flush, or closing, will say it
    },
    readInto(key, target) {
      mustFit(target);
      const found = index.get(digest(key));
      if (found === undefined) return false;
      mustBeOpen();
      readFully(file, target, at(found) + SLOT_HEADER_BYTES);
      return true;
    },
    readAt(position, target) {
      mustBeOpen();
      mustFit(target);
      if (!(position >= 0 && position < size))
        throw new RangeError(`there is no record ${position} of ${size}`);
      readFully(file, target, at(position) + SLOT_HEADER_BYTES);
    },
    flush: flushInTurn,
    async close() {
      if (!open) return;
      open = false;
      try {
        await flushInTurn();
      } finally {
        closeSync(file);
        unlock();
      }
    },
  };
}

function digest(key: string): string {
  return Buffer.from(hash('sha256', key, 'hex').slice(0, KEY_BYTES * 2), 'hex').toString('latin1');
}

function checksum(slot: Buffer, recordBytes: number): number {
  const contents = slot.subarray(SLOT_HEADER_BYTES, SLOT_HEADER_BYTES + recordBytes);
  return crc32(contents, crc32(slot.subarray(0, KEY_BYTES)));
}

function openFile(path: string): number {
  try {
    return openSync(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return openSync(path, 'wx+');
  }
}

/** The number of records that need no check. Writes the header of a file that has none yet. */
function readHeader(file: number, path: string, recordBytes: number): number {
  const header = Buffer.alloc(HEADER_BYTES);
  const length = readSync(file, header, 0, HEADER_BYTES, 0);
  // A crash may come before the whole header is written: whatever is shorter holds no record.
  if (
    length < HEADER_BYTES &&
    MAGIC.startsWith(header.toString('latin1', 0, Math.min(length, MAGIC.length)))
  ) {
    header.fill(0).write(MAGIC, 'latin1');
    header.writeUInt32LE(recordBytes, 8);
    writeFully(file, header, 0);
    return 0;
  }
  const hint = 'Delete the file: it is only a cache, and will be made again.';
  if (header.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    throw new RecaptionError('cache-unreadable', 'this file is not a cache of ours', { place: path, hint });
  }
  const found = header.readUInt32LE(8);
  if (found !== recordBytes) {
    const message = `the cache holds records of ${found} bytes, not ${recordBytes}`;
    throw new RecaptionError('cache-mismatch', message, { place: path, hint });
  }
  return Number(header.readBigUInt64LE(16));
}

function readFully(file: number, target: Uint8Array, position: number): void {
  for (let at = 0; at < target.byteLength; ) {
    const read = readSync(file, target, at, target.byteLength - at, position + at);
    if (read === 0)
      throw new RecaptionError('cache-unreadable', 'the cache has become shorter while it was read');
    at += read;
  }
}

function writeFully(file: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.byteLength; ) {
    at += writeSync(file, bytes, at, bytes.byteLength - at, position + at);
  }
}

/** One process at a time: a file beside the cache names it, and counts for nothing once that process is gone. */
async function lock(path: string): Promise<() => void> {
  const name = `${path}.lock`;
  for (let attempt = 0; ; attempt++) {
    try {
      await writeFile(name, String(process.pid), { flag: 'wx' });
      return () => rmSync(name, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw writeError(name, error);
      const owner = Number(await readFile(name, 'utf8').catch(() => ''));
      if (attempt > 0 || isAlive(owner)) {
        throw new RecaptionError('cache-busy', `the cache is in use by process ${owner}`, {
          place: path,
          hint: `Wait for it to end. If no such program runs, delete ${name}.`,
        });
      }
      rmSync(name, { force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
