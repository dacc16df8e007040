import type { Region, RegionRelation } from '../data/regions.ts';
import type { Caption, CaptionKind } from '../data/sample.ts';
import type { Image } from '../image/image.ts';
import type { Cost } from '../remote/picture-chat.ts';
import type { PictureGraph } from './relations/load.ts';

/** How to decode. Every field has a default of the captioner's own. */
export interface CaptionRequest {
  /** Width of the beam; 1 is greedy. Ignored when `temperature` > 0. */
  beam?: number;
  maxTokens?: number;
  minTokens?: number;
  /** 0 (the default) never samples; above it, draws from the distribution at that temperature. */
  temperature?: number;
  /** Nucleus: draw from the smallest set of words whose probabilities sum to this, in (0, 1]. */
  topP?: number;
  /** Forbid an n-gram of this length to occur twice; 0 allows all, and is the default for descriptions. */
  noRepeatNgram?: number;
  seed?: number;
  /** Tell what the caption was made from, with captioners that can: see `Explanation`. */
  explain?: boolean;
}

/** What a captioner that reads graphs has read, and of which kind it took each word to be. */
export interface Explanation {
  graph: PictureGraph;
  words: { text: string; kind: string }[];
}

export interface CaptionResult {
  /** Empty where there is no caption. */
  text: string;
  /** Mean natural-log probability per token, ≤ 0; absent where nobody says. */
  score?: number;
  /** Why there is no caption, where more is known than that. */
  failure?: { code: string; message: string };
  explanation?: Explanation;
}

/** What is known of a picture beside its pixels. */
export interface PictureContext {
  /** Path, address or name of the picture. */
  name: string;
  captions: readonly Caption[];
  tags?: readonly string[];
  /** What its sample says of its objects (`meta.graph`), for captioners of scenes. */
  regions?: readonly Region[];
  relations?: readonly RegionRelation[];
}

/** Pictures captioned at once where nobody says otherwise: more were no faster, and a kill would lose more work. */
export const CAPTION_BATCH = 16;

/** Somebody who writes captions. The same images and request give the same captions, however they are batched. */
export interface Captioner {
  /** Names the model well enough to find it again: `starter@0.1.0`, or a folder's name and a hash of its weights. */
  id: string;
  /** The kind of caption it writes. */
  kind: CaptionKind;
  /** Longest side, in pixels, that it can make use of: decode to this size and no larger. */
  resolution: number;
  /** Pictures that it captions at once: hand it so many at a time. */
  batch: number;
  /** Calls that it may have in hand at once: many, for one that waits for a server. Default: 1. */
  concurrency?: number;
  /** @param contexts what else is known of each picture, for captioners that are told it */
  caption(
    images: Image[],
    request?: CaptionRequest,
    contexts?: readonly PictureContext[],
  ): Promise<CaptionResult[]>;
  /** What its captions have cost so far, for one that is paid by them. */
  cost?(): Cost;
  close(): Promise<void>;
}
