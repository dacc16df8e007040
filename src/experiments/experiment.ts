/** Runs an experiment of the list: makes its captioned scenes, compares its arms, reports. */
import { join } from 'node:path';
import type { ClipEncoder } from '../metrics/clip-score.ts';
import type { Device } from '../tensor/device.ts';
import { type CaptionedWorldOptions, captionedWorld, type PreparingEvent } from './captioned-world.ts';
import { type CompareEvent, type CompareOptions, checkComparison, compare } from './compare.ts';
import { CAPTIONERS, CONFIG, type Experiment, WORLD } from './experiments.ts';

export interface ExperimentOptions
  extends Pick<CompareOptions, 'command' | 'upsample' | 'resume' | 'signal' | 'init' | 'out'> {
  experiment: Experiment;
  form: 'quick' | 'full';
  /** In place of the form's. */
  seeds?: number;
  steps?: number;
  scenes?: number;
  most?: number;
  prompts?: CompareOptions['prompts'];
  config?: unknown;
  /** Of the scenes, and the first of the trainings. */
  seed: number;
  /** A CLIP that was trained on other scenes. */
  clip?: ClipEncoder;
  device: Device;
}

export type ExperimentEvent = PreparingEvent | CompareEvent;

/** Prompt scenes for each prompt that is wanted: some say what another says. */
const SPARE = 2;

/** @throws RecaptionError those of `compare` */
export async function* runExperiment(options: ExperimentOptions): AsyncGenerator<ExperimentEvent> {
  const { experiment, form, seed, out, device, signal } = options;
  const size = { main: experiment.main, config: CONFIG, ...experiment.forms[form], ...given(options) };
  const scenes: CaptionedWorldOptions = {
    out: join(out, 'data'),
    scenes: size.scenes,
    prompts: SPARE * size.most,
    world: experiment.world ?? WORLD,
    asked: experiment.asked,
    truth: experiment.truth,
    seed,
    captioners: experiment.captioners ?? CAPTIONERS,
    device,
    signal,
  };
  // What cannot be compared is told before thousands of scenes are captioned.
  await checkComparison({
    arms: experiment.arms,
    out,
    resume: options.resume,
    config: size.config,
    init: options.init,
    data: [],
  });
  const places = yield* captionedWorld(scenes);
  if (!places) {
    yield { kind: 'stopped', kept: false };
    return;
  }
  const { command, upsample, resume, init, clip } = options;
  yield* compare({
    title: experiment.title,
    data: [places.data],
    test: places.test,
    heldOut: 0,
    arms: experiment.arms,
    prompts: options.prompts ?? experiment.prompts,
    main: size.main,
    rare: experiment.rare,
    count: 1,
    seed,
    seeds: size.seeds,
    steps: size.steps,
    most: size.most,
    config: size.config,
    out,
    device,
    ...{ command, upsample, resume, init, clip, signal },
  });
}

/** What somebody asked for in place of the form's. */
function given({ seeds, steps, scenes, most, config }: ExperimentOptions) {
  return Object.fromEntries(
    Object.entries({ seeds, steps, scenes, most, config }).filter(([, value]) => value !== undefined),
  );
}
