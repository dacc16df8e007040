/** Workspaces for tests. */
import { createHash } from 'node:crypto';
import { addImages, type Catalog, openCatalog, startJob } from '../../src/data/catalog/index.ts';
import type { Caption, CaptionKind } from '../../src/data/sample.ts';

/** A caption that came with its picture. */
export const original = (text: string, kind: CaptionKind = 'alt'): Caption => ({
  text,
  kind,
  source: 'file',
});

/** A workspace in `folder` whose pictures are only names, with these captions by key. */
export async function workspaceOf(folder: string, pictures: Record<string, Caption[]>): Promise<Catalog> {
  const catalog = await openCatalog(folder, { create: true });
  const job = startJob(catalog, 'import', { sources: ['/photos'] });
  addPictures(catalog, pictures, job);
  return catalog;
}

export function addPictures(catalog: Catalog, pictures: Record<string, Caption[]>, job = 1) {
  return addImages(
    catalog,
    Object.entries(pictures).map(([key, captions], i) => ({
      key,
      hash: createHash('sha256').update(key).digest(),
      bytes: 1000 * (i + 1),
      width: 640,
      height: 480,
      format: 'jpeg',
      place: { path: `/photos/${key}.jpg`, modified: 1 },
      captions,
    })),
    { job, now: Date.UTC(2026, 10, 26) },
  );
}

/** The keys that a query finds. */
export const keysWhere = (catalog: Catalog, sql: string, values: (string | number)[]): string[] =>
  catalog.db
    .all<{ key: string }>(`SELECT key FROM images WHERE ${sql} ORDER BY id`, ...values)
    .map(({ key }) => key);

/** SQLite's own check of the whole file. */
export const integrity = ({ db }: Catalog): string =>
  db.get<{ integrity_check: string }>('PRAGMA integrity_check')!.integrity_check;
