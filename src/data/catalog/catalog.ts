/** A workspace: a folder with `recaption.db`, which knows pictures, where they lie, and every caption they ever had. */
import { join } from 'node:path';
import { RecaptionError, reason } from '../../errors.ts';
import { exists, writeError } from '../../files.ts';
import { type Database, openDatabase } from './database.ts';

export const CATALOG_FILE = 'recaption.db';

export interface Catalog {
  /** Absolute path of the workspace. */
  folder: string;
  db: Database;
  close(): void;
}

/** What a caption is: in use, replaced by one that has it as `parent`, or taken back. */
export const STATE = { current: 0, replaced: 1, withdrawn: 2 } as const;

/** The tables' version, as SQLite's `user_version`. */
const VERSION = 1;
const SCHEMA = `
CREATE TABLE images (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  hash BLOB NOT NULL UNIQUE,          -- SHA-256 of the encoded file
  bytes INTEGER NOT NULL,
  width INTEGER, height INTEGER, format TEXT,
  likeness BLOB,                      -- perceptual hash, 8 bytes; none of a picture without features
  looked INTEGER NOT NULL DEFAULT 0,  -- 1: at its pixels, 2: and compared with all others
  twin INTEGER REFERENCES images,     -- the first of the pictures that look the same
  meta TEXT,                          -- JSON
  added INTEGER NOT NULL              -- milliseconds since 1970, as all times here
) STRICT;
CREATE INDEX not_compared ON images (id) WHERE looked = 1;
CREATE INDEX twins ON images (twin) WHERE twin IS NOT NULL;
CREATE TABLE places (
  path TEXT PRIMARY KEY,              -- absolute, or below the workspace; of an archive's member archive.tar#member
  image INTEGER NOT NULL REFERENCES images,
  start INTEGER,                      -- of a member, its first byte in the archive
  modified INTEGER NOT NULL           -- of the file or the archive
) STRICT, WITHOUT ROWID;
CREATE INDEX places_of_image ON places (image);
CREATE TABLE jobs (
  id INTEGER PRIMARY KEY,
  task TEXT NOT NULL,                 -- import, caption, clean
  recipe INTEGER REFERENCES recipes,
  details TEXT NOT NULL,              -- JSON
  started INTEGER NOT NULL, finished INTEGER, reverted INTEGER
) STRICT;
CREATE TABLE recipes (
  id INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  captioner TEXT NOT NULL, kind TEXT NOT NULL,
  request TEXT NOT NULL               -- JSON: beam, seed, prompt …
) STRICT;
CREATE TABLE captions (
  id INTEGER PRIMARY KEY,
  image INTEGER NOT NULL REFERENCES images,
  kind TEXT NOT NULL, text TEXT NOT NULL,
  words INTEGER NOT NULL,             -- 0: it says nothing, and counts for nothing
  author TEXT NOT NULL,               -- file, human, a captioner's id, clean
  recipe INTEGER REFERENCES recipes,  -- of what a captioner wrote, and of what became of it
  job INTEGER NOT NULL REFERENCES jobs,
  parent INTEGER REFERENCES captions, -- what it replaces
  derived INTEGER NOT NULL DEFAULT 0, -- 1: made from its parent's words
  score REAL, written INTEGER NOT NULL,
  state INTEGER NOT NULL DEFAULT ${STATE.current}
) STRICT;
CREATE INDEX captions_of_image ON captions (image);
CREATE INDEX captions_of_job ON captions (job, state);
CREATE INDEX current_captions ON captions (kind, image, words) WHERE state = ${STATE.current};
CREATE UNIQUE INDEX one_current_caption ON captions (image, recipe) WHERE recipe IS NOT NULL AND state = ${STATE.current};
CREATE UNIQUE INDEX one_caption_a_job ON captions (image, recipe, job) WHERE recipe IS NOT NULL AND derived = 0;
CREATE TABLE failures (
  place TEXT NOT NULL, recipe INTEGER NOT NULL, -- 0 while importing
  image INTEGER REFERENCES images, job INTEGER NOT NULL REFERENCES jobs,
  key TEXT NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL, time INTEGER NOT NULL,
  PRIMARY KEY (place, recipe)
) STRICT, WITHOUT ROWID;
CREATE INDEX failures_of_image ON failures (image, recipe);
PRAGMA user_version = ${VERSION};
`;

export const isWorkspace = (folder: string): Promise<boolean> => exists(join(folder, CATALOG_FILE));

/**
 * Opens the workspace in `folder`, or makes one there.
 * @throws RecaptionError `no-workspace` (and none is to be made), `catalog-corrupt`, `catalog-newer`, `write-failed`, `disk-full`
 */
export async function openCatalog(folder: string, { create = false } = {}): Promise<Catalog> {
  const place = join(folder, CATALOG_FILE);
  if (!create && !(await exists(place))) {
    throw new RecaptionError('no-workspace', 'there is no workspace here', {
      place: folder,
      hint: 'Make one: recaption import SOURCE --into DIR',
    });
  }
  let db: Database | undefined;
  try {
    db = openDatabase(place);
    const opened = db;
    const version = () => opened.get<{ user_version: number }>('PRAGMA user_version')!.user_version;
    if (version() === 0) opened.transaction(() => version() === 0 && opened.exec(SCHEMA));
    if (version() > VERSION) {
      throw new RecaptionError('catalog-newer', 'a newer Recaption made this workspace', {
        place,
        hint: 'Update Recaption: npm install recaption@latest',
      });
    }
    return { folder, db: opened, close: () => opened.close() };
  } catch (error) {
    db?.close();
    throw explained(error, place);
  }
}

/** SQLite's words as a sentence of ours. */
export function explained(error: unknown, place: string): unknown {
  const { errcode } = error as { errcode?: number };
  if (error instanceof RecaptionError || errcode === undefined) return error;
  const primary = errcode & 0xff;
  if (primary === 13) return writeError(place, { code: 'ENOSPC' });
  if (primary === 11 || primary === 26) {
    return new RecaptionError('catalog-corrupt', `the catalog is damaged, or no catalog (${reason(error)})`, {
      place,
      hint: 'Move it away and import the pictures again; their files are unharmed.',
      cause: error,
    });
  }
  if (primary === 5) {
    return new RecaptionError('catalog-busy', 'another program has been writing to this workspace for long', {
      place,
      hint: 'Wait for it to end, then run the same command again.',
      cause: error,
    });
  }
  return new RecaptionError('write-failed', `the catalog cannot be used (${reason(error)})`, {
    place,
    hint: 'Check that the folder exists and that you may write there.',
    cause: error,
  });
}
