import type { Box } from '../../data/regions.ts';
import type { View } from '../../models/training/prepare.ts';

/** A part of a picture that may be worth a word. */
export interface ProposedRegion {
  /** Within the picture. */
  box: Box;
  /** Place among the proposer's labels; -1 for a region without one. */
  label: number;
  /** In [0, 1]. */
  score: number;
}

/** Somebody who says where in a picture something is. The same picture gives the same regions. */
export interface RegionProposer {
  /** Changes whenever the regions would: weights, labels and thresholds are part of it. Names cached regions. */
  id: string;
  /** How to get it again, as the user gave it. */
  ref: string;
  /** What it can call a region; none for regions without labels. */
  labels: readonly string[];
  /** Regions of a picture at most. */
  most: number;
  /** Longest side of a picture that it can make use of. */
  resolution: number;
  /** Regions of each picture, the surest first. */
  propose(views: readonly View[]): Promise<ProposedRegion[][]>;
  close(): Promise<void>;
}

/** A box cut at the edges of the picture; undefined where next to nothing is left. */
export function clipped({ x, y, width, height }: Box): Box | undefined {
  const [left, top] = [Math.max(0, x), Math.max(0, y)];
  const [right, bottom] = [Math.min(1, x + width), Math.min(1, y + height)];
  if (!(right - left > LEAST && bottom - top > LEAST)) return undefined; // NaN is none either
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** Share of a side. */
const LEAST = 1e-3;
