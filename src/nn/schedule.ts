/**
 * Learning-rate schedules: the factor on the peak rate, in [0, 1]. `step` counts updates from 0; `progress` is the share of the
 * run that is over, in [0, 1], by steps or by time.
 */
export type Schedule = (step: number, progress: number) => number;

/** Linear from 0 over `warmup` steps, then constant. */
export const constantSchedule =
  (warmup: number): Schedule =>
  (step) =>
    Math.min(1, (step + 1) / Math.max(1, warmup));

/** Linear from 0 over `warmup` steps, times half a cosine from 1 down to `floor` at the end of the run. */
export const cosineSchedule =
  (warmup: number, floor = 0): Schedule =>
  (step, progress) => {
    const cosine = 0.5 * (1 + Math.cos(Math.PI * Math.min(1, progress)));
    return Math.min(1, (step + 1) / Math.max(1, warmup)) * (floor + (1 - floor) * cosine);
  };
