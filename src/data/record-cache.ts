/**
 * Records of one size in one file, found by key: features of a frozen encoder, decoded pixels. Reading is synchronous and
 * random; files may be many gigabytes. Any number of processes read and append at the same time: records never move, and
 * whoever appends holds a lock for these moments alone.
 */
import { closeSync, fdatasync, fstatSync, ftruncateSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { RecaptionError } from '../errors.ts';
import { writeError } from '../files.ts';
import { ownerInWords, tryLock } from '../lock.ts';
import {
  checkHeader,
  checksum,
  digest,
  HEADER_BYTES,
  KEY_BYTES,
  openFile,
  readFully,
  SLOT_HEADER_BYTES,
  safeCount,
  setSafeCount,
  startFile,
  writeFully,
} from './record-file.ts';

/** Appended bytes after which the disk is asked to hold on to them: the most that is checked again after a crash. */
const SYNC_BYTES = 2 ** 28;
/** Milliseconds between two tries to append while another process does. */
const RETRY_MS = 5;

const sync = promisify(fdatasync);

export interface RecordCache {
  /** Number of records that this process knows of. */
  readonly size: number;
  readonly recordBytes: number;
  /** Records that other processes have appended count. */
  has(key: string): boolean;
  /**
   * Adds records, but none whose key is there.
   * @throws RecaptionError `disk-full`, `write-failed`, `cache-busy` when another process has not let go of the file in time
   */
  append(records: Iterable<readonly [key: string, bytes: Uint8Array]>): Promise<void>;
  /** Fills `target` with the record; false, and nothing written, when there is none. */
  readInto(key: string, target: Uint8Array): boolean;
  /** Returns when all that was appended would survive a loss of power. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface RecordCacheOptions {
  recordBytes: number;
  /** Milliseconds to wait for another process that appends. Default 10,000; an append takes one or two. */
  patience?: number;
}

/**
 * Opens a cache, or makes it. After a crash, what was appended since the last flush is checked; the first torn record and
 * everything after it are passed over, and overwritten by the next append.
 * @throws RecaptionError `cache-unreadable` (not such a file), `cache-mismatch` (records of another size), `cache-busy`
 */
export async function openRecordCache(path: string, options: RecordCacheOptions): Promise<RecordCache> {
  const { recordBytes, patience = 10_000 } = options;
  if (!Number.isInteger(recordBytes) || recordBytes <= 0)
    throw new RangeError(`no record has ${recordBytes} bytes`);
  let file: number | undefined;
  try {
    await mkdir(dirname(path), { recursive: true });
    file = openFile(path);
    const { size } = fstatSync(file);
    if (size < HEADER_BYTES) await locked(path, patience, () => startFile(file!, path, recordBytes));
    checkHeader(file, path, recordBytes);
    return cacheOf(file, path, recordBytes, patience);
  } catch (error) {
    if (file !== undefined) closeSync(file);
    throw writeError(path, error);
  }
}

function cacheOf(file: number, path: string, recordBytes: number, patience: number): RecordCache {
  const slotBytes = Math.ceil((SLOT_HEADER_BYTES + recordBytes) / 8) * 8;
  const slot = Buffer.alloc(slotBytes);
  const at = (index: number) => HEADER_BYTES + index * slotBytes;
  const index = new Map<string, number>();
  let size = 0;
  let seen = 0; // length of the file when it was last read

  /** Takes in the records that are there and not yet known, up to the first that is not whole. */
  const catchUp = () => {
    seen = fstatSync(file).size;
    const safe = safeCount(file);
    const whole = Math.floor((seen - HEADER_BYTES) / slotBytes);
    for (; size < whole; size++) {
      const unchecked = size >= safe;
      if (!readFully(file, unchecked ? slot : slot.subarray(0, KEY_BYTES), at(size))) break;
      if (unchecked && slot.readUInt32LE(KEY_BYTES) !== checksum(slot, recordBytes)) break;
      index.set(slot.toString('latin1', 0, KEY_BYTES), size);
    }
  };
  catchUp();

  let open = true;
  const mustBeOpen = () => {
    if (!open) throw new Error('the cache is closed');
  };
  const mustFit = (bytes: Uint8Array) => {
    if (bytes.byteLength === recordBytes) return;
    throw new RangeError(`a record of this cache has ${recordBytes} bytes, not ${bytes.byteLength}`);
  };
  const find = (key: string): number | undefined => {
    mustBeOpen();
    const name = digest(key);
    if (!index.has(name) && fstatSync(file).size !== seen) catchUp();
    return index.get(name);
  };

  let dirty = false;
  const flush = async () => {
    if (!dirty) return;
    const reached = size;
    dirty = false;
    try {
      await sync(file);
      // Only now may the header say so; it is small enough never to be torn.
      setSafeCount(file, reached);
      await sync(file);
    } catch (error) {
      dirty = true;
      throw writeError(path, error);
    }
  };
  let flushing: Promise<unknown> = Promise.resolve();
  const flushInTurn = () => {
    const turn = flushing.then(flush);
    flushing = turn.catch(() => {}); // whoever asked for it is told; the next one tries again
    return turn;
  };
  let unsynced = 0;

  const write = (name: string, bytes: Uint8Array) => {
    slot.write(name, 0, 'latin1');
    slot.set(bytes, SLOT_HEADER_BYTES);
    slot.writeUInt32LE(checksum(slot, recordBytes), KEY_BYTES);
    writeFully(file, slot, at(size));
    index.set(name, size++);
    dirty = true;
    unsynced += slotBytes;
  };

  return {
    recordBytes,
    get size() {
      return size;
    },
    has: (key) => find(key) !== undefined,
    async append(records) {
      const work = () => {
        mustBeOpen();
        catchUp();
        if (seen > at(size)) ftruncateSync(file, at(size)); // whoever tore that record is dead: we hold the lock
        for (const [key, bytes] of records) {
          mustFit(bytes);
          const name = digest(key);
          if (!index.has(name)) write(name, bytes);
        }
        seen = at(size);
      };
      await locked(path, patience, work).catch((error) => {
        throw writeError(path, error);
      });
      if (unsynced < SYNC_BYTES) return;
      unsynced = 0;
      flushInTurn().catch(() => {}); // an explicit flush, or closing, will say it
    },
    readInto(key, target) {
      mustFit(target);
      const found = find(key);
      if (found === undefined) return false;
      if (readFully(file, target, at(found) + SLOT_HEADER_BYTES)) return true;
      const message = 'the cache has become shorter while it was read';
      throw new RecaptionError('cache-unreadable', message, { place: path });
    },
    flush: flushInTurn,
    async close() {
      if (!open) return;
      open = false;
      try {
        await flushInTurn();
      } finally {
        closeSync(file);
      }
    },
  };
}

/** Does something while no other process appends. */
async function locked<T>(path: string, patience: number, work: () => T): Promise<T> {
  const since = performance.now();
  for (;;) {
    const lock = tryLock(path);
    if (lock.taken) {
      try {
        return work();
      } finally {
        lock.release();
      }
    }
    if (performance.now() - since > patience) {
      throw new RecaptionError('cache-busy', `the cache is in use by ${ownerInWords(lock.owner)}`, {
        place: path,
        hint: `Wait for it to end. If no such program runs, delete ${path}.lock.`,
      });
    }
    await setTimeout(RETRY_MS);
  }
}
