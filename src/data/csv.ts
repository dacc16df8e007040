import { parse } from 'csv-parse/sync';
import { RecaptionError, reason } from '../errors.ts';

/**
 * Rows of a CSV text as objects by the names in its first line.
 * @param wanted columns that must be there @throws RecaptionError `bad-csv` with the line
 */
export function parseCsv(text: string, wanted: readonly string[], place: string): Record<string, string>[] {
  let rows: Record<string, string>[];
  try {
    rows = parse(text, { columns: true, bom: true, skip_empty_lines: true, relax_column_count: false }) as Record<string, string>[]; // biome-ignore format: one line
  } catch (cause) {
    const line = (cause as { lines?: number }).lines;
    throw new RecaptionError('bad-csv', `the table cannot be read (${reason(cause)})`, {
      place: line === undefined ? place : `${place}:${line}`,
      hint: 'The file may have been cut, or has quotes that do not end.',
      cause,
    });
  }
  const missing = wanted.find((name) => rows.length === 0 || !(name in rows[0]));
  if (missing === undefined) return rows;
  throw new RecaptionError('bad-csv', rows.length === 0 ? 'the table has no rows' : `the table has no column "${missing}"`, {
    place,
    hint: `Its first line must name: ${wanted.join(', ')}.`,
  }); // biome-ignore format: one line
}
