/**
 * The file of a record cache, little-endian: a header of 64 bytes (`RCACHE01`, u32 record bytes, 4 bytes unused, u64 records
 * known to be safe on disk), then one slot for each record: 16 bytes of the key's SHA-256, u32 CRC-32 of key and contents,
 * contents, padding to 8.
 */
import { hash } from 'node:crypto';
import { constants, openSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { RecaptionError } from '../errors.ts';

const MAGIC = 'RCACHE01';
export const HEADER_BYTES = 64;
export const KEY_BYTES = 16;
export const SLOT_HEADER_BYTES = KEY_BYTES + 4;
const SAFE_COUNT_AT = 16;

/** A key's name in the file. */
export function digest(key: string): string {
  return Buffer.from(hash('sha256', key, 'hex').slice(0, KEY_BYTES * 2), 'hex').toString('latin1');
}

/** Of the key and the contents of a slot. */
export function checksum(slot: Buffer, recordBytes: number): number {
  const contents = slot.subarray(SLOT_HEADER_BYTES, SLOT_HEADER_BYTES + recordBytes);
  return crc32(contents, crc32(slot.subarray(0, KEY_BYTES)));
}

/** For reading and writing; where writing is not allowed, a cache that is there can still be read. */
export function openFile(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT, 0o666);
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return openSync(path, 'r');
  }
}

const HINT = 'Delete the file: it is only a cache, and will be made again.';

const notOurs = (path: string) =>
  new RecaptionError('cache-unreadable', 'this file is not a cache of ours', { place: path, hint: HINT });

/** Writes the header of a new file, or of one whose maker crashed before all of it was written. */
export function startFile(file: number, path: string, recordBytes: number): void {
  const header = Buffer.alloc(HEADER_BYTES);
  const length = readSync(file, header, 0, HEADER_BYTES, 0);
  if (length === HEADER_BYTES) return; // another process has done it
  if (!MAGIC.startsWith(header.toString('latin1', 0, Math.min(length, MAGIC.length)))) {
    throw notOurs(path);
  }
  header.fill(0).write(MAGIC, 'latin1');
  header.writeUInt32LE(recordBytes, 8);
  writeFully(file, header, 0);
}

export function checkHeader(file: number, path: string, recordBytes: number): void {
  const header = Buffer.alloc(HEADER_BYTES);
  if (!readFully(file, header, 0) || header.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    throw notOurs(path);
  }
  const found = header.readUInt32LE(8);
  if (found !== recordBytes) {
    const message = `the cache holds records of ${found} bytes, not ${recordBytes}`;
    throw new RecaptionError('cache-mismatch', message, { place: path, hint: HINT });
  }
}

/** The number of records that need no check. */
export function safeCount(file: number): number {
  const count = Buffer.alloc(8);
  return readFully(file, count, SAFE_COUNT_AT) ? Number(count.readBigUInt64LE()) : 0;
}

export function setSafeCount(file: number, records: number): void {
  const count = Buffer.alloc(8);
  count.writeBigUInt64LE(BigInt(records));
  writeFully(file, count, SAFE_COUNT_AT);
}

/** False when the file ends before `target` is full. */
export function readFully(file: number, target: Uint8Array, position: number): boolean {
  for (let at = 0; at < target.byteLength; ) {
    const read = readSync(file, target, at, target.byteLength - at, position + at);
    if (read === 0) return false;
    at += read;
  }
  return true;
}

export function writeFully(file: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.byteLength; ) {
    at += writeSync(file, bytes, at, bytes.byteLength - at, position + at);
  }
}
