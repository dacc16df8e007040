import { readFile } from 'node:fs/promises';
import { parseCsv } from '../../src/data/csv.ts';

/** A caption and its annotated graph in FACTUAL's linear form. */
export interface AnnotatedCaption {
  caption: string;
  graph: string;
}

/** Reads FACTUAL's CSV: its columns `caption` and `scene_graph`. */
export async function readAnnotated(path: string): Promise<AnnotatedCaption[]> {
  const rows = parseCsv(await readFile(path, 'utf8'), ['caption', 'scene_graph'], path);
  return rows.map(({ caption, scene_graph: graph }) => ({ caption, graph }));
}
