/** Finds what is wrong with a collection that one of our readers reads. */
import { RecaptionError } from '../../errors.ts';
import type { Dataset, Failure, OnFailure } from '../sample.ts';
import { noPictures } from './lint-folder.ts';
import type { Finding, LintOptions, Trap } from './profile.ts';
import { overLong } from './tokens.ts';

/** Traps that have another name where a file is not a row. */
const TRAPS: Record<string, string> = { 'image-missing': 'orphan-caption', 'sidecar-clash': 'stem-clash' };

/** Then there is nothing to look through. */
const UNREACHABLE = ['file-not-found', 'read-failed'];

/**
 * Everything that had to be skipped, samples without a caption, and captions that are too long. `no-pictures` where there is nothing
 * to read.
 * @param missing how a trainer takes a picture without a caption
 */
export async function* lintDataset(
  open: (onFailure: OnFailure) => Promise<Dataset>,
  missing: Trap,
  options: LintOptions,
  limit?: number,
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
      if (captions.length === 0) yield { place: image.name, trap: 'missing-caption', ...missing };
      for (const { text } of captions) yield* overLong(text, image.name, limit, options);
    }
  } catch (error) {
    if (!(error instanceof RecaptionError) || UNREACHABLE.includes(error.code)) throw error;
    const { code, message, place = '', hint } = error;
    if (code === 'no-images') yield noPictures(place);
    else yield { place, trap: code, severity: 'error', message, ...(hint !== undefined && { hint }) };
  }
  yield* take();
}

const asFinding = ({ place, code, message }: Failure): Finding => ({
  place,
  trap: TRAPS[code] ?? code,
  severity: 'error',
  message,
});
