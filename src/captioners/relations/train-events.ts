import type { Failure } from '../../data/sample.ts';
import type { CheckpointEvent, StepEvent } from '../../models/training/loop.ts';
import type { FeaturesEvent } from '../../models/training/prepare.ts';
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
  | FeaturesEvent
  | ParsingEvent
  | (StepEvent & RelationStep)
  /** Share of the relations told of that are among the 20 likeliest of their picture. */
  | { kind: 'validation'; step: number; recall: number; best: boolean }
  | CheckpointEvent
  | { kind: 'warning'; code: string; message: string; place?: string }
  | { kind: 'failure'; failure: Failure }
  | {
      kind: 'done';
      step: number;
      path: string;
      minutes: number;
      recall?: number;
      threshold: number;
      /** Relations of a picture: told of in captions, and so predicted. */
      edges: number;
      failed: number;
      failures?: string;
      stopped: boolean;
    };
