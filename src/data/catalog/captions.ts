/** Captions as versioned rows: nothing is overwritten, and what a job has written can be taken back. */
import { RecaptionError } from '../../errors.ts';
import { countWords } from '../../text/count-words.ts';
import type { CaptionKind, Failure } from '../sample.ts';
import { type Catalog, STATE } from './catalog.ts';
import { type Task, turnOf, withoutNulls } from './jobs.ts';
import { type Selection, select } from './selection.ts';

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

/**
 * Adds a caption that was made from the words of another, which it replaces. Without words, it says that the other was none.
 * @returns false when the other is in use no more: somebody else has replaced it, or taken it back
 */
export function addDerived(
  { db }: Catalog,
  parent: number,
  text: string,
  { author, job, now = Date.now() }: { author: string; job: number; now?: number },
): boolean {
  if (replace(db, parent) === 0) return false;
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
  return true;
}

const replace = (db: Catalog['db'], id: number): number =>
  db.run(`UPDATE captions SET state = ${STATE.replaced} WHERE id = ? AND state = ${STATE.current}`, id);

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
  if (image !== undefined) db.run('DELETE FROM failures WHERE image = ? AND recipe = ?', image, recipe); // under another name
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

/** What taking a job back tells; plain data. */
export type RevertEvent =
  | { kind: 'progress'; done: number; total: number; imagesPerSecond: number; secondsLeft: number }
  /** Captions taken back, those that were made from them included, and the pictures they belong to. */
  | { kind: 'reverted'; job: number; captions: number; images: number };

interface VersionRow {
  id: number;
  parent: number | null;
  job: number;
  derived: number;
  state: number;
}

/** Pictures in one transaction. */
const PAGE = 1000;

/**
 * Takes back what a job wrote, and what later jobs made from it; the captions that stood before stand again. Nothing is deleted but
 * the job's failures, so that its pictures can be tried again. Killed half-way, it goes on when it is called again.
 * @throws RecaptionError `no-job`; `not-revertible` for an import: the pictures' own captions are never taken away; `workspace-busy`
 * while the job runs
 */
export function* revertJob(catalog: Catalog, job: number, now = Date.now()): Generator<RevertEvent> {
  const { db } = catalog;
  const found = db.get<{ task: Task; hash: string | null }>(
    'SELECT task, hash FROM jobs LEFT JOIN recipes ON recipes.id = recipe WHERE jobs.id = ?',
    job,
  );
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
  const endings = [turnOf(catalog, 'clean')];
  try {
    if (found.hash !== null) endings.push(turnOf(catalog, 'caption', found.hash));
    const more = { sql: 'images.id IN (SELECT image FROM captions WHERE job = ?)', values: [job] };
    const pictures = select(catalog, { more });
    endings.push(pictures.drop);
    db.run('UPDATE jobs SET reverted = ?, finished = coalesce(finished, ?) WHERE id = ?', now, now, job);
    db.run('DELETE FROM failures WHERE job = ?', job);
    const reverted = { captions: 0, images: 0 };
    const started = performance.now();
    let done = 0;
    for (const images of pages(catalog, pictures)) {
      db.transaction(() => {
        for (const image of images) {
          const taken = withdraw(catalog, image, job);
          reverted.captions += taken;
          reverted.images += Number(taken > 0);
        }
      });
      done += images.length;
      const imagesPerSecond = (1000 * done) / Math.max(1, performance.now() - started);
      const secondsLeft = (pictures.size - done) / imagesPerSecond;
      yield { kind: 'progress', done, total: pictures.size, imagesPerSecond, secondsLeft };
    }
    yield { kind: 'reverted', job, ...reverted };
  } finally {
    for (const end of endings) end();
  }
}

function* pages({ db }: Catalog, { table }: Selection): Generator<number[]> {
  for (let last = 0; ; ) {
    const rows = [
      ...db.iterate<{ id: number }>(`SELECT id FROM ${table} WHERE id > ? ORDER BY id LIMIT ${PAGE}`, last),
    ];
    if (rows.length === 0) return;
    last = rows.at(-1)!.id;
    yield rows.map(({ id }) => id);
  }
}

/** Takes a job's captions of one picture out of use. @returns how many, those derived from them included */
function withdraw({ db }: Catalog, image: number, job: number): number {
  const rows = db.all<VersionRow>(
    'SELECT id, parent, job, derived, state FROM captions WHERE image = ? ORDER BY id',
    image,
  );
  const states = statesWithout(rows, job);
  const changed = rows.filter(({ id, state }) => states.get(id) !== state);
  // First out of use, then into use: two current ones at once are refused.
  for (const { id } of changed.toSorted((a, b) => states.get(b.id)! - states.get(a.id)!))
    db.run('UPDATE captions SET state = ? WHERE id = ?', states.get(id)!, id);
  return changed.filter(({ id }) => states.get(id) === STATE.withdrawn).length;
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
