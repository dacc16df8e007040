/** What a query means: a condition over the catalog's tables. */
import { CAPTION_KINDS } from '../sample.ts';
import { type Catalog, STATE } from './catalog.ts';
import { badQuery, parseQuery, type Query, type Term } from './query-syntax.ts';

/** A condition in SQL over the table `images`, and the values of its question marks. */
export interface Filter {
  sql: string;
  values: (string | number)[];
}

interface Field {
  /** What it speaks of: a picture, or a current caption of it; `caption-row` has to read the caption itself, which no index holds. */
  of: 'image' | 'caption' | 'caption-row';
  filter(term: Term): Filter;
}

/** Numbers, compared; `10k` and `2M` are understood. */
const number =
  (column: string) =>
  ({ operator, value, valueColumn, field }: Term): Filter => {
    const [, digits, unit] = /^(-?\d+(?:\.\d+)?)([kMG]?)$/.exec(value) ?? [];
    if (digits === undefined)
      throw badQuery(`"${field}" is compared with a number, not with "${value}"`, valueColumn);
    const times = { '': 1, k: 1e3, M: 1e6, G: 1e9 }[unit as '' | 'k' | 'M' | 'G'];
    const sign = operator === ':' ? '=' : operator;
    return { sql: `${column} ${sign} ?`, values: [Number(digits) * times] };
  };

/** Days such as 2026-11-26, in the clock of Greenwich. */
const day =
  (column: string) =>
  ({ operator, value, valueColumn, field }: Term): Filter => {
    const start = /^\d{4}-\d{2}-\d{2}$/.test(value) ? Date.parse(`${value}T00:00:00Z`) : Number.NaN;
    if (Number.isNaN(start))
      throw badQuery(`"${field}" is compared with a day such as 2026-11-26`, valueColumn);
    const end = start + 86_400_000;
    if (operator === ':' || operator === '=')
      return { sql: `(${column} >= ? AND ${column} < ?)`, values: [start, end] };
    if (operator === '!=') return { sql: `NOT (${column} >= ? AND ${column} < ?)`, values: [start, end] };
    const later = operator === '>' || operator === '<=';
    return {
      sql: `${column} ${operator === '>' ? '>=' : operator === '<=' ? '<' : operator} ?`,
      values: [later ? end : start],
    };
  };

/** Texts, upper and lower case alike; `*` is anything and `?` one character. A text without these is the whole, or `within` it. */
const text =
  (column: string, { within = false } = {}) =>
  (term: Term): Filter => {
    const { value, operator } = onlyEqual(term);
    const wild = /[*?]/.test(value);
    // SQLite knows upper and lower case of English letters alone, and `fold` takes its time.
    const foreign = /[^\0-\x7f]/.test(value);
    const escaped = (foreign ? value.toLowerCase() : value)
      .replace(/[\\%_]/g, '\\$&')
      .replaceAll('*', '%')
      .replaceAll('?', '_');
    const sql = `${foreign ? `fold(${column})` : column} LIKE ? ESCAPE '\\'`;
    return {
      sql: operator === '!=' ? `NOT ${sql}` : sql,
      values: [within && !wild ? `%${escaped}%` : escaped],
    };
  };

/** One of a few words. */
function choice({ value, valueColumn, field }: Term, choices: readonly string[]): string {
  if (choices.includes(value)) return value;
  throw badQuery(`"${field}" is one of ${choices.join(', ')}, not "${value}"`, valueColumn);
}

function onlyEqual(term: Term): Term {
  if (term.operator === ':' || term.operator === '=' || term.operator === '!=') return term;
  throw badQuery(`"${term.field}" is a text: write ${term.field}:${term.value}`, term.column);
}

/** @param rows read all captions in their order: through an index they would be read in another, each from another place */
const captionsThat = ({ sql, values }: Filter, rows = false): Filter => ({
  sql: `images.id IN (SELECT image FROM captions ${rows ? 'NOT INDEXED ' : ''}WHERE state = ${STATE.current} AND words > 0 AND ${sql})`,
  values,
});
const not = ({ sql, values }: Filter): Filter => ({ sql: `NOT (${sql})`, values });
const unless = (operator: string, filter: Filter): Filter => (operator === '!=' ? not(filter) : filter);

const has = (term: Term): Filter =>
  captionsThat({ sql: 'kind = ?', values: [choice(onlyEqual(term), CAPTION_KINDS)] });

const yesNo =
  (sql: string) =>
  (term: Term): Filter =>
    unless(onlyEqual(term).operator, {
      sql: choice(term, ['yes', 'no']) === 'yes' ? sql : `NOT (${sql})`,
      values: [],
    });

