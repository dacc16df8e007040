/** A training run, begun or gone on with: its clock, the best that it has measured, what it leaves to go on from. */
import type { TrainStep } from '../../nn/index.ts';
import { type Clock, startClock } from './clock.ts';
import type { PreparedImage } from './prepare.ts';
import { fingerprint, otherData, type RunOptions, runName, type savedState } from './run-folder.ts';

export interface Run {
  out: string;
  signal: AbortSignal;
  clock: Clock;
  /** The best so far; undefined where nothing was measured. */
  readonly best: number | undefined;
  /** Whether a figure is better than all before; then it is the best. */
  improves(figure: number): boolean;
  /** What the state to go on from holds beside the weights. */
  metadata(): Record<string, string>;
  /** Whether the best has changed since `metadata` was last asked for: a killed run must not forget it. */
  urgent(): boolean;
  /** How it ended, for the event that says so. */
  ending(): { step: number; path: string; minutes: number; stopped: boolean };
}

export interface StartOptions {
  options: RunOptions & { minutes?: number; steps?: number; epochs?: number };
  /** Length where the options say none. */
  epochs: number;
  /** Pictures of an epoch, and of a step. */
  images: number;
  perStep: number;
  /** What is learnt from: whoever goes on must have the same. */
  data?: readonly PreparedImage[];
  /** Which figures are better; none are below 0. */
  better?: 'higher' | 'lower';
  /** What else the state holds. */
  besides?: Record<string, string>;
}

/**
 * @param saved what an earlier session left, from `savedState`
 * @throws RecaptionError `run-differs` where that was trained on other pictures
 */
export function startRun(
  network: TrainStep,
  saved: Awaited<ReturnType<typeof savedState>>,
  { options, epochs, images, perStep, data, better = 'higher', besides }: StartOptions,
): Run {
  const { out, signal } = options;
  const named = data && fingerprint(data);
  let best: number | undefined;
  if (saved) {
    if (named !== undefined && saved.metadata.data !== named) throw otherData(out, data!.length);
    network.restore(saved.state);
    if (saved.metadata.best !== undefined) best = Number(saved.metadata.best);
  }
  let told = best;
  const { minutes, steps, epochs: asked = epochs } = options;
  const clock = startClock(network, { minutes, steps, epochs: asked }, { images, perStep, before: Number(saved?.metadata.seconds ?? 0) }); // biome-ignore format: one line
  return {
    out,
    signal,
    clock,
    get best() {
      return best;
    },
    improves(figure) {
      const isBest = best === undefined || (better === 'higher' ? figure > best : figure < best);
      if (isBest) best = figure;
      return isBest;
    },
    metadata() {
      told = best;
      return { run: runName(options), ...(named && { data: named }), ...(best !== undefined && { best: `${best}` }), ...besides }; // biome-ignore format: one line
    },
    urgent: () => best !== told,
    ending: () => ({
      step: network.step,
      path: out,
      minutes: clock.seconds() / 60,
      stopped: signal.aborted && clock.progress() < 1,
    }),
  };
}
