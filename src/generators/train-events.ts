import type { CommonEvent, DoneEvent } from '../models/training/events.ts';
import type { StepEvent } from '../models/training/loop.ts';

/** What training a generator tells while it runs; plain data, so that it can be drawn, streamed or counted. */
export type GeneratorEvent =
  | {
      kind: 'plan';
      images: number;
      /** Names these very pictures, whatever their captions are. */
      pictures: string;
      captions: number;
      parameters: number;
      /** Of a text, and of a picture. */
      tokens: { text: number; picture: number };
      steps?: number;
      resumedFrom: number;
    }
  | CommonEvent
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
  | (DoneEvent & {
      loss?: number;
    });
