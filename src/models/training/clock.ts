/** How long a training run is, and how far it is. */
import type { TrainStep } from '../../nn/index.ts';

/** How long a run is: so many steps, passes over the data, or minutes by the clock. The first that is given counts. */
export interface RunLength {
  minutes?: number;
  steps?: number;
  epochs: number;
}

export interface Clock {
  /** Steps of the run; undefined where it ends by the clock. */
  steps: number | undefined;
  perEpoch: number;
  /** Of training, in all sessions. */
  seconds(): number;
  /** Share of the run that is over. */
  progress(): number;
  secondsLeft(imagesPerSecond: number): number;
}

/** @param before seconds trained in earlier sessions @param perStep images of a step */
export function startClock(
  network: TrainStep,
  { minutes, steps, epochs }: RunLength,
  { images, perStep, before }: { images: number; perStep: number; before: number },
): Clock {
  const perEpoch = Math.max(1, Math.floor(images / perStep));
  const total = steps ?? Math.ceil(epochs * perEpoch);
  const budget = minutes === undefined ? undefined : minutes * 60;
  const start = performance.now();
  const seconds = () => before + (performance.now() - start) / 1000;
  return {
    steps: budget === undefined ? total : undefined,
    perEpoch,
    seconds,
    progress: () => (budget === undefined ? network.step / total : seconds() / budget),
    secondsLeft: (rate) =>
      budget === undefined ? ((total - network.step) * perStep) / rate : budget - seconds(),
  };
}
