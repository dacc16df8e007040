/** CLIP scores of captions with the pictures they are of. */
import { openClip } from '../captioners/clip.ts';
import {
  type Candidate,
  loadImages,
  type OnFailure,
  openDataset,
  type References,
  sampleNames,
} from '../data/index.ts';
import { RecaptionError } from '../errors.ts';
import { type ClipItem, type ClipScoreReport, clipScores } from '../metrics/index.ts';
import type { Device } from '../tensor/device.ts';

/** Longest side of a decoded picture: above what any CLIP looks at. */
const SIDE = 512;

export interface ClipRequest {
  /** A captioner of ours, or a CLIP of the hub. */
  clip: string;
  /** Collection with the pictures. */
  images: string;
  prefix: string;
  device: Device;
}

/** Pictures scored so far, of those that have captions. */
export type OnScored = (done: number, total: number) => void;

/**
 * Scores several sets of captions on the pictures that all of them speak of; a report for each set, and the images' ids in the order
 * of the collection. Pictures are decoded as they come and not kept.
 * @throws RecaptionError `no-images` when no caption has a picture, and those of the collection and the model.
 */
export async function scoreWithClip(
  sets: readonly (readonly Candidate[])[],
  references: References,
  { clip, images, prefix, device }: ClipRequest,
  { onFailure, onScored }: { onFailure: OnFailure; onScored: OnScored },
): Promise<{ ids: string[]; reports: ClipScoreReport[] }> {
  const byName = sets.map((set) => new Map(set.flatMap((one) => one.names.map((name) => [name, one] as const)))); // biome-ignore format: one line
  const encoder = await openClip(clip, device);
  try {
    const reports: ClipScoreReport[] = [];
    const ids: string[] = [];
    for (const [k, own] of byName.entries()) {
      const items = async function* (): AsyncGenerator<ClipItem> {
        let done = 0;
        // A picture that cannot be read is told of once.
        const fail = k === 0 ? onFailure : undefined;
        const dataset = await openDataset(images, { onFailure: fail });
        for await (const { sample, image } of loadImages(dataset, { maxSide: SIDE, onFailure: fail })) {
          const names = sampleNames(sample);
          const find = <T>(map: ReadonlyMap<string, T>) =>
            names.map((name) => map.get(name)).find((found) => found !== undefined);
          const found = find(own);
          if (found === undefined || byName.some((other) => find(other) === undefined)) continue;
          if (k === 0) ids.push(found.id);
          yield { image, caption: found.text, references: find(references)?.texts };
          onScored(++done + k * ids.length, sets.length * Math.max(sets[0].length, done));
        }
      };
      reports.push(await clipScores(encoder, items(), { prefix }));
    }
    if (ids.length === 0) {
      throw new RecaptionError('no-images', 'none of the captions is of a picture in the collection', {
        place: images,
        hint: `The captions are of images such as "${sets[0][0].id}".`,
      });
    }
    return { ids, reports };
  } finally {
    await encoder.close();
  }
}
