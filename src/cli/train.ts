import { Option } from 'commander';
import type { TrainCaptionerOptions } from '../captioners/train.ts';
import type { TrainEvent } from '../captioners/train-events.ts';
import { CAPTION_KINDS } from '../data/sample.ts';
import type { StepEvent } from '../models/training/loop.ts';
import { shellWord } from './interrupt.ts';
import { type Context, EXIT, type Register } from './main.ts';
import { deviceOption, number, readJsonFile, required, wholeNumber } from './options.ts';
import { counted, formatDuration, type Output, type Progress, printable } from './output.ts';
import { shortPath } from './places.ts';
import { registerGenerator } from './train-generator.ts';
import { registerGraphCaptioner } from './train-graph-captioner.ts';
import { registerPictures } from './train-pictures.ts';
import { registerRelations } from './train-relations.ts';

/** The library's options as they are typed: what is required may be missing, and the configuration is a file. */
type TrainOptions = Partial<Pick<TrainCaptionerOptions, 'data' | 'out' | 'vision'>> &
  Omit<TrainCaptionerOptions, 'data' | 'out' | 'vision' | 'config' | 'configPlace' | 'signal'> & {
    config?: string;
  };

export const register: Register = (program, context) => {
  const train = program
    .command('train')
    .summary('train a model on your own data')
    .description('Trains a model on your own data.')
    .addHelpText('after', '\nExample:\n  $ recaption train captioner --help');
  train
    .command('captioner')
    .summary('train a captioner on pictures with captions')
    .description(
      'Trains a captioner on pictures with captions. The folder it writes is what --captioner takes.',
    )
    .option('--data <source...>', 'pictures with captions: folders, .tar shards, metadata.jsonl, COCO json')
    .option('--val <source>', 'pictures with captions kept apart, to measure CIDEr-D while it trains')
    .option('--out <dir>', 'folder for the model, its checkpoints and metrics.jsonl')
    .option('--config <file>', 'JSON file: sizes of the network, learning rate, batch')
    .option('--vision <ref...>', 'frozen vision encoders to build on: ONNX files; several are combined')
    .option(
      '--distil <ref...>',
      'frozen encoders that vision trained here learns from; not needed afterwards',
    )
    .option('--init <ref>', 'captioner to start from instead of random weights')
    .addOption(
      new Option('--kind <kind>', 'learn captions of this kind only (default: all)').choices(CAPTION_KINDS),
    )
    .addOption(
      length('--epochs <n>', 'length of the training, in passes over the data', ['steps', 'minutes']),
    )
    .addOption(length('--steps <n>', 'length of the training, in steps', ['epochs', 'minutes']))
    .addOption(
      new Option('--minutes <m>', 'length of the training, in minutes')
        .argParser(number('above 0', (m) => m > 0))
        .conflicts(['epochs', 'steps']),
    )
    .option('--seed <k>', 'the same seed trains the same model on the same machine', wholeNumber(0), 0)
    .addOption(deviceOption())
    .option('--resume', 'go on from the last checkpoint in --out', false)
    .addHelpText(
      'after',
      '\nExample:\n  $ recaption train captioner --data photos/ --val more-photos/ --minutes 20 --out model',
    )
    .action(async (options: TrainOptions) => trainCaptionerCommand(options, context));
  registerGenerator(train, context);
  registerPictures(train, context);
  registerRelations(train, context);
  registerGraphCaptioner(train, context);
};

export function length(flags: string, description: string, others: string[]): Option {
  return new Option(flags, description).argParser(wholeNumber(1)).conflicts(others);
}

async function trainCaptionerCommand(
  options: TrainOptions,
  { output, signal, exit }: Context,
): Promise<void> {
  const { config, vision = [], ...rest } = options;
  const data = required(options.data, '--data <source...>');
  const out = required(options.out, '--out <dir>');
  const parsed = config === undefined ? undefined : await readJsonFile(config);
  const { trainCaptioner } = await import('../captioners/train.ts');
  for await (const event of trainCaptioner({
    ...rest,
    data,
    out,
    config: parsed,
    configPlace: config,
    vision,
    signal,
  })) {
    output.record(event);
    draw(event, output);
    if (event.kind === 'done' && event.failed > 0) exit(EXIT.doneWithFailures);
  }
}

/** One event in words: progress to stderr, results to stdout. */
export function draw(event: TrainEvent, output: Output): void {
  switch (event.kind) {
    case 'plan': {
      const steps = event.steps === undefined ? '' : `, ${counted(event.steps, 'step')}`;
      const resumed = event.resumedFrom > 0 ? `, going on from step ${event.resumedFrom}` : '';
      output.print(
        `${counted(event.images, 'image')}, ${counted(event.captions, 'caption')}, ${millions(event.parameters)} parameters${steps}${resumed}`,
      );
      break;
    }
    case 'features':
      output.progress({ ...event, label: event.encoder, unit: 'images', rate: event.imagesPerSecond });
      break;
    case 'step':
      output.progress(stepProgress(event));
      break;
    case 'validation': {
      const best = event.best ? ', the best so far' : '';
      output.print(
        `step ${event.step}: CIDEr-D ${event.ciderD.toFixed(3)}, BLEU-4 ${event.bleu4.toFixed(3)}, loss ${event.captionLoss.toFixed(3)}${best}`,
      );
      for (const { key, caption, references } of event.samples.slice(0, 2)) {
        output.print(`  ${printable(key)}: ${printable(caption)}`);
        if (references.length > 0) output.print(output.dim(`    people wrote: ${printable(references[0])}`));
      }
      break;
    }
    case 'warning':
      output.note(
        `warning: ${event.message}${event.place === undefined ? '' : ` (${printable(event.place)})`}`,
      );
      break;
    case 'failure':
      output.failure(event.failure);
      break;
    case 'done': {
      const score = event.ciderD === undefined ? '' : `, CIDEr-D ${event.ciderD.toFixed(3)}`;
      const verb = event.stopped ? 'Stopped after' : 'Trained';
      output.print(
        `${verb} ${event.step} steps in ${formatDuration(event.minutes * 60)}${score}: ${printable(event.path)}`,
      );
      if (event.failures !== undefined)
        output.print(
          `${counted(event.failed, 'sample')} left out, listed in ${printable(shortPath(event.failures))}`,
        );
      if (!event.stopped)
        output.print(`Use it: recaption caption SOURCE --captioner ${shellWord(printable(event.path))}`);
    }
  }
}

/** A step of any training, as progress. @param digits of the loss */
export const stepProgress = (
  event: StepEvent,
  { label = `epoch ${+event.epoch.toFixed(1)}:`, digits = 3 } = {},
): Progress => ({
  label,
  done: event.step,
  total: event.steps,
  unit: 'steps',
  rate: event.imagesPerSecond,
  rateUnit: 'images',
  secondsLeft: event.secondsLeft,
  detail: `loss ${event.loss.toFixed(digits)}`,
});

export function millions(count: number): string {
  return count < 1e6 ? count.toLocaleString('en') : `${(count / 1e6).toFixed(1)} M`;
}
