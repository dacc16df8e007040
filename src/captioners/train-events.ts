import type { Failure } from '../data/sample.ts';
import type { CheckpointEvent, StepEvent } from '../models/training/loop.ts';
import type { FeaturesEvent } from '../models/training/prepare.ts';
import type { Validation } from './validate.ts';

/** What the loss of a step is made of. */
export interface CaptionLosses {
  captionLoss: number;
  contrastiveLoss: number;
  /** Mean CIDEr-D of the captions drawn, in self-critical training. */
  reward?: number;
  /** Of naming the captions' words cell by cell, with vision trained here. */
  wordsLoss?: number;
  /** Of naming the words of regions where they are. */
  regionsLoss?: number;
  /** Share of the teachers' features not yet predicted, with `--distil`. */
  distilLoss?: number;
}

/** What training a captioner tells while it runs; plain data, so that it can be drawn, streamed or counted. */
export type TrainEvent =
  | {
      kind: 'plan';
      images: number;
      captions: number;
      parameters: number;
      steps?: number;
      resumedFrom: number;
    }
  | FeaturesEvent
  | (StepEvent & CaptionLosses)
  | ({ kind: 'validation'; step: number; best: boolean } & Validation)
  | CheckpointEvent
  | { kind: 'warning'; code: string; message: string; place?: string }
  /** A sample that is left out. */
  | { kind: 'failure'; failure: Failure }
  | {
      kind: 'done';
      step: number;
      path: string;
      minutes: number;
      ciderD?: number;
      /** Samples left out, and their list where there are any. */
      failed: number;
      failures?: string;
      stopped: boolean;
    };
