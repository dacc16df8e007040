/** Brings collections into the catalog. Pictures stay where they are. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ImageSource } from '../../image/image.ts';
import { likenessOf, measureImage } from '../../image/index.ts';
import { mapAhead } from '../ahead.ts';
import { asFailure, type ReadOptions } from '../dataset.ts';
import { failureList } from '../failures.ts';
import { openDataset } from '../open.ts';
import type { Failure, Sample } from '../sample.ts';
import { imageFile, placeFile } from '../writers/target.ts';
import { addFailure } from './captions.ts';
import type { Catalog } from './catalog.ts';
import { addImages, imageAtPlace, type NewImage, type Place, splitMember } from './images.ts';
import { finishJob, startJob } from './jobs.ts';
import { findTwins } from './twins.ts';

export interface ImportOptions extends Pick<ReadOptions, 'images'> {
  /** What the captions found are, where the source does not say: by default what stood beside pictures of the web. */
  kind?: ReadOptions['kind'];
  /** Look at the pixels, to find pictures that are broken or look the same as others. */
  look?: boolean;
  signal?: AbortSignal;
}

/** What an import tells while it runs; plain data. */
export type ImportEvent =
  | { kind: 'progress'; source: string; seen: number; added: number; failed: number; imagesPerSecond: number }
  | { kind: 'failure'; failure: Failure }
  | {
      kind: 'done';
      job: number;
      /** Pictures met; of them new in the workspace; copies of others, byte by byte; unreadable. */
      seen: number;
      added: number;
      copies: number;
      failed: number;
      captions: number;
      /** New pictures that look the same as an earlier one; undefined when nobody looked. */
      twins?: number;
      stopped: boolean;
    };

/** Pictures looked at while others are waited for, and pictures in one transaction. */
const AHEAD = 16;
const BATCH = 256;

/**
 * Adds collections to a workspace: only what is new, whenever it is called again. A picture is known by its content: the same file in
 * two places is one picture with two places. Bad samples are told and listed in the catalog, and tried again by the next import.
 * @throws RecaptionError those of `openDataset` for a source that cannot be read at all
 */
export async function* importSources(
  catalog: Catalog,
  sources: readonly string[],
  { kind = 'alt', images, look = true, signal }: ImportOptions = {},
): AsyncGenerator<ImportEvent> {
  const { db } = catalog;
  const places = sources.map((source) => resolve(source));
  const failures = failureList();
  const datasets = [];
  for (const place of places)
    datasets.push(await openDataset(place, { kind, images, onFailure: failures.add }));
  const job = startJob(catalog, 'import', { sources: places });
  const done = { seen: 0, added: 0, copies: 0, captions: 0 };
  const started = performance.now();
  let stopped = false;
  let batch: NewImage[] = [];
  const flush = () => {
    const { images, captions, copies } = addImages(catalog, batch, { job });
    done.added += images;
    done.captions += captions;
    done.copies += copies;
    batch = [];
    const news = failures.news();
    if (news.length > 0)
      db.transaction(() => {
        for (const failure of news) addFailure(catalog, failure, { job });
      });
    return news.map((failure) => ({ kind: 'failure', failure }) as const);
  };
  for (const [i, dataset] of datasets.entries()) {
    const archives = new Map<string, Promise<number>>();
    const describe = (sample: Sample) => describeImage(catalog, sample, { look, archives });
    for await (const found of mapAhead(dataset, AHEAD, describe)) {
      stopped = signal?.aborted === true;
      if (stopped) break;
      done.seen++;
      if ('code' in found) failures.add(found);
      else batch.push(found);
      if (batch.length < BATCH && done.seen % BATCH > 0) continue;
      yield* flush();
      yield {
        kind: 'progress',
        source: places[i],
        seen: done.seen,
        added: done.added,
        failed: failures.all().length,
        imagesPerSecond: done.seen / ((performance.now() - started) / 1000),
      };
    }
    yield* flush();
    if (stopped) break;
  }
  const twins = look ? findTwins(catalog) : undefined;
  if (!stopped) {
    forgetMended(catalog, job, failures.all());
    finishJob(catalog, job);
  }
  yield { kind: 'done', job, ...done, failed: failures.all().length, ...(look && { twins }), stopped };
}

/** A sample as the catalog keeps it, or why it cannot be. A picture known from its place is not read again. */
async function describeImage(
  catalog: Catalog,
  sample: Sample,
  { look, archives }: { look: boolean; archives: Map<string, Promise<number>> },
): Promise<NewImage | Failure> {
  const { key, image, captions, meta } = sample;
  try {
    const place = await placeOf(catalog, sample, archives);
    const known = imageAtPlace(catalog, place);
    if (known !== undefined && (known.looked > 0 || !look))
      return { key, place, captions, hash: known.hash, bytes: known.bytes };
    const bytes = await image.bytes();
    return {
      key,
      hash: createHash('sha256').update(bytes).digest(),
      bytes: bytes.length,
      ...(await measureImage(bytes)),
      ...(look && { looked: true, likeness: await likenessOf(bytes) }),
      ...(meta && { meta }),
      place,
      captions,
    };
  } catch (error) {
    return asFailure(error, key, image.name, 'image-unreadable');
  }
}

/** Where a picture will be found again. One that is neither a file nor a plain member of an archive is kept in the workspace. */
async function placeOf(
  { folder }: Catalog,
  sample: Sample,
  archives: Map<string, Promise<number>>,
): Promise<Place> {
  const { path, name, start }: ImageSource = sample.image;
  if (path !== undefined) return { path, ...(await stateOf(path)) };
  if (start !== undefined) {
    const [archive] = splitMember(name);
    const state = archives.get(archive) ?? stateOf(archive).then(({ modified }) => modified);
    archives.set(archive, state);
    return { path: resolve(name), start, modified: await state };
  }
  const file = await imageFile(sample, undefined);
  if (file === undefined) return { path: name, modified: 0 }; // reading it once more says what is wrong
  const hash = createHash('sha256').update(file.bytes).digest('hex');
  const kept = join('images', `${hash}.${file.extension}`); // below the workspace, and moves with it
  await placeFile(join(folder, kept), file.bytes);
  return { path: kept, ...(await stateOf(join(folder, kept))) };
}

const stateOf = async (path: string): Promise<{ modified: number; size: number }> => {
  const { mtimeMs, size } = await stat(path).catch(() => ({ mtimeMs: 0, size: 0 })); // who reads it will say that it is not there
  return { modified: Math.trunc(mtimeMs), size };
};

/** Failures of earlier imports of the same sources that did not come again. */
function forgetMended({ db }: Catalog, job: number, failures: readonly Failure[]): void {
  const { details } = db.get<{ details: string }>('SELECT details FROM jobs WHERE id = ?', job)!;
  const again = new Set(failures.map(({ place }) => place));
  const before = db.all<{ place: string }>(
    'SELECT place FROM failures JOIN jobs ON jobs.id = job WHERE failures.recipe = 0 AND details = ?',
    details,
  );
  for (const { place } of before)
    if (!again.has(place)) db.run('DELETE FROM failures WHERE place = ? AND recipe = 0', place);
}
