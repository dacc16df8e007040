/** Mends the captions of a workspace by the rules of hygiene, as new rows: what there was stays in the history. */
import {
  addDerived,
  addFailure,
  type Catalog,
  finishJob,
  type Selection,
  STATE,
  select,
  startJob,
  turnOf,
  unfinishedJob,
} from '../data/catalog/index.ts';
import type { CaptionKind } from '../data/sample.ts';
import { RecaptionError } from '../errors.ts';
import {
  answerKey,
  type Cleaned,
  cleanCaption,
  type HygieneOptions,
  RULE_NAMES,
  repeatedAnswers,
} from '../text/hygiene/index.ts';

/** The rule that no caption breaks alone: the same answer on suspiciously many pictures. */
const REPEATED = 'repeated-answer';

export interface CleanOptions extends HygieneOptions {
  catalog: Catalog;
  /** Names of the rules to apply; default: all. */
  rules?: readonly string[];
  /** Kinds of captions to mend; default: whatever captioners wrote, and nothing that came with the pictures. */
  kinds?: readonly CaptionKind[];
  /** Only the pictures that this query finds. */
  where?: string;
  /** Only tell what would be done. */
  dryRun?: boolean;
  signal?: AbortSignal;
}

/** What cleaning tells while it runs; plain data. */
export type CleanEvent =
  | { kind: 'progress'; done: number; total: number; captionsPerSecond: number; secondsLeft: number }
  | { kind: 'change'; key: string; captionKind: CaptionKind; rules: string[]; before: string; after?: string }
  | {
      kind: 'done';
      /** Undefined where nothing was written. */
      job?: number;
      captions: number;
      changed: number;
      /** Of these, such as are no captions, and are out of use without another in their place. */
      refused: number;
      /** Captions that each rule changed or refused. */
      byRule: Record<string, number>;
      stopped: boolean;
    };

interface Row {
  id: number;
  image: number;
  key: string;
  captionKind: CaptionKind;
  text: string;
  recipe: number | null;
}

const IN_USE = `captions.state = ${STATE.current} AND words > 0`;
/** What an earlier cleaning refused counts among the answers still: one that was interrupted must not let the rest off. */
const IN_USE_OR_REFUSED = `(${IN_USE} OR captions.id IN (SELECT parent FROM captions AS refused WHERE derived = 1 AND words = 0 AND state = ${STATE.current}))`;

/** Rows in one transaction. */
const PAGE = 500;

/** @throws RecaptionError `unknown-rule`, `bad-query`, `workspace-busy`, `disk-full` */
export async function* cleanWorkspace(options: CleanOptions): AsyncGenerator<CleanEvent> {
  const { catalog, rules = RULE_NAMES, where } = options;
  const unknown = rules.find((rule) => !RULE_NAMES.includes(rule));
  if (unknown !== undefined) {
    throw new RecaptionError('unknown-rule', `there is no rule "${unknown}"`, {
      hint: `Rules: ${RULE_NAMES.join(', ')}.`,
    });
  }
  const endTurn = turnOf(catalog, 'clean');
  try {
    const pictures = select(catalog, { where });
    try {
      yield* cleanSelected({ ...options, rules }, pictures);
    } finally {
      pictures.drop();
    }
  } finally {
    endTurn();
  }
}

