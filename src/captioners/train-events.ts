import type { CommonEvent, DoneEvent } from '../models/training/events.ts';
import type { StepEvent } from '../models/training/loop.ts';
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
  | CommonEvent
  | (StepEvent & CaptionLosses)
  | ({ kind: 'validation'; step: number; best: boolean } & Validation)
  | (DoneEvent & {
      ciderD?: number;
    });
