import type { Dataset } from './sample.ts';
import { writeImageFolder } from './writers/imagefolder.ts';
import { writeJsonl } from './writers/jsonl.ts';
import { writeSidecars } from './writers/sidecars.ts';
import { type WebDatasetOptions, writeWebDataset } from './writers/webdataset.ts';

const WRITERS = {
  webdataset: writeWebDataset,
  jsonl: writeJsonl,
  sidecars: writeSidecars,
  imagefolder: writeImageFolder,
};

export type WriteFormat = keyof typeof WRITERS;
export const WRITE_FORMATS = Object.keys(WRITERS) as WriteFormat[];

export interface WriteDatasetOptions extends WebDatasetOptions {
  /** A folder, made where it is missing; for `jsonl` also a `.jsonl` file. */
  to: string;
  format: WriteFormat;
}

/**
 * Writes a collection in one pass; every file is whole or not there.
 * @returns the number of samples written
 * @throws RecaptionError `output-exists`, `output-is-source`, `disk-full`, `write-failed`, and what the dataset throws
 */
export function writeDataset(
  dataset: Dataset,
  { to, format, ...options }: WriteDatasetOptions,
): Promise<number> {
  return WRITERS[format](dataset, to, options);
}
