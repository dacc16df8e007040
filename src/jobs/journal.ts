/** The record of a captioning job in progress: one line per finished picture, so that a kill loses at most the current batch. */
import { type FileHandle, open, rm, stat, truncate } from 'node:fs/promises';
import { z } from 'zod';
import type { CaptionRequest } from '../captioners/captioner.ts';
import { readLines, tryJson } from '../data/lines.ts';
import { CAPTION_KINDS } from '../data/sample.ts';
import { RecaptionError } from '../errors.ts';
import { exists, writeAtomic, writeError } from '../files.ts';
import { lockOutput } from '../lock.ts';

const captionRow = z.object({
  key: z.string(),
  /** The picture's name in its source. */
  image: z.string(),
  caption: z.string(),
  kind: z.enum(CAPTION_KINDS),
  /** Id of the captioner. */
  captioner: z.string(),
  /** Mean natural-log probability per token, ≤ 0, where the captioner says it. */
  score: z.number().optional(),
  /** What it was made from, where that was asked for. */
  explanation: z.unknown().optional(),
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
 * Until it is closed, no other process can open it.
 * @throws RecaptionError `journal-mismatch` when the journal was written by another recipe; `output-busy`.
 */
export async function openJournal(path: string, recipe: Recipe, finished: string): Promise<Journal> {
  const release = lockOutput(path, 'writing captions to this output');
  try {
    if (!(await exists(path))) await startJournal(path, recipe, finished);
    const rows = await readJournal(path, recipe);
    return journalOn(path, await open(path, 'a+'), rows, release);
  } catch (error) {
    release();
    throw error;
  }
}

/** Where the row of each key lies, in bytes. */
type Places = Map<string, { at: number; length: number }>;

async function readJournal(path: string, recipe: Recipe): Promise<Places> {
  const rows: Places = new Map();
  let end = 0;
  for await (const { bytes, at, length, ended } of readLines(path)) {
    if (!ended) break;
    if (at === 0) checkHeader(bytes, recipe, path);
    else {
      const row = parseRow(bytes);
      if (row !== undefined) rows.set(row.key, { at, length });
    }
    end = at + length;
  }
  if (end === 0) throw journalMismatch(path, 'has no readable first line');
  if ((await stat(path)).size > end) await truncate(path, end);
  return rows;
}

function journalOn(path: string, file: FileHandle, rows: Places, release: () => void): Journal {
  return {
    has: (key) => rows.has(key),
    keys: () => rows.keys(),
    size: () => rows.size,
    async append(added) {
      const lines = added.map((row) => Buffer.from(`${JSON.stringify(row)}\n`));
      let { size: at } = await file.stat();
      try {
        await file.appendFile(Buffer.concat(lines));
        await file.datasync();
      } catch (error) {
        await file.truncate(at).catch(() => {}); // half a line would spoil the next one
        throw writeError(path, error);
      }
      for (const [i, { byteLength: length }] of lines.entries()) {
        rows.set(added[i].key, { at, length });
        at += length;
      }
    },
    async read(key) {
      const { at, length } = rows.get(key)!;
      const { buffer } = await file.read(Buffer.alloc(length), 0, length, at);
      return JSON.parse(buffer.toString('utf8')) as CaptionRow;
    },
    async close() {
      await file.close();
      release();
    },
    async remove() {
      await file.close();
      await rm(path);
      release();
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

function checkHeader(line: Buffer | undefined, recipe: Recipe, path: string): void {
  const header = z.object({ journal: z.literal(1), recipe: z.unknown() }).safeParse(tryJson(`${line ?? ''}`));
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
  for await (const { number, bytes } of readLines(path)) {
    const row = parseRow(bytes);
    if (row === undefined) {
      throw new RecaptionError('bad-caption-row', 'this line is not a caption that this command wrote', {
        place: `${path}:${number}`,
        hint: 'Repair or delete the line, or give another --out.',
      });
    }
    yield row;
  }
}

/** Undefined for a line that is no caption: cut short, too long, or somebody else's. */
function parseRow(line: Buffer | undefined): CaptionRow | undefined {
  return captionRow.safeParse(tryJson(`${line ?? ''}`)).data;
}
