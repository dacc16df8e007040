import type { CommonEvent, DoneEvent } from '../../models/training/events.ts';
import type { StepEvent } from '../../models/training/loop.ts';
import type { ParsingEvent } from '../relations/mining.ts';
import type { RelatingEvent } from './graphs.ts';
import type { GraphValidation } from './validate.ts';

/** Of a step. */
export interface GraphStepFields {
  captionLoss: number;
  kindLoss?: number;
  /** Mean CIDEr-D of the captions drawn, in self-critical training, and how many were rewarded a second. */
  reward?: number;
  rewardsPerSecond?: number;
}

/** What training a graph captioner tells while it runs. */
export type GraphTrainEvent =
  | {
      kind: 'plan';
      images: number;
      captions: number;
      /** Of a picture, mean. */
      regions: number;
      edges: number;
      parameters: number;
      steps?: number;
      resumedFrom: number;
    }
  | CommonEvent
  | RelatingEvent
  | ParsingEvent
  | (StepEvent & GraphStepFields)
  | ({ kind: 'validation'; step: number; best: boolean } & GraphValidation)
  | (DoneEvent & {
      ciderD?: number;
    });
