/** How far pictures as a whole are from others, whatever each of them shows: Fréchet distances between features. */
import { type Image, resizeImage } from '../image/index.ts';
import type { ClipEncoder } from '../metrics/clip-score.ts';
import { frechetDistance, Moments } from '../metrics/frechet.ts';
import type { VisionEncoder } from '../models/vision/encoder.ts';
import { fromHalf } from '../tensor/half.ts';

/** Turns pictures into vectors of one length. */
export interface Features {
  name: 'pixels' | 'clip' | 'vision';
  /** Network, or resizer. */
  by: string;
  /** Longest side of a picture, in pixels, that it can make use of. */
  resolution: number;
  of(images: readonly Image[]): Promise<ArrayLike<number>[]>;
}

/** Pixels along a side; with three channels, 432 numbers. */
const SIDE = 12;

/** The pictures themselves, made small, in [0, 1]: sees colours and layout, and no things. */
export const pixelFeatures = (): Features => ({
  name: 'pixels',
  by: `${SIDE} × ${SIDE} pixels, Lanczos 3 of libvips`,
  resolution: 16 * SIDE,
  of: (images) => Promise.all(images.map(async (image) => {
    const { data } = await resizeImage(image, { width: SIDE, height: SIDE }, 'lanczos3');
    return Float64Array.from(data, (value) => value / 255);
  })), // biome-ignore format: one line
});

/** CLIP-FID, with the encoder's own resizer. */
export const clipFeatures = (encoder: ClipEncoder): Features => ({
  name: 'clip',
  by: encoder.id,
  resolution: encoder.resolution,
  of: (images) => encoder.embedImages(images),
});

/** FID where the network is Inception-v3: of its first output the mean over all places. */
export const visionFeatures = (encoder: VisionEncoder): Features => {
  const [{ tokens, width }] = encoder.groups;
  return {
    name: 'vision',
    by: encoder.id,
    resolution: encoder.resolution,
    async of(images) {
      const all = await encoder.encode([...images]);
      return all.map((values) => {
        const mean = new Float64Array(width);
        const own = fromHalf(values.subarray(0, tokens * width));
        for (let i = 0; i < own.length; i++) mean[i % width] += own[i] / tokens;
        return mean;
      });
    },
  };
};

export interface DistributionScore {
  /** Squared Fréchet distance; 0 for the same pictures. */
  distance: number;
  by: string;
  /** Pictures on either side. */
  n: number;
  others: number;
}

/** Collects two sides, a batch at a time: memory does not grow with them. */
export interface Distribution {
  name: Features['name'];
  resolution: number;
  /** @param other whether these are the pictures that are compared with */
  see(images: readonly Image[], other: boolean): Promise<void>;
  /** @throws RecaptionError `too-few-pictures` */
  score(): DistributionScore;
}

export function distribution(features: Features): Distribution {
  const sides: [Moments?, Moments?] = [];
  const count = (side: number) => sides[side]?.count ?? 0;
  return {
    name: features.name,
    resolution: features.resolution,
    async see(images, other) {
      const vectors = await features.of(images);
      if (vectors.length === 0) return;
      sides[Number(other)] ??= new Moments(vectors[0].length);
      for (const vector of vectors) sides[Number(other)]!.add(vector);
    },
    score() {
      const none = new Moments((sides[0] ?? sides[1])?.dimension ?? 1);
      return {
        distance: frechetDistance(sides[0] ?? none, sides[1] ?? none),
        by: features.by,
        n: count(0),
        others: count(1),
      };
    },
  };
}
