import { readFile } from 'node:fs/promises';

/** A caption and its annotated graph in FACTUAL's linear form. */
export interface AnnotatedCaption {
  caption: string;
  graph: string;
}

/** Reads FACTUAL's CSV: a header with the columns `caption` and `scene_graph`, fields in quotes where they hold commas. */
export async function readAnnotated(path: string): Promise<AnnotatedCaption[]> {
  const [header, ...rows] = parseCsv(await readFile(path, 'utf8'));
  const [caption, graph] = [header.indexOf('caption'), header.indexOf('scene_graph')];
  if (caption < 0 || graph < 0) throw new Error(`${path} has no columns "caption" and "scene_graph"`);
  return rows
    .filter((row) => row.length === header.length)
    .map((row) => ({ caption: row[caption], graph: row[graph] }));
}

function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n\r]*))(,|\r?\n|$)/g)) {
    rows.at(-1)!.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end !== ',') rows.push([]);
  }
  return rows.filter((row) => row.length > 1);
}
