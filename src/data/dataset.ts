import { RecaptionError, reason } from '../errors.ts';
import type { CaptionKind, Dataset, Failure, OnFailure, Sample } from './sample.ts';

export interface ReadOptions {
  /** What the captions found are, where the source does not say. */
  kind?: CaptionKind;
  /** Folder of the pictures, for sources that name them (COCO, Karpathy, our JSONL); default: the source's own folder. */
  images?: string;
  /** Only this split, for sources that have splits (Karpathy). */
  split?: string;
  /** Only the pictures that this query finds, for workspaces. */
  where?: string;
  /** Told of everything that had to be skipped, anew on each pass over the data. */
  onFailure?: OnFailure;
}

/**
 * Makes a dataset that can be iterated any number of times. A key that was there before is reported (`duplicate-key`) and
 * skipped; a pass that meets neither a picture nor a failure throws `no-images`.
 */
export function asDataset(
  place: string,
  onFailure: OnFailure | undefined,
  read: (fail: OnFailure) => AsyncIterable<Sample>,
): Dataset {
  return {
    async *[Symbol.asyncIterator]() {
      const seen = new Set<string>();
      let failures = 0;
      const fail = (failure: Failure) => {
        failures++;
        onFailure?.(failure);
      };
      for await (const sample of read(fail)) {
        if (seen.has(sample.key)) {
          const message = `the key "${sample.key}" occurs a second time; this picture is skipped`;
          fail({ key: sample.key, place: sample.image.name, code: 'duplicate-key', message });
        } else {
          seen.add(sample.key);
          yield sample;
        }
      }
      if (seen.size === 0 && failures === 0) throw noImages(place);
    },
  };
}

export function noImages(place: string): RecaptionError {
  return new RecaptionError('no-images', 'no pictures found', {
    place,
    hint: 'Name a folder of pictures, .tar shards, a .jsonl or .parquet file, or a COCO or Karpathy .json file.',
  });
}

/** The failure that an error stands for. */
export function asFailure(error: unknown, key: string, place: string, code = 'unreadable'): Failure {
  return { key, place, code: error instanceof RecaptionError ? error.code : code, message: reason(error) };
}

/** The samples of these keys, each once; ends when all of them have been seen. */
export async function* withKeys(dataset: Dataset, keys: Iterable<string>): Dataset {
  const wanted = new Set(keys);
  if (wanted.size === 0) return;
  for await (const sample of dataset) {
    if (wanted.delete(sample.key)) yield sample;
    if (wanted.size === 0) return;
  }
}
