import type { Image } from '../../image/image.ts';

/** A set of vectors that an encoder gives for every image. */
export interface FeatureGroup {
  name: string;
  tokens: number;
  width: number;
  /** Where the vectors lie, if they are the cells of a map. */
  grid?: MapGrid;
}

/** How the cells of a feature map lie over a picture. */
export interface MapGrid {
  /** Cells along a side, row by row. */
  side: number;
  /** Vectors before the first cell: a class token. */
  lead: number;
  /** How a picture becomes the square that the map shows: squeezed, with bars beside it, or only its middle. */
  fit: 'fill' | 'letterbox' | 'crop';
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
