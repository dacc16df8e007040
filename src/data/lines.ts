import { createReadStream } from 'node:fs';
import { RecaptionError, reason } from '../errors.ts';
import { readError } from '../files.ts';
import type { OnFailure } from './sample.ts';

/** Longest line that is read; a longer one is damage or an attack, and is skipped. */
const MAX_LINE_BYTES = 16 * 2 ** 20;
const NEW_LINE = 0x0a;

/** @throws RecaptionError `not-utf8` */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new RecaptionError('not-utf8', 'the text is not UTF-8', { cause, hint: 'Save the file as UTF-8.' });
  }
}

/** @throws RecaptionError `row-invalid`, `not-utf8` */
export function parseJson(bytes: Uint8Array): unknown {
  const text = decodeUtf8(bytes);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RecaptionError('row-invalid', `this is not JSON (${reason(cause)})`, { cause });
  }
}

/** For lines that a crash may have torn: undefined where there is no JSON. */
export function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export interface Row {
  /** `file:line`, lines counted from 1. */
  place: string;
  value: unknown;
}

/**
 * Streams a file of JSON lines. Empty lines are passed over; lines that are not UTF-8 or not JSON are reported.
 * @throws RecaptionError `file-not-found`, `read-failed`
 */
export async function* readJsonLines(path: string, fail: OnFailure): AsyncGenerator<Row> {
  for await (const { number, bytes } of readLines(path)) {
    const place = `${path}:${number}`;
    try {
      if (bytes === undefined) {
        throw new RecaptionError('row-invalid', `the line is longer than ${MAX_LINE_BYTES / 2 ** 20} MiB`);
      }
      if (bytes.every((byte) => byte <= 0x20)) continue;
      yield { place, value: parseJson(bytes) };
    } catch (error) {
      if (!(error instanceof RecaptionError)) throw error;
      fail({ key: '', place, code: error.code, message: error.message });
    }
  }
}

export interface Line {
  /** Counted from 1. */
  number: number;
  /** Without the new line; undefined for a line that is too long. */
  bytes: Buffer | undefined;
  /** Place in the file, in bytes; `length` counts the new line. */
  at: number;
  length: number;
  /** False for a last line without a new line. */
  ended: boolean;
}

/**
 * Streams the lines of a file as bytes, so that a bad one can be told from its neighbours.
 * @throws RecaptionError `file-not-found`, `read-failed`
 */
export async function* readLines(path: string): AsyncGenerator<Line> {
  let [number, at, length] = [1, 0, 0];
  let parts: Buffer[] = [];
  const take = (part: Buffer) => {
    length += part.length;
    if (length <= MAX_LINE_BYTES) parts.push(part);
    else parts = [];
  };
  const line = (ended: boolean): Line => {
    const bytes = length > MAX_LINE_BYTES ? undefined : Buffer.concat(parts);
    const found = { number, bytes, at, length: length + +ended, ended };
    [number, at, length, parts] = [number + 1, at + found.length, 0, []];
    return found;
  };
  for await (const chunk of chunksOf(path)) {
    let from = 0;
    for (let to = chunk.indexOf(NEW_LINE); to >= 0; to = chunk.indexOf(NEW_LINE, from)) {
      take(chunk.subarray(from, to));
      yield line(true);
      from = to + 1;
    }
    take(chunk.subarray(from));
  }
  if (length > 0) yield line(false);
}

async function* chunksOf(path: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(path, { highWaterMark: 2 ** 18 });
  } catch (error) {
    throw readError(path, error);
  }
}
