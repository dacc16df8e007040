import type { Catalog } from './catalog.ts';
import { filterOf } from './query.ts';

export interface SelectOptions {
  /** Only the pictures that this query finds (`parseQuery`). */
  where?: string;
  /** The first so many of them. */
  limit?: number;
  /** Only pictures that lie somewhere: not those whose file was written over since. */
  placed?: boolean;
  /** A condition in SQL over `images` besides, for jobs. */
  more?: { sql: string; values: (string | number)[] };
}

export interface Selection {
  /** A table of this connection with one column, `id`: the pictures, by their number. */
  table: string;
  size: number;
  drop(): void;
}

const PLACED = 'images.id IN (SELECT image FROM places)';

let selections = 0;

/**
 * Finds pictures and keeps their numbers. A query is answered once, however long its pictures are worked on: of a million, asking
 * again for every page would take longer than the work. @throws RecaptionError `bad-query`
 */
export function select({ db }: Catalog, { where, limit, placed, more }: SelectOptions = {}): Selection {
  const filter = filterOf(where);
  const table = `selection_${++selections}`;
  db.exec(`CREATE TEMP TABLE ${table} (id INTEGER PRIMARY KEY)`);
  const size = db.run(
    `INSERT INTO ${table} SELECT id FROM images WHERE ${placed ? PLACED : 1} AND ${more?.sql ?? 1} AND ${filter.sql} ORDER BY id LIMIT ?`,
    ...(more?.values ?? []),
    ...filter.values,
    limit ?? -1,
  );
  return { table, size, drop: () => db.exec(`DROP TABLE ${table}`) };
}
