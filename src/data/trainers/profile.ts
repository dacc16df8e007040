/** What an export for a trainer is, and what its lint finds. */
import type { Caption, Dataset, OnFailure, Sample } from '../sample.ts';

export const TRAINERS = [
  'kohya',
  'onetrainer',
  'ai-toolkit',
  'simpletuner',
  'diffusers',
  'pixart',
  'webdataset',
  'parquet',
  'jsonl',
  'sidecar',
] as const;
export type Trainer = (typeof TRAINERS)[number];

/** A caption that a trainer would have taken for something else, and what is written in its place. */
export interface Change {
  key: string;
  before: string;
  after: string;
}

export interface ExportOptions {
  /** A folder, made where it is missing; not one that holds the pictures that are read. */
  to: string;
  /** Captions to write of a sample, the main one first. A sample without any is left out (`no-caption`). */
  draw(sample: Sample): Caption[];
  /** Whether `draw` may give several captions of a picture. */
  several?: boolean;
  /** `link`: symbolic links where a picture is a file of its own; pictures in archives, and those made anew, are copied. */
  pictures: 'copy' | 'link';
  /** Shrink pictures until the longest side has at most this many pixels; never enlarges. */
  resize?: number;
  /** Replace files that stand there with other contents, and remove those of an earlier export that this one has not. */
  overwrite?: boolean;
  onFailure?: OnFailure;
  /** Told of every caption that is not written letter by letter. */
  onChange?: (change: Change) => void;
  /**
   * Told in the end of what an earlier export or somebody else had in the folder: files of an earlier export that were removed, and
   * pictures and shards that are not of this one and still there.
   */
  onLeftovers?: (found: { removed: number; strangers: number }) => void;
}

/** An export under way, as a profile is given it. */
export interface ExportRun extends ExportOptions {
  /** Kinds of pictures that need not be converted: `PICTURES_READ`. */
  reads: readonly string[];
  /** To be told of each file of the export, once it is there, by its name below the folder, with `/`; `isNew` is false where it stood there already. */
  wrote(file: string, isNew?: boolean): Promise<void>;
}

export interface LintOptions {
  /** Tokens of a text, with those that its model adds; without it they are estimated. */
  countTokens?: (text: string) => number;
  /** Longest caption in tokens; by default what the trainer's usual text encoder takes. */
  maxTokens?: number;
  /** Several captions in a file are meant, so that new lines are no finding. */
  several?: boolean;
}

export interface Finding {
  /** File, line or shard member. */
  place: string;
  /** Stable, kebab-case; `docs/exporting.md` lists them. */
  trap: string;
  /** `error`: the trainer stops, or learns something else than what is written. */
  severity: 'error' | 'warning';
  /** One sentence. */
  message: string;
  hint?: string;
}

/** How much a trap matters to a trainer, and in which words. */
export type Trap = Pick<Finding, 'severity' | 'message' | 'hint'>;

export interface TrainerProfile {
  name: Trainer;
  /** What is written, in a few words. */
  about: string;
  /** May a picture have several captions here? */
  lists: boolean;
  /** @returns the number of samples written */
  write(dataset: Dataset, run: ExportRun): Promise<number>;
  lint(dir: string, options: LintOptions): AsyncIterable<Finding>;
}
