import type { ExperimentOptions } from '../experiments/experiment.ts';
import { EXPERIMENTS, promptsOf } from '../experiments/experiments.ts';
import type { PromptKind } from '../experiments/prompts.ts';
import type { Device } from '../tensor/device.ts';
import { commandLine, openJudges, tellComparison } from './compare.ts';
import type { Context, Register } from './main.ts';
import { choicesOf, deviceOption, readJsonFile, required, wholeNumber } from './options.ts';
import { printable } from './output.ts';

interface Options {
  quick: boolean;
  seeds?: number;
  steps?: number;
  scenes?: number;
  most?: number;
  prompts?: PromptKind[];
  clip: string;
  upsampler: string;
  config?: string;
  init?: string;
  out?: string;
  seed: number;
  device: Device;
  resume: boolean;
}

export const register: Register = (program, context) => {
  const experiment = program
    .command('experiment')
    .summary("the paper's experiments, on scenes")
    .description(
      "The paper's experiments, on scenes of which everything is known: scenes are drawn and captioned by our own captioners, generators are trained on " +
        'these captions, and a report is written.',
    )
    .addHelpText('after', '\nExample:\n  $ recaption experiment caption-kind --quick --out kinds');
  for (const one of EXPERIMENTS) {
    const { name, summary, forms } = one;
    experiment
      .command(name)
      .summary(summary)
      .description(`${summary[0].toUpperCase()}${summary.slice(1)}. Killed at any time, it goes on with --resume.`)
      .option('--quick', `in minutes: ${forms.quick.steps} steps of ${forms.quick.seeds} seed instead of ${forms.full.steps} of ${forms.full.seeds}`, false) // biome-ignore format: one line
      .option('--seeds <n>', 'trainings of each arm', wholeNumber(1, 100))
      .option('--steps <n>', 'steps of each training', wholeNumber(1))
      .option('--scenes <n>', 'scenes to learn from', wholeNumber(10, 1_000_000))
      .option('--most <n>', 'prompts of each kind', wholeNumber(1, 100_000))
      .option('--prompts <kinds>', 'kinds of prompts', choicesOf(promptsOf(one), 'kinds of prompts'))
      .option('--clip <ref>', 'CLIP that judges as well', 'world')
      .option(
        '--upsampler <ref>',
        'language model that makes prompts longer, for the kind "upsampled"',
        'starter',
      )
      .option('--config <file>', 'another generator: the JSON file of "train generator"')
      .option('--init <ref>', 'generator that all arms start from')
      .option('--out <dir>', 'folder for scenes, models, pictures and the report')
      .option('--seed <k>', 'of the scenes, and the first of the trainings', wholeNumber(0), 1)
      .addOption(deviceOption())
      .option('--resume', 'go on with the experiment in --out', false)
      .addHelpText('after', `\nExample:\n  $ recaption experiment ${name} --quick --out ${name}`)
      .action((options: Options, command) =>
        run(name, options, context, command.parent?.parent?.rawArgs ?? []),
      );
  }
};

async function run(name: string, options: Options, context: Context, argv: string[]): Promise<void> {
  const { quick, clip: ref, config, upsampler: _, ...rest } = options;
  const out = required(options.out, '--out <dir>');
  const experiment = EXPERIMENTS.find((one) => one.name === name)!;
  const judges = await openJudges(
    { ...options, clip: ref, signal: context.signal },
    options.prompts ?? experiment.prompts,
  );
  try {
    const { clip, upsample } = judges;
    const given = {
      ...rest,
      experiment,
      form: quick ? 'quick' : 'full',
      config: config === undefined ? undefined : await readJsonFile(config),
      clip,
      upsample,
      out,
      command: commandLine(argv),
      signal: context.signal,
    } as const;
    await drawExperiment(given, context);
  } finally {
    await judges.close();
  }
}

/** Runs an experiment and tells of it. */
export async function drawExperiment(options: ExperimentOptions, context: Context): Promise<void> {
  const { runExperiment } = await import('../experiments/experiment.ts');
  const { output } = context;
  for await (const event of runExperiment(options)) {
    if (event.kind === 'preparing') {
      output.record(event);
      output.progress({
        ...event,
        label: printable(event.what),
        unit: 'scenes',
        rate: event.imagesPerSecond,
      });
    } else tellComparison(event, context);
  }
}
