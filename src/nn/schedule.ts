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

/**
 * Linear from 0 over `warmup` steps, constant, then linear down to 0 over the last `fall` of the run, a share in (0, 1]. Of a short run more
 * is spent near the peak than with a cosine (Hu et al. 2024, MiniCPM, section 4: warm-up, stable, decay).
 */
export const trapezoidSchedule =
  (warmup: number, fall = 0.25): Schedule =>
  (step, progress) =>
    Math.min(1, (step + 1) / Math.max(1, warmup), Math.max(0, 1 - progress) / fall);
