/** What training on pictures alone has in common: an autoencoder, a decoder of its latents. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { failureList, writeFailures } from '../data/index.ts';
import type { Failure } from '../data/sample.ts';
import { writeError } from '../files.ts';
import type { CheckpointEvent, StepEvent } from '../models/training/loop.ts';
import {
  type FeaturesEvent,
  type PreparedImage,
  prepareImages,
  type Recorder,
} from '../models/training/prepare.ts';
import type { RunOptions } from '../models/training/run-folder.ts';

export interface PictureRun extends RunOptions {
  /** Collections of pictures, in any form that `openDataset` reads; captions are not needed. */
  data: string[];
  /** Pictures kept apart, to see how well it does. An autoencoder's best weights are kept, without them the last; a decoder's last. */
  val?: string;
  /** Width and height of the pictures in pixels. */
  size: number;
  config?: unknown;
  configPlace?: string;
  epochs?: number;
  steps?: number;
  minutes?: number;
  seed: number;
}

export type PictureEvent =
  | { kind: 'plan'; images: number; parameters: number; steps?: number; resumedFrom: number }
  | FeaturesEvent
  | StepEvent
  | {
      kind: 'validation';
      step: number;
      minutes: number;
      /** Of the pictures that come back, in dB; mean over the pictures. */
      psnr: number;
      best: boolean;
    }
  | { kind: 'preview'; step: number; path: string }
  | CheckpointEvent
  | { kind: 'failure'; failure: Failure }
  | { kind: 'done'; step: number; path: string; minutes: number; psnr?: number; failed: number; failures?: string; stopped: boolean }; // biome-ignore format: one line

export interface PicturesAtHand {
  images: PreparedImage[];
  validation: PreparedImage[];
  failed: number;
  failures?: string;
}

/** Reads the pictures into the caches, and makes the folder of the run. */
export async function* gather(
  { data, val, out, signal }: PictureRun,
  recorders: Recorder[],
): AsyncGenerator<PictureEvent, PicturesAtHand> {
  const failures = failureList();
  const prepared = { flip: false, wordless: true, onFailure: failures.add, signal };
  let images: PreparedImage[] = [];
  let validation: PreparedImage[] = [];
  try {
    images = yield* prepareImages(data, recorders, prepared);
    if (val) validation = yield* prepareImages([val], recorders, prepared);
  } finally {
    for (const failure of failures.news()) yield { kind: 'failure', failure };
  }
  await mkdir(join(out, 'previews'), { recursive: true }).catch((error) => {
    throw writeError(out, error);
  });
  const place = join(out, 'failures.jsonl');
  await writeFailures(place, out, failures.all());
  const failed = failures.all().length;
  return { images, validation, failed, ...(failed > 0 && { failures: place }) };
}
