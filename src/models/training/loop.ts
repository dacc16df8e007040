/** The loop that every trainer has: batches in the order of an epoch, steps, metrics, saves, looks at how it goes. */
import { join } from 'node:path';
import type { Schedule, StepResult, TrainStep } from '../../nn/index.ts';
import { type Random, random, streamKey } from '../../random.ts';
import type { Arrays } from '../../tensor/index.ts';
import { saveState } from '../model-folder.ts';
import { epochOrder } from './epoch-order.ts';
import type { Run } from './run.ts';
import { logMetrics, trimMetrics } from './run-folder.ts';

export interface StepEvent {
  kind: 'step';
  step: number;
  steps: number;
  epoch: number;
  loss: number;
  learningRate: number;
  gradientNorm: number;
  imagesPerSecond: number;
  secondsLeft: number;
}

export interface CheckpointEvent {
  kind: 'checkpoint';
  step: number;
  path: string;
}

export interface BatchPlace {
  /** Batches before it, in all. */
  number: number;
  /** Places of the batch's images among all. */
  chosen: number[];
  epoch: number;
  /** For whatever else the batch needs to draw. */
  draw: Random;
}

export interface LoopOptions<Event, Fields extends object> {
  network: TrainStep;
  run: Run;
  seed: number;
  images: number;
  /** Images of a batch, and batches of a step. */
  batch: number;
  accumulate?: number;
  learningRate: number;
  schedule: Schedule;
  batchAt(place: BatchPlace): Arrays | Promise<Arrays>;
  /** What else a step event tells. */
  fields(result: StepResult): Fields;
  /** Every so many steps, and at the end: validation, previews. */
  every: number;
  look(): AsyncIterable<Event>;
  /** Look before the first step as well: what a run starts from may be better than all that comes of it. */
  lookFirst?: boolean;
  /** Written before the state is: what it needs to go on. */
  beforeSave?(): Promise<void>;
}

/** Seconds between saves of the state to resume from. */
const SAVE_EVERY = 120;

export const statePath = (out: string): string => join(out, 'training-state.safetensors');

/** Trains until the clock has run down or somebody stops it, and saves the state. */
export async function* trainingLoop<Event, Fields extends object = object>({
  network,
  run,
  seed,
  images,
  batch,
  accumulate = 1,
  learningRate,
  schedule,
  batchAt,
  fields,
  every,
  look,
  lookFirst = false,
  beforeSave,
}: LoopOptions<Event, Fields>): AsyncGenerator<Event | (StepEvent & Fields) | CheckpointEvent> {
  const { clock, out, signal } = run;
  await trimMetrics(out, network.step); // also those of a run that was killed before it first saved
  const save = async (): Promise<CheckpointEvent> => {
    await beforeSave?.();
    const path = statePath(out);
    await saveState(path, network.state(), { seconds: `${clock.seconds()}`, ...run.metadata() });
    return { kind: 'checkpoint', step: network.step, path };
  };
  const order = { epoch: -1, indices: new Int32Array() };
  const placeOf = (micro: number): BatchPlace => {
    const number = network.step * accumulate + micro;
    const inEpoch = clock.perEpoch * accumulate;
    const epoch = Math.floor(number / inEpoch);
    if (order.epoch !== epoch) Object.assign(order, { epoch, indices: epochOrder(images, seed, epoch) });
    const first = (number % inEpoch) * batch;
    const chosen = Array.from({ length: batch }, (_, i) => order.indices[(first + i) % images]);
    return { number, chosen, epoch, draw: random(seed, 'batch', number) };
  };

  let savedAt = network.step > 0 ? clock.seconds() : Number.NEGATIVE_INFINITY;
  let lookedAt = -1;
  const lookAt = async function* (step: number) {
    if (savedAt < 0) {
      // What is looked at writes a model: a kill between the two would leave one without the state to go on from.
      savedAt = clock.seconds();
      yield await save();
    }
    lookedAt = step;
    yield* look();
  };
  let rate = 0; // images per second, smoothed
  if (lookFirst && network.step === 0) yield* lookAt(0);
  while (clock.progress() < 1 && !signal.aborted) {
    const start = performance.now();
    const feeds: Arrays[] = [];
    for (let micro = 0; micro < accumulate; micro++) feeds.push(await batchAt(placeOf(micro)));
    const now = learningRate * schedule(network.step, clock.progress());
    const result = await network.run(feeds, now, streamKey(seed, 'step', network.step));
    const perSecond = (1000 * batch * accumulate) / (performance.now() - start);
    rate = rate === 0 ? perSecond : 0.95 * rate + 0.05 * perSecond;
    const { step } = network;
    const event: StepEvent & Fields = {
      kind: 'step',
      step,
      steps: clock.steps ?? Math.round(step / Math.max(clock.progress(), 1e-9)),
      epoch: step / clock.perEpoch,
      loss: result.loss,
      ...fields(result),
      learningRate: now,
      gradientNorm: result.gradientNorm,
      imagesPerSecond: rate,
      secondsLeft: clock.secondsLeft(rate),
    };
    await logMetrics(out, event);
    yield event as Awaited<StepEvent & Fields>; // it is no promise, whatever its fields are

    if (step % every === 0) yield* lookAt(step);
    if (clock.seconds() - Math.max(0, savedAt) > SAVE_EVERY || run.urgent()) {
      savedAt = clock.seconds();
      yield await save();
    }
  }
  if (network.step > 0 && lookedAt !== network.step && clock.progress() >= 1) yield* look();
  if (network.step > 0) yield await save();
}
