/** SQLite as the catalog uses it: statements are prepared once, transactions nest in functions. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

export type Value = SQLInputValue;

export interface Database {
  /** The first row, or undefined. */
  get<Row>(sql: string, ...values: Value[]): Row | undefined;
  all<Row>(sql: string, ...values: Value[]): Row[];
  /** Rows one after the other, without holding them all. Write nothing to what is being read. */
  iterate<Row>(sql: string, ...values: Value[]): IterableIterator<Row>;
  /** @returns the number of rows that changed */
  run(sql: string, ...values: Value[]): number;
  /** Statements without results, separated by semicolons. */
  exec(sql: string): void;
  /** All of it or, when it throws or the process dies, nothing. */
  transaction<T>(work: () => T): T;
  close(): void;
}

/** Milliseconds to wait for another process that writes. */
const PATIENCE = 30_000;
/** KiB of pages in memory for writing; reading maps up to so many bytes of the file, which the system keeps as long as it has room. */
const CACHE = 65_536;
const MAPPED = 2 ** 33;

export function openDatabase(path: string): Database {
  const db = new DatabaseSync(path, { timeout: PATIENCE });
  // WAL: readers and one writer at once, and a killed process leaves nothing half-written. It goes over into the file every 128 MB:
  // an import touches the same pages again and again.
  db.exec(`PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;
    PRAGMA wal_autocheckpoint = 16384; PRAGMA cache_size = -${CACHE}; PRAGMA mmap_size = ${MAPPED}; PRAGMA temp_store = MEMORY`);
  db.function('fold', { deterministic: true }, (text) => `${text ?? ''}`.toLowerCase());
  const prepared = new Map<string, StatementSync>();
  const statement = (sql: string): StatementSync => {
    const known = prepared.get(sql);
    if (known !== undefined) return known;
    const fresh = db.prepare(sql);
    prepared.set(sql, fresh);
    return fresh;
  };
  return {
    get: <Row>(sql: string, ...values: Value[]) => statement(sql).get(...values) as Row | undefined,
    all: <Row>(sql: string, ...values: Value[]) => statement(sql).all(...values) as Row[],
    iterate: <Row>(sql: string, ...values: Value[]) =>
      db.prepare(sql).iterate(...values) as unknown as IterableIterator<Row>, // of its own: two loops may run at once
    run: (sql, ...values) => Number(statement(sql).run(...values).changes),
    exec: (sql) => db.exec(sql),
    transaction(work) {
      db.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        db.exec('COMMIT');
        return result;
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK'); // SQLite itself has, when the disk is full
        throw error;
      }
    },
    close: () => db.close(),
  };
}
