import type { Image } from '../../image/image.ts';

/** A set of vectors that an encoder gives for every image. */
export interface FeatureGroup {
  name: string;
  tokens: number;
  width: number;
}

/** A frozen, pretrained network that turns pictures into token groups. */
export interface VisionEncoder {
  /** Changes whenever the features would: weights and preprocessing are part of it. Names cached features. */
  id: string;
  /** How to get it again, as the user gave it. */
  ref: string;
  groups: FeatureGroup[];
  /** Longest side it can make use of. */
  resolution: number;
  /** One entry per image: the groups one after the other, tokens · width float16 values each, as their 16 bits. */
  encode(images: Image[]): Promise<Uint16Array[]>;
  close(): Promise<void>;
}

/** Number of float16 values that an encoder gives for an image. */
export const featureLength = (encoder: Pick<VisionEncoder, 'groups'>): number =>
  encoder.groups.reduce((sum, { tokens, width }) => sum + tokens * width, 0);
