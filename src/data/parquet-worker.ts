/** The thread that decodes rows of a Parquet file: see `parquet.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { type Compressors, parquetReadObjects } from 'hyparquet';
import { reason } from '../errors.ts';
import { formatOf } from '../image/format.ts';
import { fileOf, type ParquetRow, type RowRange } from './parquet.ts';

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

async function decode({ path, start, rows }: RowRange): Promise<ParquetRow[]> {
  const file = await fileOf(path);
  // `utf8: false` leaves bytes that are not declared to be text: pictures are among them.
  const found: ParquetRow[] = await parquetReadObjects({
    file,
    rowStart: start,
    rowEnd: start + rows,
    ...DECODING,
  });
  for (const row of found) for (const name of Object.keys(row)) row[name] = plain(row[name]);
  return found;
}

const answer = await decode(workerData).then(
  (rows) => ({ rows }),
  (error) => ({ message: reason(error) }),
);
parentPort!.postMessage(answer);
