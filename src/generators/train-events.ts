import type { Failure } from '../data/sample.ts';
import type { CheckpointEvent, StepEvent } from '../models/training/loop.ts';
import type { FeaturesEvent } from '../models/training/prepare.ts';

/** What training a generator tells while it runs; plain data, so that it can be drawn, streamed or counted. */
export type GeneratorEvent =
  | {
      kind: 'plan';
      images: number;
      captions: number;
      parameters: number;
      /** Of a text, and of a picture. */
      tokens: { text: number; picture: number };
      steps?: number;
      resumedFrom: number;
    }
  | FeaturesEvent
  | StepEvent
  | {
      kind: 'validation';
      step: number;
      minutes: number;
      /** Of the averaged weights, over times that are spread evenly over those of training. */
      loss: number;
      best: boolean;
    }
  /** The averaged weights as they were then, where they are kept. */
  | { kind: 'snapshot'; step: number; path: string }
  /** The fixed prompts, drawn by the averaged weights. */
  | { kind: 'preview'; step: number; path: string }
  | CheckpointEvent
  | { kind: 'warning'; code: string; message: string; place?: string }
  /** A sample that is left out. */
  | { kind: 'failure'; failure: Failure }
  | {
      kind: 'done';
      step: number;
      path: string;
      minutes: number;
      loss?: number;
      failed: number;
      failures?: string;
      stopped: boolean;
    };
