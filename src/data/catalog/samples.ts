/** The pictures of a workspace as a collection like any other. */
import type { Caption, CaptionKind, Dataset, Sample } from '../sample.ts';
import { type Catalog, openCatalog, STATE } from './catalog.ts';
import { type KnownPlace, openPlaces } from './images.ts';
import { filterOf } from './query.ts';
import { type Selection, type SelectOptions, select } from './selection.ts';

export interface CatalogSample extends Sample {
  /** The picture's number in the catalog. */
  id: number;
}

/** Rows read at a time: between two pages others may write captions, and what they write is seen. */
const PAGE = 500;

/**
 * The pictures of a catalog with their current captions, in the order in which they came.
 * @throws RecaptionError `bad-query`
 */
export async function* selectSamples(
  catalog: Catalog,
  options: SelectOptions = {},
): AsyncGenerator<CatalogSample> {
  const selection = select(catalog, options);
  try {
    yield* samplesOf(catalog, selection);
  } finally {
    selection.drop();
  }
}

/** The pictures that were selected, the first `limit` of them. */
export async function* samplesOf(
  catalog: Catalog,
  { table }: Selection,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<CatalogSample> {
  for (let last = 0, left = limit; left > 0; ) {
    const rows = [
      ...catalog.db.iterate<ImageRow>(
        `SELECT id, key, hash, bytes, meta FROM ${table} JOIN images USING (id) WHERE id > ? ORDER BY id LIMIT ?`,
        last,
        Math.min(PAGE, left),
      ),
    ];
    if (rows.length === 0) return;
    for (const row of rows) yield await toSample(catalog, row);
    last = rows.at(-1)!.id;
    left -= rows.length;
  }
}

interface ImageRow {
  id: number;
  key: string;
  hash: Uint8Array;
  bytes: number;
  meta: string | null;
}

async function toSample(
  { db, folder }: Catalog,
  { id, key, hash, bytes, meta }: ImageRow,
): Promise<CatalogSample> {
  const places = db.all<KnownPlace>(
    'SELECT path, start, modified FROM places WHERE image = ? ORDER BY path',
    id,
  );
  const captions = db.all<{ text: string; kind: CaptionKind; author: string; recipe: number | null }>(
    `SELECT text, kind, author, recipe FROM captions WHERE image = ? AND state = ${STATE.current} AND words > 0 ORDER BY id`,
    id,
  );
  return {
    id,
    key,
    image: await openPlaces(key, places, { folder, hash, bytes }),
    captions: captions.map(
      ({ text, kind, author, recipe }): Caption => ({
        text,
        kind,
        source: author,
        ...(recipe !== null && { synthetic: true }),
      }),
    ),
    ...(meta !== null && { meta: JSON.parse(meta) }),
  };
}

/** A workspace as `openDataset` gives it: opened anew for each pass. @throws RecaptionError those of `openCatalog` */
export async function readWorkspace(
  folder: string,
  { where }: Pick<SelectOptions, 'where'> = {},
): Promise<Dataset> {
  filterOf(where); // a query that cannot be read is told at once
  (await openCatalog(folder)).close();
  return {
    async *[Symbol.asyncIterator]() {
      const catalog = await openCatalog(folder);
      try {
        yield* selectSamples(catalog, { where, placed: true });
      } finally {
        catalog.close();
      }
    },
  };
}
