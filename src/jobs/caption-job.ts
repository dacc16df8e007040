/** Captions a whole collection so that nothing is done twice and nothing is lost, whenever it is killed. */
import { mkdir } from 'node:fs/promises';
import { dirname, isAbsolute, relative, sep } from 'node:path';
import type { Captioner, CaptionRequest, CaptionResult, PictureContext } from '../captioners/captioner.ts';
import { failureList, loadImages, mapAny, writeFailures } from '../data/index.ts';
import { isInside } from '../data/paths.ts';
import { regionsOf, relationsOf } from '../data/regions.ts';
import type { Dataset, Failure, OnFailure, Sample } from '../data/sample.ts';
import { exists, writeError } from '../files.ts';
import type { Image } from '../image/image.ts';
import { tryLock } from '../lock.ts';
import {
  type OutputFiles,
  type OutputFormat,
  outputFiles,
  publish,
  refuseOtherOutput,
} from './caption-output.ts';
import { type CaptionRow, openJournal, type Recipe, readRows } from './journal.ts';

export interface CaptionJobOptions {
  /** Opens the collection; called once for each pass over it, and gives the same order each time. */
  open(onFailure: OnFailure): Dataset | Promise<Dataset>;
  /** Names the collection: the work of one source is never continued on another. */
  source: string;
  captioner: Captioner;
  request?: CaptionRequest;
  /** A file for `jsonl`, otherwise a folder. */
  out: string;
  format?: OutputFormat;
  /** Pictures per call of the captioner; default: as many as it captions at once. */
  batch?: number;
  /** Batches that the captioner has in hand at once; default: as many as it likes. */
  concurrency?: number;
  /** Only the first so many pictures of the collection. */
  limit?: number;
  /** Aborted: finish the current batch, keep the journal, end with `done` and `stopped: true`. */
  signal?: AbortSignal;
  /** Milliseconds. */
  now?: () => number;
}

/** What a captioning job tells while it runs; plain data. */
export type CaptionJobEvent =
  | { kind: 'plan'; images: number; done: number; todo: number; captioner: string; out: string }
  | { kind: 'item'; row: CaptionRow }
  | { kind: 'failure'; failure: Failure }
  | {
      kind: 'progress';
      done: number;
      total: number;
      failed: number;
      imagesPerSecond: number;
      secondsLeft: number;
    }
  | {
      kind: 'done';
      /** Pictures of the collection that have a caption now. */
      captioned: number;
      /** Of these, in this run. */
      added: number;
      failed: number;
      out: string;
      /** The list of failures, where there are any. */
      failures?: string;
      stopped: boolean;
    };

/**
 * Captions every picture of a collection once. Each finished picture is a line of the journal (`<out>.partial.jsonl`); when
 * all are done they are written to `out` in the collection's order, where there is any caption. Run again, the job goes on where it was; run on a
 * finished output, it captions what is new in the collection, which may be nothing.
 * @throws RecaptionError `journal-mismatch`, `output-mismatch`, `output-exists`, `disk-full`, and whatever the
 * captioner or an unreadable source throws; the journal stays.
 */
export async function* captionCollection(options: CaptionJobOptions): AsyncGenerator<CaptionJobEvent> {
  const { captioner, out, source, request = {} } = options;
  const recipe: Recipe = { source, captioner: captioner.id, kind: captioner.kind, request };
  const files = outputFiles(out, options.format ?? 'jsonl');
  await refuseOtherOutput(files, recipe);

  const failures = failureList();
  const open = async () => options.open(failures.add);
  const keys = await listKeys(await open(), options.limit);

  const unfinished = await exists(files.journal);
  const complete = !unfinished && (await isComplete(files, keys));
  const plan = { images: keys.size, captioner: captioner.id, out };
  if (complete) {
    // Of a run that was killed after its last write, the lock alone may be left.
    const lock = tryLock(files.journal);
    if (lock.taken) lock.release();
    yield { kind: 'plan', ...plan, done: keys.size, todo: 0 };
    yield* failures.news().map(failureEvent);
    yield {
      kind: 'done',
      captioned: keys.size,
      added: 0,
      ...(await listed(files, failures.all())),
      stopped: false,
    };
    return;
  }

  await mkdir(dirname(out), { recursive: true }).catch((error) => {
    throw writeError(out, error);
  });
  const journal = await openJournal(files.journal, recipe, files.rows);
  try {
    const todo = new Set([...keys].filter((key) => !journal.has(key)));
    yield { kind: 'plan', ...plan, done: keys.size - todo.size, todo: todo.size };
    yield* failures.news().map(failureEvent);

    const total = todo.size;
    const before = failures.all().length;
    const now = options.now ?? (() => performance.now());
    const started = now();
    let added = 0;
    const images = loadImages(pending(await open(), todo), {
      maxSide: captioner.resolution,
      onFailure: failures.add,
    });
    const batchesDone = mapAny(
      untilStopped(batches(images, options.batch ?? captioner.batch), options.signal),
      options.concurrency ?? captioner.concurrency ?? 1,
      (batch) => captionBatch(captioner, batch, request, dirname(out)),
    );
    for await (const finished of batchesDone) {
      const rows = finished.flatMap((one) => one.rows);
      for (const failure of finished.flatMap((one) => one.failures)) failures.add(failure);
      await journal.append(rows);
      added += rows.length;
      for (const row of rows) yield { kind: 'item', row };
      yield* failures.news().map(failureEvent);
      const failed = failures.all().length;
      const passed = added + failed - before;
      const imagesPerSecond = (1000 * passed) / Math.max(1, now() - started);
      const secondsLeft = Math.max(0, total - passed) / imagesPerSecond;
      yield { kind: 'progress', done: passed, total, failed, imagesPerSecond, secondsLeft };
    }
    const stopped = options.signal?.aborted === true && added + failures.all().length - before < total;
    yield* failures.news().map(failureEvent);

    if (!stopped) {
      // Where nothing came of it, nothing is left that would bind the next try to this captioner.
      if (journal.size() > 0 || failures.all().length === 0)
        await publish(files, journal, { keys, recipe, dataset: await open(), onFailure: failures.add });
      await journal.remove();
    }
    const captioned = [...keys].filter((key) => journal.has(key)).length;
    yield { kind: 'done', captioned, added, ...(await listed(files, failures.all())), stopped };
  } finally {
    await journal.close();
  }
}

