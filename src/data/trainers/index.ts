/** Exports in the form that a trainer reads, and the lint that knows its traps. */
import type { Dataset } from '../sample.ts';
import { aiToolkit } from './ai-toolkit.ts';
import { diffusers } from './diffusers.ts';
import { jsonl } from './jsonl.ts';
import { kohya } from './kohya.ts';
import { onetrainer } from './onetrainer.ts';
import { parquet } from './parquet.ts';
import { PICTURES_READ } from './pictures.ts';
import { pixart } from './pixart.ts';
import type { ExportOptions, Finding, LintOptions, Trainer, TrainerProfile } from './profile.ts';
import { recorded } from './record.ts';
import { sidecar } from './sidecar.ts';
import { simpletuner } from './simpletuner.ts';
import { webdataset } from './webdataset.ts';

/** By name, in the order of `TRAINERS`. */
export const TRAINER_PROFILES: Readonly<Record<Trainer, TrainerProfile>> = {
  kohya,
  onetrainer,
  'ai-toolkit': aiToolkit,
  simpletuner,
  diffusers,
  pixart,
  webdataset,
  parquet,
  jsonl,
  sidecar,
};

/**
 * Writes a collection as a trainer reads it, in one pass; every file is whole or not there, and pictures that are read are never
 * written. Samples whose picture cannot be read are left out; a picture of a kind that the trainer does not read is converted.
 * @returns the number of samples written
 * @throws RecaptionError `output-exists`, `output-is-source`, `disk-full`, `write-failed`, and what the dataset throws
 */
export function exportDataset(trainer: Trainer, dataset: Dataset, options: ExportOptions): Promise<number> {
  const reads = PICTURES_READ[trainer];
  return recorded(options, (wrote) => TRAINER_PROFILES[trainer].write(dataset, { ...options, reads, wrote }));
}

/**
 * Finds what a trainer would stumble over in a folder, whoever wrote it.
 * @throws RecaptionError `file-not-found`, `read-failed` for the folder itself
 */
export function lintExport(trainer: Trainer, dir: string, options: LintOptions = {}): AsyncIterable<Finding> {
  return TRAINER_PROFILES[trainer].lint(dir, options);
}

export { refuseInsideSource } from './apart.ts';
export { BEST_FIRST, bestCaptions } from './best.ts';
export {
  type Change,
  type ExportOptions,
  type Finding,
  type LintOptions,
  TRAINERS,
  type Trainer,
  type TrainerProfile,
} from './profile.ts';
export { estimateTokens } from './tokens.ts';
