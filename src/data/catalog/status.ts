/** What a workspace holds, in numbers. */
import type { CaptionKind, Failure } from '../sample.ts';
import { type Catalog, STATE } from './catalog.ts';
import { type JobRow, listJobs } from './jobs.ts';

export interface Status {
  images: number;
  /** Of the encoded files. */
  bytes: number;
  /** Places beyond each picture's first: the same file once more. */
  copies: number;
  /** Pictures that look the same as an earlier one. */
  twins: number;
  kinds: { kind: CaptionKind; captions: number; images: number; words: number }[];
  failures: { code: string; count: number }[];
  /** The last of them. */
  jobs: JobRow[];
}

export function statusOf(catalog: Catalog): Status {
  const { db } = catalog;
  const { images, bytes, twins } = db.get<{ images: number; bytes: number; twins: number }>(
    'SELECT count(*) AS images, coalesce(sum(bytes), 0) AS bytes, count(twin) AS twins FROM images',
  )!;
  const { places } = db.get<{ places: number }>('SELECT count(*) AS places FROM places')!;
  const kinds = db.all<Status['kinds'][number]>(
    `SELECT kind, count(*) AS captions, count(DISTINCT image) AS images, avg(words) AS words
     FROM captions WHERE state = ${STATE.current} AND words > 0 GROUP BY kind`,
  );
  const failures = db.all<Status['failures'][number]>(
    'SELECT code, count(*) AS count FROM failures GROUP BY code ORDER BY count DESC, code',
  );
  return { images, bytes, copies: places - images, twins, kinds, failures, jobs: listJobs(catalog) };
}

/** What could not be imported or captioned, the last first. */
export function listFailures({ db }: Catalog, limit = 100): (Failure & { job: number; time: number })[] {
  return db.all(
    'SELECT key, place, code, message, job, time FROM failures ORDER BY time DESC, place LIMIT ?',
    limit,
  );
}
