import type { Failure } from '../data/sample.ts';
import type { CheckpointEvent, StepEvent } from '../models/training/loop.ts';
import type { FeaturesEvent } from '../models/training/prepare.ts';
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
