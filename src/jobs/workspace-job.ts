/** Captions the pictures of a workspace: each picture once by each recipe, whenever the job is killed. */
import { join } from 'node:path';
import type { Captioner, CaptionRequest, CaptionResult } from '../captioners/captioner.ts';
import {
  addCaption,
  addFailure,
  type Catalog,
  type CatalogSample,
  filterOf,
  finishJob,
  recipeOf,
  STATE,
  selectSamples,
  startJob,
  unfinishedJob,
} from '../data/catalog/index.ts';
import { failureList, type LoadedSample, loadImages, mapAhead } from '../data/index.ts';
import { RecaptionError } from '../errors.ts';
import { ownerInWords, tryLock } from '../lock.ts';
import { batches, type CaptionJobEvent, emptyCaption, toRow } from './caption-job.ts';

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
  /** Batches that the captioner has in hand at once: for one that waits for a server. */
  concurrency?: number;
  batch?: number;
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
  const { catalog, captioner, request = {}, where, overwrite = 'never', limit, signal } = options;
  const { db, folder } = catalog;
  const recipe = recipeOf(catalog, { captioner: captioner.id, kind: captioner.kind, request });
  const lock = tryLock(join(folder, `recipe-${recipe.hash}`));
  if (!lock.taken) {
    throw new RecaptionError(
      'workspace-busy',
      `${ownerInWords(lock.owner)} is captioning these pictures so`,
      {
        place: folder,
        hint: `Wait for it to end. If no such program runs, delete recipe-${recipe.hash}.lock there.`,
      },
    );
  }
  try {
    const wanted = filterOf(where);
    const details = { where, overwrite, limit };
    const left = stillToDo(overwrite, recipe.id, unfinishedJob(catalog, 'caption', details, recipe.id));
    const count = (sql: string, values: (string | number)[]) =>
      db.get<{ n: number }>(`SELECT count(*) AS n FROM images WHERE ${sql}`, ...values)!.n;
    const images = count(wanted.sql, wanted.values);
    const open = count(`${left.sql} AND ${wanted.sql}`, [...left.values, ...wanted.values]);
    const total = Math.min(open, limit ?? open);
    const about = { captioner: captioner.id, out: folder };
    yield { kind: 'plan', images, done: images - open, todo: total, ...about };
    const standing = () => ({
      captioned: count(`${wanted.sql} AND ${HAS}`, [...wanted.values, recipe.id]),
      failed: count(`${wanted.sql} AND ${FAILED}`, [...wanted.values, recipe.id]),
    });
    if (total === 0) {
      yield { kind: 'done', added: 0, ...standing(), out: folder, stopped: false };
      return;
    }
    const job = startJob(catalog, 'caption', details, { recipe: recipe.id });

    const failures = failureList();
    const now = options.now ?? (() => performance.now());
    const started = now();
    let added = 0;
    let stopped = false;
    const samples = selectSamples(catalog, { where, limit, more: left });
    const loaded = loadImages(samples, { maxSide: captioner.resolution, onFailure: failures.add });
    const captioned = mapAhead(
      batches(loaded, options.batch ?? captioner.batch),
      options.concurrency ?? 1,
      async (batch) => {
        if (signal?.aborted) return { batch: [], results: [] };
        const pictures = batch.map(({ image }) => image);
        return {
          batch: batch.map(({ sample }) => sample),
          results: await captioner.caption(pictures, request),
        };
      },
    );
    const write = (batch: LoadedSample['sample'][], results: CaptionResult[]) =>
      db.transaction(() => {
        const rows = [];
        for (const [i, sample] of batch.entries()) {
          const row = toRow(sample, results[i], captioner, folder);
          const { caption: text, kind, score } = row;
          if (text === '') failures.add(emptyCaption(row));
          else {
            const { id: image } = sample as CatalogSample;
            const written = { image, kind, text, author: captioner.id, score };
            if (addCaption(catalog, written, { job, recipe: recipe.id, again: overwrite !== 'never' }))
              rows.push(row);
          }
        }
        for (const failure of failures.news()) {
          const image = db.get<{ id: number }>('SELECT id FROM images WHERE key = ?', failure.key)?.id;
          addFailure(catalog, failure, { job, recipe: recipe.id, image });
        }
        return rows;
      });
    let told = 0;
    const tell = function* (): Generator<CaptionJobEvent> {
      for (; told < failures.all().length; told++) yield { kind: 'failure', failure: failures.all()[told] };
    };
    for await (const { batch, results } of captioned) {
      const rows = write(batch, results);
      added += rows.length;
      for (const row of rows) yield { kind: 'item', row };
      yield* tell();
      const failed = failures.all().length;
      const done = added + failed;
      const imagesPerSecond = (1000 * done) / Math.max(1, now() - started);
      const secondsLeft = Math.max(0, total - done) / imagesPerSecond;
      yield { kind: 'progress', done, total, failed, imagesPerSecond, secondsLeft };
      stopped = signal?.aborted === true;
      if (stopped) break;
    }
    write([], []);
    yield* tell();
    if (!stopped) finishJob(catalog, job);
    yield { kind: 'done', added, ...standing(), out: folder, stopped };
  } finally {
    lock.release();
  }
}

const HAS = `EXISTS (SELECT 1 FROM captions WHERE image = images.id AND recipe = ? AND state < ${STATE.withdrawn})`;
const FAILED = 'EXISTS (SELECT 1 FROM failures WHERE image = images.id AND recipe = ?)';

/** The pictures that a job has to look at, as a condition. */
function stillToDo(overwrite: Overwrite, recipe: number, job = 0): { sql: string; values: number[] } {
  if (overwrite === 'never') return { sql: `NOT ${HAS} AND NOT ${FAILED}`, values: [recipe, recipe] };
  if (overwrite === 'failed') return { sql: FAILED, values: [recipe] };
  return {
    sql: `NOT EXISTS (SELECT 1 FROM captions WHERE image = images.id AND recipe = ? AND job = ?)`,
    values: [recipe, job],
  };
}
