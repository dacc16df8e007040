/** The record of a captioning job in progress: one line per finished picture, so that a kill loses at most the current batch. */
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rm, stat, truncate } from 'node:fs/promises';
import { z } from 'zod';
import type { CaptionRequest } from '../captioners/captioner.ts';
import { CAPTION_KINDS } from '../data/sample.ts';
import { RecaptionError } from '../errors.ts';
import { exists, writeAtomic, writeError } from '../files.ts';

const captionRow = z.object({
  key: z.string(),
  /** The picture's name in its source. */
  image: z.string(),
  caption: z.string(),
  kind: z.enum(CAPTION_KINDS),
  /** Id of the captioner. */
  captioner: z.string(),
  /** Mean natural-log probability per token, ≤ 0. */
  score: z.number(),
});
export type CaptionRow = z.infer<typeof captionRow>;

/** What decides a caption besides the picture. Work done by one recipe is never continued by another. */
export interface Recipe {
  source: string;
  captioner: string;
  kind: string;
  request: CaptionRequest;
}

export interface Journal {
  has(key: string): boolean;
  keys(): Iterable<string>;
  size(): number;
  /** Adds whole lines and waits until they are on the disk. @throws RecaptionError `disk-full`, `write-failed` */
  append(rows: CaptionRow[]): Promise<void>;
  read(key: string): Promise<CaptionRow>;
  close(): Promise<void>;
  /** Closes and deletes: the results are in their final place. */
  remove(): Promise<void>;
}

/**
 * Opens the journal at `path`, or starts one, with the rows of the finished file `finished` if there is such a file. A last
 * line that a kill cut short is dropped; its picture is captioned again. Rows stay on disk; only their places are in memory.
 * @throws RecaptionError `journal-mismatch` when the journal was written by another recipe.
 */
export async function openJournal(path: string, recipe: Recipe, finished: string): Promise<Journal> {
  if (!(await exists(path))) await startJournal(path, recipe, finished);
  const rows = new Map<string, { at: number; length: number }>();
  let end = 0;
  for await (const { text, at, length, whole } of readLines(path)) {
    if (!whole) break;
    if (at === 0) checkHeader(text, recipe, path);
    else {
      const row = parseRow(text);
      if (row !== undefined) rows.set(row.key, { at, length });
    }
    end = at + length;
  }
  if (end === 0) throw journalMismatch(path, 'has no readable first line');
  if ((await stat(path)).size > end) await truncate(path, end);
  return journalOn(path, await open(path, 'a+'), rows, end);
}

function journalOn(
  path: string,
  file: FileHandle,
  rows: Map<string, { at: number; length: number }>,
  end: number,
): Journal {
  return {
    has: (key) => rows.has(key),
    keys: () => rows.keys(),
    size: () => rows.size,
    async append(added) {
      const lines = added.map((row) => Buffer.from(`${JSON.stringify(row)}\n`));
      try {
        await file.appendFile(Buffer.concat(lines));
        await file.datasync();
      } catch (error) {
        throw writeError(path, error);
      }
      for (const [i, { byteLength: length }] of lines.entries()) {
        rows.set(added[i].key, { at: end, length });
        end += length;
      }
    },
    async read(key) {
      const { at, length } = rows.get(key)!;
      const { buffer } = await file.read(Buffer.alloc(length), 0, length, at);
      return JSON.parse(buffer.toString('utf8')) as CaptionRow;
    },
    close: () => file.close(),
    async remove() {
      await file.close();
      await rm(path);
    },
  };
}

async function startJournal(path: string, recipe: Recipe, finished: string): Promise<void> {
  const known = await exists(finished);
  await writeAtomic(path, async (write) => {
    await write(Buffer.from(`${JSON.stringify({ journal: 1, recipe })}\n`));
    if (known)
      for await (const row of readRows(finished)) await write(Buffer.from(`${JSON.stringify(row)}\n`));
  });
}

function checkHeader(text: string, recipe: Recipe, path: string): void {
  const header = z.object({ journal: z.literal(1), recipe: z.unknown() }).safeParse(parseJson(text));
  if (!header.success) throw journalMismatch(path, 'is no journal of a captioning job');
  const difference = recipeDifference(header.data.recipe, recipe);
  if (difference !== undefined) throw journalMismatch(path, `was written with another ${difference}`);
}

function journalMismatch(path: string, what: string): RecaptionError {
  return new RecaptionError('journal-mismatch', `the unfinished work found here ${what}`, {
    place: path,
    hint: 'Give another --out, run the command as it was then, or delete this file to begin anew.',
  });
}

/** The name of the first field in which two recipes differ, with both values; undefined when they are the same. */
export function recipeDifference(found: unknown, wanted: Recipe): string | undefined {
  const there = new Map(fields(found));
  const here = new Map(fields(wanted));
  for (const field of new Set([...there.keys(), ...here.keys()])) {
    const [a, b] = [there.get(field), here.get(field)];
    if (a !== b) return `${field} (there ${a ?? 'none'}, now ${b ?? 'none'})`;
  }
  return undefined;
}

/** Every leaf as a name and its value in JSON: `request.beam`, `3`. */
function fields(value: unknown, name = ''): [string, string][] {
  if (value === undefined) return [];
  if (typeof value !== 'object' || value === null) return [[name, JSON.stringify(value)]];
  return Object.entries(value).flatMap(([key, inner]) => fields(inner, name === '' ? key : `${name}.${key}`));
}

/**
 * The rows of a finished caption file.
 * @throws RecaptionError `bad-caption-row` with file and line.
 */
export async function* readRows(path: string): AsyncGenerator<CaptionRow> {
  let number = 0;
  for await (const { text } of readLines(path)) {
    number++;
    const row = parseRow(text);
    if (row === undefined) {
      throw new RecaptionError('bad-caption-row', 'this line is not a caption that this command wrote', {
        place: `${path}:${number}`,
        hint: 'Repair or delete the line, or give another --out.',
      });
    }
    yield row;
  }
}

function parseRow(text: string): CaptionRow | undefined {
  return captionRow.safeParse(parseJson(text)).data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface Line {
  text: string;
  /** Place in bytes; `length` counts the new line. */
  at: number;
  length: number;
  /** False for a last line without a new line. */
  whole: boolean;
}

async function* readLines(path: string): AsyncGenerator<Line> {
  let at = 0;
  let rest = Buffer.alloc(0);
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, chunk]);
    let start = 0;
    for (let stop = rest.indexOf(10); stop !== -1; stop = rest.indexOf(10, start)) {
      yield {
        text: rest.toString('utf8', start, stop),
        at: at + start,
        length: stop + 1 - start,
        whole: true,
      };
      start = stop + 1;
    }
    at += start;
    rest = rest.subarray(start);
  }
  if (rest.length > 0) yield { text: rest.toString('utf8'), at, length: rest.length, whole: false };
}
