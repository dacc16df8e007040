/** Captions the pictures of a workspace: each picture once by each recipe, whenever the job is killed. */
import type { Captioner, CaptionRequest } from '../captioners/captioner.ts';
import {
  addCaption,
  addFailure,
  type Catalog,
  type CatalogSample,
  finishJob,
  recipeOf,
  type Selection,
  STATE,
  select,
  selectSamples,
  startJob,
  turnOf,
  unfinishedJob,
} from '../data/catalog/index.ts';
import { type Failure, type LoadedSample, loadEach, mapAny } from '../data/index.ts';
import { type CaptionedBatch, type CaptionJobEvent, captionBatch, untilStopped } from './caption-job.ts';

/** What to do with pictures that this recipe has met before. */
export const OVERWRITE = ['never', 'failed', 'always'] as const;
export type Overwrite = (typeof OVERWRITE)[number];

export interface WorkspaceJobOptions {
  catalog: Catalog;
  captioner: Captioner;
  request?: CaptionRequest;
  /** Only the pictures that this query finds. */
  where?: string;
  /**
   * `never` leaves out what has a caption by this recipe and what failed; `failed` tries what failed once more; `always` captions
   * everything anew, what there was becomes history.
   */
  overwrite?: Overwrite;
  /** Batches that the captioner has in hand at once; default: as many as it likes. */
  concurrency?: number;
  batch?: number;
  /** Only the first so many pictures that `where` finds. */
  limit?: number;
  signal?: AbortSignal;
  /** Milliseconds. */
  now?: () => number;
}

/**
 * Captions what is to be captioned. The unit of work is a picture's content with a recipe (captioner, kind, request): one that is done
 * is never done again. Each batch is one transaction.
 * @throws RecaptionError `bad-query`, `workspace-busy`, `disk-full`, and whatever the captioner throws; what is done stays
 */
export async function* captionWorkspace(options: WorkspaceJobOptions): AsyncGenerator<CaptionJobEvent> {
  const { catalog, captioner, request = {} } = options;
  const recipe = recipeOf(catalog, { captioner: captioner.id, kind: captioner.kind, request });
  const endTurn = turnOf(catalog, 'caption', recipe.hash);
  try {
    const chosen = select(catalog, { where: options.where, limit: options.limit, placed: true });
    try {
      yield* captionChosen(options, recipe.id, chosen);
    } finally {
      chosen.drop();
    }
  } finally {
    endTurn();
  }
}

