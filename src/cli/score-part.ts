/** What the parts of `recaption score captions` have in common: each measures captions in a way of its own. */
import type { Candidate } from '../data/index.ts';
import { type BootstrapOptions, compareScores, type Measured, scoreIntervals } from '../metrics/index.ts';
import { scoreTable } from './score-tables.ts';

/** One set of captions, or two that are compared. */
export type Sets = readonly (readonly Candidate[])[];

/** What a part says, for people and for machines. */
export interface Part {
  title: string;
  lines: string[];
  notes: string[];
  warnings: string[];
  /** Something is missing from the figures. */
  leftOut: boolean;
  record: object;
}

export interface PartOptions extends BootstrapOptions {
  /** The file of the second set. */
  compare?: string;
  perImage: boolean;
}

/** Scores of one set of captions. */
export interface SetReport extends Measured {
  perImage: readonly object[];
  /** What the record says of this set besides. */
  besides?: object;
}

/** Scores of one set, or of two beside each other, with intervals: as a table, and as a record with each image's where asked for. */
export function tell(
  [report, second]: readonly SetReport[],
  ids: readonly string[],
  options: PartOptions,
): { table: string[]; record: object } {
  const { metrics } = report;
  const intervals = scoreIntervals(report, options);
  const other = second && { metrics: second.metrics, differences: compareScores(report, second, options) };
  const more = ({ perImage, besides }: SetReport) => ({
    ...besides,
    ...(options.perImage && { perImage: Object.fromEntries(ids.map((id, i) => [id, perImage[i]])) }),
  });
  const record = { metrics, intervals, n: ids.length, ...more(report) };
  return {
    table: scoreTable({ metrics, intervals }, other),
    record: other ? { ...record, compare: { file: options.compare, ...other, ...more(second) } } : record,
  };
}