async function* cleanSelected(
  {
    catalog,
    rules,
    kinds,
    where,
    dryRun = false,
    signal,
    countTokens,
    maxTokens,
  }: CleanOptions & { rules: readonly string[] },
  { table }: Selection,
): AsyncGenerator<CleanEvent> {
  const { db } = catalog;
  const ofKind = kinds ? `captions.kind IN (${kinds.map(() => '?').join()})` : 'captions.recipe IS NOT NULL';
  const fromThose = (that: string) => `FROM captions JOIN images ON images.id = image
    WHERE ${that} AND ${ofKind} AND image IN (SELECT id FROM ${table})`;
  const from = fromThose(IN_USE);
  const values = [...(kinds ?? [])];
  const { total, last } = db.get<{ total: number; last: number | null }>(
    `SELECT count(*) AS total, max(captions.id) AS last ${from}`,
    ...values,
  )!;
  const stuck = rules.includes(REPEATED)
    ? stuckAnswers(catalog, fromThose(IN_USE_OR_REFUSED), values)
    : new Map<string, Set<string>>();
  const clean = ({ text, captionKind }: Row): Cleaned => {
    const cleaned = cleanCaption(text, { rules, countTokens, maxTokens });
    if (!stuck.get(captionKind)?.has(answerKey(text))) return cleaned;
    return { text: undefined, rules: [...cleaned.rules, REPEATED] };
  };

  const details = { rules: [...rules], kinds, where, maxTokens };
  const stale = unfinishedJob(catalog, 'clean', details);
  if (stale !== undefined && !dryRun) finishJob(catalog, stale); // what it did stands; this one does the rest
  const job = dryRun || total === 0 ? undefined : startJob(catalog, 'clean', details);
  const tally = { captions: 0, changed: 0, refused: 0, byRule: {} as Record<string, number> };
  const started = performance.now();
  for (let after = 0; ; ) {
    const page = db.all<Row>(
      `SELECT captions.id, image, images.key, captions.kind AS captionKind, text, captions.recipe ${from}
       AND captions.id > ? AND captions.id <= ? ORDER BY captions.id LIMIT ${PAGE}`,
      ...values,
      after,
      last ?? 0,
    );
    if (page.length === 0 || signal?.aborted) break;
    after = page.at(-1)!.id;
    const changes = page.map((row) => ({ row, ...clean(row) })).filter(({ rules }) => rules.length > 0);
    if (job !== undefined)
      db.transaction(() => {
        for (const { row, text, rules } of changes) write(catalog, row, text, rules, job);
      });
    tally.captions += page.length;
    tally.changed += changes.length;
    for (const { row, text, rules } of changes) {
      tally.refused += Number(text === undefined);
      for (const rule of rules) tally.byRule[rule] = (tally.byRule[rule] ?? 0) + 1;
      const { key, captionKind, text: before } = row;
      yield { kind: 'change', key, captionKind, rules, before, ...(text !== undefined && { after: text }) };
    }
    const captionsPerSecond = tally.captions / ((performance.now() - started) / 1000);
    const secondsLeft = (total - tally.captions) / captionsPerSecond;
    yield { kind: 'progress', done: tally.captions, total, captionsPerSecond, secondsLeft };
    await new Promise(setImmediate); // Ctrl-C is heard between two pages
  }
  const stopped = signal?.aborted === true;
  if (job !== undefined && !stopped) finishJob(catalog, job);
  yield { kind: 'done', ...(job !== undefined && { job }), ...tally, stopped };
}

function write(catalog: Catalog, row: Row, text: string | undefined, rules: string[], job: number): void {
  const replaced = addDerived(catalog, row.id, text ?? '', { author: 'clean', job });
  if (!replaced || text !== undefined || row.recipe === null) return;
  // Listed, so that --overwrite failed asks the captioner once more.
  const place = catalog.db.get<{ path: string }>('SELECT path FROM places WHERE image = ?', row.image);
  const message = `the caption was refused by ${rules.at(-1)}: ${row.text.slice(0, 200)}`;
  const failure = { key: row.key, place: place?.path ?? row.key, code: 'caption-refused', message };
  addFailure(catalog, failure, { job, recipe: row.recipe, image: row.image });
}

/** By kind, the answers that suspiciously many pictures got. Counted in the database: there may be a million. */
function stuckAnswers({ db }: Catalog, from: string, values: (string | number)[]): Map<string, Set<string>> {
  const totals = db.all<{ kind: string; n: number }>(
    `SELECT captions.kind, count(DISTINCT image) AS n ${from} GROUP BY captions.kind`,
    ...values,
  );
  return new Map(
    totals.map(({ kind, n }) => {
      const counts = new Map<string, number>();
      const rows = db.iterate<{ text: string; images: number }>(
        `SELECT text, count(DISTINCT image) AS images ${from} AND captions.kind = ? GROUP BY text HAVING images > 1`,
        ...values,
        kind,
      );
      for (const { text, images } of rows) {
        const key = answerKey(text);
        counts.set(key, (counts.get(key) ?? 0) + images);
      }
      return [kind, repeatedAnswers(counts, n)];
    }),
  );
}
