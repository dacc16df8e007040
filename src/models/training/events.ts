/** What every training tells while it runs; plain data, so that it can be drawn, streamed or counted. */
import type { Failure } from '../../data/sample.ts';
import type { CheckpointEvent } from './loop.ts';
import type { FeaturesEvent } from './prepare.ts';

export type CommonEvent =
  | FeaturesEvent
  | CheckpointEvent
  | { kind: 'warning'; code: string; message: string; place?: string }
  /** A sample that is left out. */
  | { kind: 'failure'; failure: Failure };

export interface DoneEvent {
  kind: 'done';
  step: number;
  /** The folder. */
  path: string;
  minutes: number;
  /** Samples left out, and their list where there are any. */
  failed: number;
  failures?: string;
  stopped: boolean;
}