/** The keys in the collection's order, without reading a pixel: gives the total, and the order of the final file. */
async function listKeys(dataset: Dataset, limit = Number.POSITIVE_INFINITY): Promise<Set<string>> {
  const keys = new Set<string>();
  for await (const { key } of dataset) {
    if (keys.size >= limit) break;
    keys.add(key);
  }
  return keys;
}

async function isComplete(files: OutputFiles, keys: Set<string>): Promise<boolean> {
  if (!(await exists(files.out)) || !(await exists(files.rows))) return false;
  const missing = new Set(keys);
  for await (const { key } of readRows(files.rows)) missing.delete(key);
  return missing.size === 0;
}

/** The samples still to do, each of them once. */
async function* pending(dataset: Dataset, todo: Set<string>): Dataset {
  for await (const sample of dataset) {
    if (todo.size === 0) return;
    if (todo.delete(sample.key)) yield sample;
  }
}

/** What a batch came to. */
export interface CaptionedBatch {
  rows: CaptionRow[];
  /** Pictures without a caption, and why. */
  failures: Failure[];
}

/** Captions a batch. @param folder that the names of pictures are relative to */
export async function captionBatch(
  captioner: Captioner,
  batch: readonly Loaded[],
  request: CaptionRequest,
  folder: string,
): Promise<CaptionedBatch> {
  if (batch.length === 0) return { rows: [], failures: [] };
  const contexts = batch.map(
    ({ sample }): PictureContext => ({
      name: sample.image.name,
      captions: sample.captions,
      tags: tagsOf(sample),
      regions: regionsOf(sample.meta),
      relations: relationsOf(sample.meta),
    }),
  );
  const results = await captioner.caption(batch.map(({ image }) => image), request, contexts); // biome-ignore format: one line
  const all = batch.map(({ sample }, i) => toRow(sample, results[i], captioner, folder));
  return {
    rows: all.filter(({ caption }) => caption !== ''),
    failures: all.flatMap((row, i) => (row.caption === '' ? [emptyCaption(row, results[i])] : [])),
  };
}

/** `meta.tags`, as lists or with commas. */
function tagsOf({ meta }: Sample): string[] | undefined {
  const tags = meta?.tags;
  if (Array.isArray(tags)) return tags.filter((tag) => typeof tag === 'string');
  return typeof tags === 'string' ? tags.split(',').map((tag) => tag.trim()) : undefined;
}

/** Ends where somebody stops it; what is under way is finished. */
export async function* untilStopped<T>(items: AsyncIterable<T>, signal?: AbortSignal): AsyncGenerator<T> {
  for await (const item of items) {
    if (signal?.aborted) return;
    yield item;
  }
}

interface Loaded {
  sample: Sample;
  image: Image;
}

/** Pictures in batches of `size`; the last may be smaller. */
export async function* batches(images: AsyncIterable<Loaded>, size: number): AsyncGenerator<Loaded[]> {
  let batch: Loaded[] = [];
  for await (const loaded of images) {
    batch.push(loaded);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** What a captioner said of a picture, as a row. */
function toRow({ key, image }: Sample, result: CaptionResult, by: Captioner, folder: string): CaptionRow {
  const { text, score, explanation } = result;
  return {
    key,
    image: nameFrom(folder, image.name),
    caption: text.trim(),
    kind: by.kind,
    captioner: by.id,
    ...(score !== undefined && { score }),
    ...(explanation && { explanation }),
  };
}

/** Relative to the output where the picture lies below it: then the output is a collection that can be moved and read. */
function nameFrom(folder: string, name: string): string {
  if (!isAbsolute(name) || !isInside(folder, name)) return name;
  return relative(folder, name).replaceAll(sep, '/');
}

/** The failure that a caption without words is. */
function emptyCaption({ key, image }: CaptionRow, { failure }: CaptionResult): Failure {
  if (failure) return { key, place: image, ...failure };
  return {
    key,
    place: image,
    code: 'empty-caption',
    message: 'the captioner found no words for this picture',
  };
}

function failureEvent(failure: Failure): CaptionJobEvent {
  return { kind: 'failure', failure };
}

/** Leaves the list of failures beside the output, and says where. */
async function listed(files: OutputFiles, failures: readonly Failure[]) {
  await writeFailures(files.failures, files.out, failures);
  return {
    failed: failures.length,
    out: files.out,
    ...(failures.length > 0 && { failures: files.failures }),
  };
}
