/** Who changed the catalog, when and how. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { RecaptionError } from '../../errors.ts';
import { ownerInWords, tryLock } from '../../lock.ts';
import type { CaptionKind } from '../sample.ts';
import { type Catalog, STATE } from './catalog.ts';

export type Task = 'import' | 'caption' | 'clean';

/** What decides a caption besides the picture. */
export interface Recipe {
  /** Id of the captioner: name and version. */
  captioner: string;
  kind: CaptionKind;
  /** How it was asked: width of the beam, seed, prompt … Plain data. */
  request: object;
}

/**
 * One process at a time captions by a recipe, one cleans; and none of them while a job is taken back. A turn ends with the process.
 * @returns what ends the turn @throws RecaptionError `workspace-busy`
 */
export function turnOf({ folder }: Catalog, task: 'caption' | 'clean', recipe = ''): () => void {
  const [name, what] =
    task === 'clean'
      ? ['clean', 'cleaning this workspace']
      : [`recipe-${recipe}`, 'captioning these pictures so'];
  const lock = tryLock(join(folder, name));
  if (lock.taken) return lock.release;
  throw new RecaptionError('workspace-busy', `${ownerInWords(lock.owner)} is ${what}`, {
    place: folder,
    hint: `Wait for it to end. If no such program runs, delete ${name}.lock there.`,
  });
}

/** The same recipe has the same number, and its hash is the same in every workspace. */
export function recipeOf(
  { db }: Catalog,
  { captioner, kind, request }: Recipe,
): { id: number; hash: string } {
  const asked = JSON.stringify(request, inOrder); // fields that are undefined say nothing, and are left out
  const hash = createHash('sha256')
    .update(JSON.stringify([captioner, kind, asked]))
    .digest('hex')
    .slice(0, 32);
  db.run(
    'INSERT INTO recipes (hash, captioner, kind, request) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    hash,
    captioner,
    kind,
    asked,
  );
  return { id: db.get<{ id: number }>('SELECT id FROM recipes WHERE hash = ?', hash)!.id, hash };
}

/** For `JSON.stringify`: the fields of objects by name, so that the same request is the same text. */
const inOrder = (_: string, value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

export interface JobRow {
  id: number;
  task: Task;
  details: Record<string, unknown>;
  /** Captioner and kind, of a job that captions. */
  captioner?: string;
  kind?: CaptionKind;
  started: number;
  finished?: number;
  reverted?: number;
  /** Captions that it wrote, and how many of them have not been taken back. */
  captions: number;
  standing: number;
  failures: number;
}

/** The last job of the same task, recipe and details that never came to its end. */
export function unfinishedJob(
  { db }: Catalog,
  task: Task,
  details: object,
  recipe?: number,
): number | undefined {
  const found = db.get<{ id: number | null }>(
    'SELECT max(id) AS id FROM jobs WHERE task = ? AND recipe IS ? AND details = ? AND finished IS NULL AND reverted IS NULL',
    task,
    recipe ?? null,
    JSON.stringify(details),
  );
  return found?.id ?? undefined;
}

/** Takes up the unfinished job, or starts one. */
export function startJob(
  catalog: Catalog,
  task: Task,
  details: object,
  { recipe, now = Date.now() }: { recipe?: number; now?: number } = {},
): number {
  const unfinished = unfinishedJob(catalog, task, details, recipe);
  if (unfinished !== undefined) return unfinished;
  return catalog.db.get<{ id: number }>(
    'INSERT INTO jobs (task, recipe, details, started) VALUES (?, ?, ?, ?) RETURNING id',
    task,
    recipe ?? null,
    JSON.stringify(details),
    now,
  )!.id;
}

export function finishJob({ db }: Catalog, job: number, now = Date.now()): void {
  db.run('UPDATE jobs SET finished = ? WHERE id = ?', now, job);
}

/** The jobs of a workspace, the last first. */
export function listJobs({ db }: Catalog, { limit = 20 }: { limit?: number } = {}): JobRow[] {
  const rows = db.all<Omit<JobRow, 'details'> & { details: string }>(
    `SELECT jobs.id, task, details, captioner, kind, started, finished, reverted,
       (SELECT count(*) FROM captions WHERE job = jobs.id) AS captions,
       (SELECT count(*) FROM captions WHERE job = jobs.id AND state < ${STATE.withdrawn}) AS standing,
       (SELECT count(*) FROM failures WHERE job = jobs.id) AS failures
     FROM jobs LEFT JOIN recipes ON recipes.id = recipe ORDER BY jobs.id DESC LIMIT ?`,
    limit,
  );
  return rows.map((row) => ({ ...withoutNulls(row), details: JSON.parse(row.details) }) as JobRow);
}

/** SQL's NULL is a field that is not there. */
export const withoutNulls = <Row extends object>(row: Row): Row =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as Row;
