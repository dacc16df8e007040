import type { CommonEvent, DoneEvent } from '../models/training/events.ts';
import type { StepEvent } from '../models/training/loop.ts';
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
  | CommonEvent
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
  | (DoneEvent & { psnr?: number });