export const FIELDS: Record<string, Field> = {
  kind: {
    of: 'caption',
    filter: (term) =>
      unless(term.operator, { sql: 'kind = ?', values: [choice(onlyEqual(term), CAPTION_KINDS)] }),
  },
  text: { of: 'caption-row', filter: text('text', { within: true }) },
  length: { of: 'caption', filter: number('words') },
  chars: { of: 'caption-row', filter: number('length(text)') },
  author: { of: 'caption-row', filter: text('author') },
  score: { of: 'caption-row', filter: number('score') },
  job: { of: 'caption', filter: number('job') },
  written: { of: 'caption-row', filter: day('written') },
  has: { of: 'image', filter: (term) => unless(term.operator, has(term)) },
  no: { of: 'image', filter: (term) => unless(term.operator, not(has(term))) },
  key: { of: 'image', filter: text('images.key') },
  path: {
    of: 'image',
    filter: (term) => {
      const { sql, values } = text('path', { within: true })({ ...term, operator: ':' });
      return unless(onlyEqual(term).operator, {
        sql: `images.id IN (SELECT image FROM places WHERE ${sql})`,
        values,
      });
    },
  },
  format: { of: 'image', filter: text('images.format') },
  width: { of: 'image', filter: number('images.width') },
  height: { of: 'image', filter: number('images.height') },
  size: { of: 'image', filter: number('images.bytes') },
  added: { of: 'image', filter: day('images.added') },
  failed: { of: 'image', filter: yesNo('images.id IN (SELECT image FROM failures WHERE image IS NOT NULL)') },
  twin: {
    of: 'image',
    filter: yesNo(
      '(images.twin IS NOT NULL OR images.id IN (SELECT twin FROM images AS others WHERE twin IS NOT NULL))',
    ),
  },
};

const EVERYTHING: Filter = { sql: '1', values: [] };

/**
 * The pictures that a query finds. Conditions on captions that stand together (with AND) speak of the same caption; NOT alone says
 * that the picture has no such caption. Captions that were replaced or taken back do not count.
 * @throws RecaptionError `bad-query` with the column
 */
export function filterOf(query: string | undefined): Filter {
  const parsed = query === undefined ? undefined : parseQuery(query);
  return parsed ? imageFilter(parsed) : EVERYTHING;
}

/** The number of pictures that a query finds. */
export function countImages({ db }: Catalog, query: string | undefined): number {
  const { sql, values } = filterOf(query);
  return db.get<{ n: number }>(`SELECT count(*) AS n FROM images WHERE ${sql}`, ...values)!.n;
}

function fieldOf({ field, operator, column }: Term): Field {
  if (field === undefined) return FIELDS.text;
  if (!Object.hasOwn(FIELDS, field)) {
    throw badQuery(
      `there is no field "${field}"`,
      column,
      `Fields: ${Object.keys(FIELDS).join(', ')}. For a text with "${operator}" in it, use quotes.`,
    );
  }
  return FIELDS[field];
}

const partsOf = (query: Exclude<Query, Term>): Query[] => (query.type === 'not' ? [query.part] : query.parts);

/** Whether a query speaks of one caption alone. */
const ofCaption = (query: Query): boolean =>
  query.type === 'term' ? fieldOf(query).of !== 'image' : partsOf(query).every(ofCaption);

const readsRows = (query: Query): boolean =>
  query.type === 'term' ? fieldOf(query).of === 'caption-row' : partsOf(query).some(readsRows);

function imageFilter(query: Query): Filter {
  if (query.type === 'not') return not(imageFilter(query.part));
  if (query.type === 'term') {
    const { of, filter } = fieldOf(query);
    return of === 'image' ? filter(query) : captionsThat(filter(query), readsRows(query));
  }
  if (query.type === 'or') return joined(query.parts.map(imageFilter), 'OR');
  const ofOne = query.parts.filter(ofCaption);
  const others = query.parts.filter((part) => !ofCaption(part)).map(imageFilter);
  const together = ofOne.every(({ type }) => type === 'not')
    ? ofOne.map(imageFilter)
    : [captionsThat(joined(ofOne.map(captionFilter), 'AND'), ofOne.some(readsRows))];
  return joined([...(ofOne.length > 0 ? together : []), ...others], 'AND');
}

function captionFilter(query: Query): Filter {
  if (query.type === 'term') return fieldOf(query).filter(query);
  if (query.type === 'not') return not(captionFilter(query.part));
  return joined(query.parts.map(captionFilter), query.type === 'and' ? 'AND' : 'OR');
}

const joined = (filters: readonly Filter[], by: 'AND' | 'OR'): Filter => ({
  sql: `(${filters.map(({ sql }) => sql).join(` ${by} `)})`,
  values: filters.flatMap(({ values }) => values),
});
