/** Finds what is wrong with a collection that one of our readers reads. */
import { RecaptionError } from '../../errors.ts';
import type { Dataset, Failure, OnFailure } from '../sample.ts';
import { noPictures } from './lint-folder.ts';
import { lintPicture } from './pictures.ts';
import type { Finding, LintOptions, Trap } from './profile.ts';
import { overLong } from './tokens.ts';

export interface DatasetRules {
  /** Kinds of pictures that the trainer reads. */
  reads: readonly string[];
  /** How it takes a picture without a caption. */
  missing: Trap;
  /** What the usual text encoder takes, in tokens. */
  maxTokens?: number;
}

/** Traps that have another name where a file is not a row. */
const TRAPS: Record<string, string> = { 'image-missing': 'orphan-caption', 'sidecar-clash': 'stem-clash' };

/** Then there is nothing to look through. */
const UNREACHABLE = ['file-not-found', 'read-failed'];

/**
 * Everything that had to be skipped, samples without a caption, captions that are too long, and pictures that cannot be opened.
 * `no-pictures` where there is nothing to read.
 */
export async function* lintDataset(
  open: (onFailure: OnFailure) => Promise<Dataset>,
  { reads, missing, maxTokens }: DatasetRules,
  options: LintOptions,
): AsyncGenerator<Finding> {
  let failures: Failure[] = [];
  const take = () => {
    const findings = failures.map(asFinding);
    failures = [];
    return findings;
  };
  try {
    for await (const { image, captions } of await open((failure) => failures.push(failure))) {
      yield* take();
      yield* lintPicture(image, reads);
      if (captions.length === 0) yield { place: image.name, trap: 'missing-caption', ...missing };
      for (const { text } of captions) yield* overLong(text, image.name, maxTokens, options);
    }
  } catch (error) {
    if (!(error instanceof RecaptionError) || UNREACHABLE.includes(error.code)) throw error;
    const { code, message, place = '', hint } = error;
    if (code === 'no-images') yield noPictures(place);
    else yield { place, trap: code, severity: 'error', message, ...(hint !== undefined && { hint }) };
  }
  yield* take();
}

/** A sample that a reader skipped, as a finding. */
export const asFinding = ({ place, code, message }: Failure): Finding => ({
  place,
  trap: TRAPS[code] ?? code,
  severity: 'error',
  message,
});