async function* captionChosen(
  options: WorkspaceJobOptions,
  recipe: number,
  chosen: Selection,
): AsyncGenerator<CaptionJobEvent> {
  const { catalog, captioner, request = {}, where, overwrite = 'never', limit, signal } = options;
  const { db, folder: out } = catalog;
  const details = { where, overwrite, limit };
  const unfinished = unfinishedJob(catalog, 'caption', details, recipe);
  const todo = stillToDo(overwrite, recipe, unfinished);
  const isChosen = `images.id IN (SELECT id FROM ${chosen.table})`;
  const count = (sql: string, values: number[]) =>
    db.get<{ n: number }>(`SELECT count(*) AS n FROM images WHERE ${isChosen} AND ${sql}`, ...values)!.n;
  const standing = () => ({
    captioned: count(DONE, [recipe, recipe]),
    failed: count(FAILED, [recipe, recipe]),
  });
  const total = count(todo.sql, todo.values);
  yield {
    kind: 'plan',
    images: chosen.size,
    done: chosen.size - total,
    todo: total,
    captioner: captioner.id,
    out,
  };
  if (total === 0) {
    if (unfinished !== undefined) finishJob(catalog, unfinished); // it was killed after its last batch
    yield { kind: 'done', added: 0, ...standing(), out, stopped: false };
    return;
  }
  const job = startJob(catalog, 'caption', details, { recipe });

  const more = { sql: `${isChosen} AND ${todo.sql}`, values: todo.values };
  const loaded = loadEach(selectSamples(catalog, { more }), { maxSide: captioner.resolution });
  const captioned = mapAny(
    untilStopped(batches(loaded, options.batch ?? captioner.batch), signal),
    options.concurrency ?? captioner.concurrency ?? 1,
    async ({ pictures, failures }): Promise<CaptionedBatch & Pick<Batch, 'pictures'>> => {
      const captioned = await captionBatch(captioner, pictures, request, out);
      return { pictures, rows: captioned.rows, failures: [...failures, ...captioned.failures] };
    },
  );
  const write = (finished: (CaptionedBatch & Pick<Batch, 'pictures'>)[]) =>
    db.transaction(() => {
      const failed = finished.flatMap(({ failures }) => failures);
      for (const failure of failed) {
        const image = db.get<{ id: number }>('SELECT id FROM images WHERE key = ?', failure.key)?.id;
        addFailure(catalog, failure, { job, recipe, image });
      }
      const written = finished.flatMap(({ pictures, rows }) => {
        const ids = new Map(pictures.map(({ sample }) => [sample.key, (sample as CatalogSample).id]));
        return rows.filter(({ key, caption: text, kind, score }) => {
          const caption = { image: ids.get(key)!, kind, text, author: captioner.id, score };
          return addCaption(catalog, caption, { job, recipe, again: overwrite !== 'never' });
        });
      });
      return { written, failed };
    });

  const now = options.now ?? (() => performance.now());
  const started = now();
  let [added, failed] = [0, 0];
  for await (const finished of captioned) {
    const result = write(finished);
    added += result.written.length;
    failed += result.failed.length;
    for (const row of result.written) yield { kind: 'item', row };
    for (const failure of result.failed) yield { kind: 'failure', failure };
    const done = added + failed;
    const imagesPerSecond = (1000 * done) / Math.max(1, now() - started);
    const secondsLeft = Math.max(0, total - done) / imagesPerSecond;
    yield { kind: 'progress', done, total, failed, imagesPerSecond, secondsLeft };
  }
  const stopped = signal?.aborted === true && count(todo.sql, todo.values) > 0;
  if (!stopped) finishJob(catalog, job);
  yield { kind: 'done', added, ...standing(), out, stopped };
}

interface Batch {
  pictures: LoadedSample[];
  failures: Failure[];
}

/** Pictures, and failures met on the way, after which a batch is handed on even if it is not full: they are to be seen and saved. */
const MOST_FAILURES = 256;

async function* batches(loaded: AsyncIterable<LoadedSample | Failure>, size: number): AsyncGenerator<Batch> {
  let batch: Batch = { pictures: [], failures: [] };
  for await (const one of loaded) {
    if ('code' in one) batch.failures.push(one);
    else batch.pictures.push(one);
    if (batch.pictures.length < size && batch.failures.length < MOST_FAILURES) continue;
    yield batch;
    batch = { pictures: [], failures: [] };
  }
  if (batch.pictures.length + batch.failures.length > 0) yield batch;
}

/** What this recipe wrote was refused since, by a rule of hygiene. */
const REFUSED = `EXISTS (SELECT 1 FROM captions WHERE image = images.id AND recipe = ? AND state = ${STATE.current} AND words = 0)`;
const DONE = `(EXISTS (SELECT 1 FROM captions WHERE image = images.id AND recipe = ? AND state < ${STATE.withdrawn}) AND NOT ${REFUSED})`;
const FAILED = `(EXISTS (SELECT 1 FROM failures WHERE image = images.id AND recipe = ?) OR ${REFUSED})`;

/** The pictures that a job has to look at, as a condition. */
function stillToDo(overwrite: Overwrite, recipe: number, job = 0): { sql: string; values: number[] } {
  if (overwrite === 'never') return { sql: `NOT ${DONE} AND NOT ${FAILED}`, values: Array(4).fill(recipe) };
  const thisJob = 'EXISTS (SELECT 1 FROM captions WHERE image = images.id AND recipe = ? AND job = ?)';
  if (overwrite === 'failed') return { sql: FAILED, values: [recipe, recipe] };
  return { sql: `NOT ${thisJob}`, values: [recipe, job] };
}
