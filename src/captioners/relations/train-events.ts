import type { CommonEvent, DoneEvent } from '../../models/training/events.ts';
import type { StepEvent } from '../../models/training/loop.ts';
import type { ParsingEvent } from './mining.ts';

/** Of a step: see `RelationLosses`. */
export interface RelationStep {
  toldLoss: number;
  untoldLoss: number;
}

/** What training a relation graph tells while it runs. */
export type RelationTrainEvent =
  | {
      kind: 'plan';
      images: number;
      /** Pictures whose captions tell of a relation between regions. */
      told: number;
      triplets: number;
      predicates: number;
      objects: number;
      parameters: number;
      steps?: number;
      resumedFrom: number;
    }
  | CommonEvent
  | ParsingEvent
  | (StepEvent & RelationStep)
  /** Share of the relations told of that are among the 20 likeliest of their picture. */
  | { kind: 'validation'; step: number; recall: number; best: boolean }
  | (DoneEvent & {
      recall?: number;
      threshold: number;
      /** Relations of a picture: told of in captions, and so predicted. */
      edges: number;
    });
