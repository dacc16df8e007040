import type { ImageSource } from '../image/image.ts';

export const CAPTION_KINDS = ['alt', 'human', 'short', 'descriptive'] as const;
export type CaptionKind = (typeof CAPTION_KINDS)[number];

export interface Caption {
  text: string;
  kind: CaptionKind;
  /** Who wrote it, and how: `file`, `human`, `world`, or a captioner's id. */
  source: string;
  /** True of what a captioner wrote, whatever its kind; nothing is known where it is absent. */
  synthetic?: true;
}

export interface Sample {
  /** Unique within its source. */
  key: string;
  image: ImageSource;
  /** May be empty: an image that nobody has captioned is a good sample. */
  captions: Caption[];
  meta?: Record<string, unknown>;
}

/** A sample that could not be read: skipped, counted and listed, never fatal. */
export interface Failure {
  key: string;
  /** File, shard member or line. */
  place: string;
  code: string;
  message: string;
}

/**
 * A collection of images with captions, read as a stream. `onFailure` is told of every sample that had to be skipped
 * (a corrupt tar member, a caption file that is not UTF-8 …); iterating never throws for one bad sample, only for a
 * source that cannot be read at all.
 */
export type Dataset = AsyncIterable<Sample>;
export type OnFailure = (failure: Failure) => void;
