/** Parquet files as streams of rows, a group of them at a time. */
import { open, stat } from 'node:fs/promises';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { type Compressors, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { RecaptionError, reason } from '../errors.ts';
import { readError } from '../files.ts';
import { formatOf } from '../image/format.ts';
import { asFailure } from './dataset.ts';
import type { Row } from './lines.ts';
import type { OnFailure } from './sample.ts';

/** A group is held in memory whole; no program writes larger ones. */
const MAX_GROUP_ROWS = 2 ** 24;

/** What JSON has; and bytes, where they are a picture or no UTF-8. */
export type ParquetRow = Record<string, unknown>;

export interface ParquetFile {
  /** Where each group of rows starts in the file, and how many it has. */
  groups: { start: number; rows: number }[];
  /** @throws RecaptionError `parquet-corrupt`, `file-not-found`, `read-failed` */
  readGroup(group: number): Promise<ParquetRow[]>;
}

/**
 * Reads the footer of a Parquet file; its rows are read group by group. They may be compressed with Snappy, gzip, Brotli or
 * Zstandard.
 * @throws RecaptionError `parquet-corrupt`, `file-not-found`, `read-failed`
 */
export async function openParquet(path: string): Promise<ParquetFile> {
  return sound(path, async () => {
    const file = { byteLength: await sizeOf(path), slice: sliceOf(path) };
    if (file.byteLength < 12) throw new Error('it is too short');
    const metadata = await parquetMetadataAsync(file, { geoparquet: false });
    let end = 0;
    const groups = metadata.row_groups.map(({ num_rows }) => {
      const rows = Number(num_rows);
      if (!(rows >= 0 && rows <= MAX_GROUP_ROWS)) throw new Error(`a group of ${rows} rows`);
      end += rows;
      return { start: end - rows, rows };
    });
    return {
      groups,
      readGroup: (group) =>
        sound(path, async () => {
          const { start, rows } = groups[group];
          const range = { rowStart: start, rowEnd: start + rows };
          // `utf8: false` leaves bytes that are not declared to be text: pictures are among them.
          const found: ParquetRow[] = await parquetReadObjects({ file, metadata, ...range, ...DECODING });
          for (const row of found) for (const name of Object.keys(row)) row[name] = plain(row[name]);
          return found;
        }),
    };
  });
}

/** A row, and where it stands. */
export interface PlacedRow extends Row {
  value: ParquetRow;
  /** Within the file, from 0. */
  number: number;
  group: number;
  /** All rows of the group, and which of them this is. */
  rows: ParquetRow[];
  index: number;
}

/** The rows of a file, in order. A group that is damaged is reported as `parquet-corrupt` and passed over. */
export async function* readParquetRows(
  path: string,
  { groups, readGroup }: ParquetFile,
  fail: OnFailure,
): AsyncGenerator<PlacedRow> {
  for (const [group, { start }] of groups.entries()) {
    const rows = await readGroup(group).catch((error) => {
      fail(asFailure(error, '', `${path}#[${start}]`));
      return [];
    });
    for (const [index, value] of rows.entries()) {
      const number = start + index;
      yield { place: `${path}#[${number}]`, value, number, group, rows, index };
    }
  }
}

const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A text, or the bytes where they are none: one bad cell is no reason to give up its group. */
function textOf(bytes: Uint8Array): string | Uint8Array {
  try {
    return text.decode(bytes);
  } catch {
    return bytes;
  }
}

/** A damaged page must not say how much memory it fills. */
const atMost = (length: number) => ({ maxOutputLength: Math.max(1, length) });
const compressors: Compressors = {
  GZIP: (input, length) => gunzipSync(input, atMost(length)),
  BROTLI: (input, length) => brotliDecompressSync(input, atMost(length)),
  ZSTD: (input, length) => zstdDecompressSync(input, atMost(length)),
};
const textOrNothing = (bytes: Uint8Array | undefined) => bytes && textOf(bytes);
const DECODING = {
  utf8: false,
  compressors,
  parsers: { stringFromBytes: textOrNothing, jsonFromBytes: textOrNothing },
};

/** A cell as JSON would have it. */
function plain(cell: unknown): unknown {
  if (cell === undefined) return null;
  if (typeof cell === 'bigint') return Number.isSafeInteger(Number(cell)) ? Number(cell) : String(cell);
  if (cell instanceof Date) return Number.isNaN(cell.getTime()) ? null : cell.toISOString();
  if (cell instanceof Uint8Array) return formatOf(cell) === undefined ? textOf(cell) : cell;
  if (Array.isArray(cell)) return cell.map(plain);
  if (typeof cell !== 'object' || cell === null) return cell;
  return Object.fromEntries(Object.entries(cell).map(([name, value]) => [name, plain(value)]));
}

async function sizeOf(path: string): Promise<number> {
  const { size } = await stat(path).catch((error) => {
    throw readError(path, error);
  });
  return size;
}

/** Bytes of a file. Opened for each piece, so that nothing stays open when a reader stops half-way. */
function sliceOf(path: string): (start: number, end?: number) => Promise<ArrayBuffer> {
  return async (start, end = Number.POSITIVE_INFINITY) => {
    const file = await open(path).catch((error) => {
      throw readError(path, error);
    });
    try {
      const length = Math.min(end, (await file.stat()).size) - start;
      if (!(start >= 0 && length >= 0)) throw new Error('a column lies beyond the end of the file');
      const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, start);
      if (bytesRead < length) throw new Error('the file has become shorter');
      return buffer.buffer;
    } finally {
      await file.close();
    }
  };
}

async function sound<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof RecaptionError) throw error;
    throw new RecaptionError('parquet-corrupt', `no Parquet can be read there (${reason(error)})`, {
      place: path,
      hint: 'The file is damaged, cut short or of another kind; fetch or write it again.',
      cause: error,
    });
  }
}
