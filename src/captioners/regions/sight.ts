/** What a graph sees of pictures: proposed regions, and feature maps that these are described by. */

import type { Image } from '../../image/image.ts';
import type { MapConfig } from '../../models/relation-graph/config.ts';
import { featureRecorder, type Recorder } from '../../models/training/prepare.ts';
import type { VisionEncoder } from '../../models/vision/encoder.ts';
import type { Arrays, Device } from '../../tensor/index.ts';
import { featureFeeder, type ImageFeeder } from '../batches.ts';
import { encodedFeatures, openVisions } from '../vision.ts';
import { openRegions } from './open.ts';
import type { RegionProposer } from './proposer.ts';
import { cachedRegions, type PictureRegions, regionRecorder } from './records.ts';

export interface Sight {
  proposer: RegionProposer;
  encoders: VisionEncoder[];
  /** Outputs of the encoders that are maps. */
  maps: MapConfig[];
  /** Longest side of a picture that they can make use of. */
  resolution: number;
  /** What the encoders say of pictures, as inputs `features.NAME` of networks with room for `batch`. */
  features(images: readonly Image[], batch: number): Promise<Arrays>;
  close(): Promise<void>;
}

/**
 * @param refs who proposes regions, and whose maps describe them: frozen encoders
 * @throws RecaptionError those of `openRegions` and `openVision`
 */
export async function openSight(refs: { regions: string; vision: string[] }, device: Device): Promise<Sight> {
  const proposer = await openRegions(refs.regions, device);
  const encoders = await openVisions(refs.vision, device).catch(async (error) => {
    await proposer.close();
    throw error;
  });
  const maps = encoders.flatMap((encoder) =>
    encoder.groups.flatMap(({ name, tokens, width, grid }) =>
      grid ? [{ encoder: encoder.id, name, tokens, width, grid }] : [],
    ),
  );
  return {
    proposer,
    encoders,
    maps,
    resolution: Math.max(proposer.resolution, ...encoders.map(({ resolution }) => resolution)),
    features: (images, batch) => encodedFeatures(encoders, images, batch),
    async close() {
      for (const thing of [proposer, ...encoders]) await thing.close();
    },
  };
}

/** The same, kept on disk for pictures that are seen many times. */
export interface CachedSight {
  /** What pictures must be put through first; see `prepareImages`. */
  recorders: Recorder[];
  /** By a picture's hash, with `:flip` for its mirror image. */
  regionsOf(key: string): PictureRegions;
  feeder: ImageFeeder;
  close(): Promise<void>;
}

export async function cacheSight({ proposer, encoders }: Sight): Promise<CachedSight> {
  const recorders: Recorder[] = [];
  const close = async () => {
    for (const { cache } of recorders) await cache.close();
  };
  try {
    recorders.push(await regionRecorder(proposer));
    for (const encoder of encoders) recorders.push(await featureRecorder(encoder));
  } catch (error) {
    await close();
    throw error;
  }
  const [proposals, ...seeing] = recorders;
  const feeder = featureFeeder(seeing.map(({ cache }, i) => ({ cache, groups: encoders[i].groups })));
  return { recorders, regionsOf: cachedRegions(proposals), feeder, close };
}
