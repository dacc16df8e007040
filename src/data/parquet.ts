/** Parquet files as streams of rows, a group of them at a time. */
import { open, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { parquetMetadataAsync } from 'hyparquet';
import { RecaptionError, reason } from '../errors.ts';
import { readError } from '../files.ts';
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
    const metadata = await parquetMetadataAsync(await fileOf(path), { geoparquet: false });
    let end = 0;
    const groups = metadata.row_groups.map(({ num_rows }) => {
      const rows = Number(num_rows);
      if (!(rows >= 0 && rows <= MAX_GROUP_ROWS)) throw new Error(`a group of ${rows} rows`);
      end += rows;
      return { start: end - rows, rows };
    });
    return {
      groups,
      readGroup: (group) => sound(path, () => decodeApart({ path, ...groups[group] })),
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

/** Megabytes that a group of rows may take while it is decoded, its pictures not counted. */
const MOST_MEMORY = 2048;
/** Milliseconds for a group and for each of its rows: a hundred times what sound ones take. */
const PATIENCE = { group: 10_000, row: 5 };

/**
 * Decodes rows in a thread of its own: a damaged page can say that a value comes a billion times, and then the thread runs out of
 * memory or time, not we.
 */
function decodeApart(rows: RowRange): Promise<ParquetRow[]> {
  const worker = new Worker(new URL(`./parquet-worker${extname(import.meta.url)}`, import.meta.url), {
    workerData: rows,
    resourceLimits: { maxOldGenerationSizeMb: MOST_MEMORY },
  });
  return new Promise((resolve, reject) => {
    worker.on('message', (found: { rows: ParquetRow[] } | { message: string }) =>
      'rows' in found ? resolve(found.rows) : reject(new Error(found.message)),
    );
    worker.on('error', reject);
    worker.on('exit', () => reject(new Error('its rows cannot be decoded')));
    const timer = setTimeout(() => worker.terminate(), PATIENCE.group + PATIENCE.row * rows.rows);
    worker.on('exit', () => clearTimeout(timer));
  });
}

/** Rows of a file, from `start`. */
export interface RowRange {
  path: string;
  start: number;
  rows: number;
}

/** A file as hyparquet reads it. */
export async function fileOf(path: string) {
  const { size: byteLength } = await stat(path).catch((error) => {
    throw readError(path, error);
  });
  if (byteLength < 12) throw new Error('it is too short');
  return { byteLength, slice: sliceOf(path) };
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
