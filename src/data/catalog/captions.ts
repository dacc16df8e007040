/** Captions as versioned rows: nothing is overwritten, and what a job has written can be taken back. */
import { RecaptionError } from '../../errors.ts';
import type { CaptionKind, Failure } from '../sample.ts';
import { type Catalog, STATE } from './catalog.ts';
import { countWords } from './images.ts';
import { type Task, withoutNulls } from './jobs.ts';

/** A caption as its history tells it. */
export interface CaptionVersion {
  id: number;
  kind: CaptionKind;
  text: string;
  author: string;
  /** How the captioner was asked. */
  request?: Record<string, unknown>;
  job: number;
  task: Task;
  parent?: number;
  /** Mean natural-log probability per token, ≤ 0. */
  score?: number;
  written: number;
  state: 'current' | 'replaced' | 'withdrawn';
}

export interface Written {
  image: number;
  kind: CaptionKind;
  text: string;
  author: string;
  score?: number;
}

/**
 * Adds what a captioner wrote. It takes the place of what captioners wrote of this picture and kind before; captions that came
 * with the picture stay in use beside it.
 * @returns false when this recipe's caption is there already: from this job or, unless `again`, from any.
 */
export function addCaption(
  { db }: Catalog,
  { image, kind, text, author, score }: Written,
  {
    job,
    recipe,
    again = false,
    now = Date.now(),
  }: { job: number; recipe: number; again?: boolean; now?: number },
): boolean {
  const done = db.get(
    `SELECT 1 FROM captions WHERE image = ? AND recipe = ? AND state < ${STATE.withdrawn} AND (job = ? OR NOT ?)`,
    image,
    recipe,
    job,
    Number(again),
  );
  if (done) return false;
  const before = db.get<{ id: number }>(
    `SELECT id FROM captions WHERE image = ? AND kind = ? AND recipe IS NOT NULL AND state = ${STATE.current}`,
    image,
    kind,
  );
  if (before) replace(db, before.id);
  db.run(
    `INSERT INTO captions (image, kind, text, words, author, recipe, job, parent, score, written)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    image,
    kind,
    text,
    countWords(text),
    author,
    recipe,
    job,
    before?.id ?? null,
    score ?? null,
    now,
  );
  db.run('DELETE FROM failures WHERE image = ? AND recipe = ?', image, recipe);
  return true;
}

/** Adds a caption that was made from the words of another, which it replaces. Without words, it says that the other was none. */
export function addDerived(
  { db }: Catalog,
  parent: number,
  text: string,
  { author, job, now = Date.now() }: { author: string; job: number; now?: number },
): void {
  replace(db, parent);
  db.run(
    `INSERT INTO captions (image, kind, text, words, author, recipe, job, parent, derived, score, written)
     SELECT image, kind, ?, ?, ?, recipe, ?, id, 1, score, ? FROM captions WHERE id = ?`,
    text,
    countWords(text),
    author,
    job,
    now,
    parent,
  );
}

const replace = (db: Catalog['db'], id: number): number =>
  db.run(`UPDATE captions SET state = ${STATE.replaced} WHERE id = ?`, id);

/** Notes that a picture could not be captioned by this recipe (0: could not be imported); the last reason stands. */
export function addFailure(
  { db }: Catalog,
  { key, place, code, message }: Failure,
  {
    job,
    recipe = 0,
    image,
    now = Date.now(),
  }: { job: number; recipe?: number; image?: number; now?: number },
): void {
  db.run(
    `INSERT OR REPLACE INTO failures (place, recipe, image, job, key, code, message, time) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    place,
    recipe,
    image ?? null,
    job,
    key,
    code,
    message,
    now,
  );
}

/** Every caption that a picture has had, the oldest first. */
export function historyOf({ db }: Catalog, image: number): CaptionVersion[] {
  const rows = db.all<Omit<CaptionVersion, 'state' | 'request'> & { state: number; request: string | null }>(
    `SELECT captions.id, captions.kind, text, author, request, job, task, parent, score, written, state
     FROM captions JOIN jobs ON jobs.id = job LEFT JOIN recipes ON recipes.id = captions.recipe
     WHERE image = ? ORDER BY captions.id`,
    image,
  );
  const names = Object.keys(STATE) as CaptionVersion['state'][];
  return rows.map((row) => ({
    ...withoutNulls(row),
    request: row.request === null ? undefined : JSON.parse(row.request),
    state: names[row.state],
  }));
}

export interface Reverted {
  /** Captions taken back, those that were made from them included. */
  captions: number;
  /** Pictures that they belong to. */
  images: number;
}

interface VersionRow {
  id: number;
  parent: number | null;
  job: number;
  derived: number;
  state: number;
}

/**
 * Takes back what a job wrote, and what later jobs made from it; the captions that stood before stand again. Nothing is deleted.
 * @throws RecaptionError `no-job`, `not-revertible` for an import: the pictures' own captions are never taken away
 */
export function revertJob({ db }: Catalog, job: number, now = Date.now()): Reverted {
  const found = db.get<{ task: Task }>('SELECT task FROM jobs WHERE id = ?', job);
  if (!found) {
    throw new RecaptionError('no-job', `there is no job ${job} in this workspace`, {
      hint: 'recaption status lists them.',
    });
  }
  if (found.task === 'import') {
    throw new RecaptionError('not-revertible', `job ${job} imported pictures; what came with them stays`, {
      hint: 'Jobs that captioned or cleaned can be taken back.',
    });
  }
  return db.transaction(() => {
    const reverted: Reverted = { captions: 0, images: 0 };
    const images = db.all<{ image: number }>('SELECT DISTINCT image FROM captions WHERE job = ?', job);
    for (const { image } of images) {
      const rows = db.all<VersionRow>(
        'SELECT id, parent, job, derived, state FROM captions WHERE image = ? ORDER BY id',
        image,
      );
      const states = statesWithout(rows, job);
      const changed = rows.filter(({ id, state }) => states.get(id) !== state);
      // First out of use, then into use: two current ones at once are refused.
      for (const { id } of changed.toSorted((a, b) => states.get(b.id)! - states.get(a.id)!))
        db.run('UPDATE captions SET state = ? WHERE id = ?', states.get(id)!, id);
      const taken = changed.filter(({ id }) => states.get(id) === STATE.withdrawn).length;
      reverted.captions += taken;
      reverted.images += Number(taken > 0);
    }
    db.run('UPDATE jobs SET reverted = ?, finished = coalesce(finished, ?) WHERE id = ?', now, now, job);
    return reverted;
  });
}

/** The states of a picture's captions once those of a job are taken back: a caption is in use when nothing standing came after it. */
function statesWithout(rows: readonly VersionRow[], job: number): Map<number, number> {
  const states = new Map<number, number>();
  for (const row of rows) {
    const goes = row.job === job || (row.derived === 1 && states.get(row.parent!) === STATE.withdrawn);
    states.set(row.id, goes || row.state === STATE.withdrawn ? STATE.withdrawn : STATE.current);
  }
  const replaced = new Set<number>();
  for (const { id, parent } of rows.toReversed()) {
    if (replaced.has(id) && states.get(id) === STATE.current) states.set(id, STATE.replaced);
    if (parent !== null && (replaced.has(id) || states.get(id) !== STATE.withdrawn)) replaced.add(parent);
  }
  return states;
}
