import { setImmediate as turn } from 'node:timers/promises';
import { type DecodeOptions, decodeImage } from '../image/decode.ts';
import type { Image } from '../image/image.ts';
import { mapAhead } from './ahead.ts';
import { asFailure } from './dataset.ts';
import type { Dataset, Failure, OnFailure, Sample } from './sample.ts';

export interface LoadOptions extends DecodeOptions {
  /** Pictures that are decoded before they are asked for. */
  ahead?: number;
  onFailure?: OnFailure;
}

export interface LoadedSample {
  sample: Sample;
  image: Image;
}

/** A picture of unknown size may take hundreds of megabytes: without a target size, hold no more than this many. */
const AHEAD_UNBOUNDED = 4;

/** As `loadImages`, with the failure in the place of each picture that cannot be decoded. */
export async function* loadEach(
  dataset: Dataset,
  { ahead = 64, ...decoding }: Omit<LoadOptions, 'onFailure'> = {},
): AsyncGenerator<LoadedSample | Failure> {
  const limit = decoding.size || decoding.maxSide ? ahead : Math.min(ahead, AHEAD_UNBOUNDED);
  const load = async (sample: Sample): Promise<LoadedSample | Failure> => {
    try {
      const { path, verify } = sample.image;
      if (path !== undefined) await verify?.(); // reading the bytes does so itself
      return { sample, image: await decodeImage(path ?? (await sample.image.bytes()), decoding) };
    } catch (error) {
      return asFailure(error, sample.key, sample.image.name, 'image-unreadable');
    }
  };
  for await (const loaded of mapAhead(dataset, limit, load)) {
    yield loaded;
    // Taking a finished picture costs no turn of the event loop, and only there are new ones read and handed out.
    await turn();
  }
}

/**
 * Decodes a collection's pictures in its order, ahead of the reader, on libuv's worker threads. All that is ahead has been
 * handed to those threads, so decoding goes on while the main thread is blocked by a training step. Threads of our own to
 * hand them the work were no faster when tried: sharp decodes on libuv's threads whoever asks. There are four of them
 * unless `UV_THREADPOOL_SIZE` says otherwise.
 * Pictures that cannot be decoded go to `onFailure`, in their turn, and are skipped.
 */
export async function* loadImages(
  dataset: Dataset,
  { onFailure, ...options }: LoadOptions = {},
): AsyncGenerator<LoadedSample> {
  for await (const loaded of loadEach(dataset, options)) {
    if ('code' in loaded) onFailure?.(loaded);
    else yield loaded;
  }
}
