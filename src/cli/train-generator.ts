import { type Command, Option } from 'commander';
import { parseBlend } from '../data/blend.ts';
import type { TrainGeneratorOptions } from '../generators/train.ts';
import type { GeneratorEvent } from '../generators/train-events.ts';
import { shellWord } from './interrupt.ts';
import { type Context, EXIT } from './main.ts';
import { deviceOption, number, readJsonFile, required, wholeNumber } from './options.ts';
import { counted, formatDuration, type Output, printable } from './output.ts';
import { shortPath } from './places.ts';
import { length, millions, stepProgress } from './train.ts';

/** The library's options as they are typed. */
type Options = Partial<Pick<TrainGeneratorOptions, 'data' | 'out'>> &
  Omit<TrainGeneratorOptions, 'data' | 'out' | 'captions' | 'config' | 'configPlace' | 'signal'> & {
    captions?: string;
    config?: string;
  };

export function registerGenerator(train: Command, context: Context): void {
  train
    .command('generator')
    .summary('train a text-to-image model on pictures with captions')
    .description(
      'Trains a text-to-image model on pictures with captions. The folder it writes is what "recaption generate --model" takes.',
    )
    .option('--data <source...>', 'pictures with captions: folders, .tar shards, metadata.jsonl, workspaces')
    .option('--captions <mix>', 'which captions to learn from, such as descriptive:0.95,alt:0.05')
    .option('--val <source>', 'pictures with captions kept apart, to find the best weights')
    .option('--out <dir>', 'folder for the model, its previews, checkpoints and metrics.jsonl')
    .option('--size <pixels>', 'width and height of the pictures that it draws', wholeNumber(8, 1024))
    .option('--latent <dir>', 'draw the latents of this autoencoder (TAESD family) in place of pixels')
    .option(
      '--text <ref>',
      'frozen text encoder: a T5 folder, a hub id (default: a small one is trained along)',
    )
    .option('--init <ref>', 'generator to start from instead of random weights')
    .option('--teacher <ref>', 'learn to draw in 4 steps what this generator draws in many')
    .option('--config <file>', 'JSON file: sizes of the network, learning rate, batch')
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
      '\nExample:\n  $ recaption train generator --data photos/ --captions descriptive:0.95,alt:0.05 --minutes 20 --out model',
    )
    .action(async (options: Options) => trainGeneratorCommand(options, context));
}

async function trainGeneratorCommand(options: Options, { output, signal, exit }: Context): Promise<void> {
  const { config, captions, ...rest } = options;
  const data = required(options.data, '--data <source...>');
  const blend = parseBlend(required(captions, '--captions <mix>'));
  const out = required(options.out, '--out <dir>');
  const parsed = config === undefined ? undefined : await readJsonFile(config);
  const { trainGenerator } = await import('../generators/train.ts');
  const run = { ...rest, data, out, captions: blend, config: parsed, configPlace: config, signal };
  for await (const event of trainGenerator(run)) {
    output.record(event);
    draw(event, output);
    if (event.kind === 'done' && event.failed > 0) exit(EXIT.doneWithFailures);
  }
}

/** One event in words: progress to stderr, results to stdout. */
function draw(event: GeneratorEvent, output: Output): void {
  switch (event.kind) {
    case 'plan': {
      const steps = event.steps === undefined ? '' : `, ${counted(event.steps, 'step')}`;
      const resumed = event.resumedFrom > 0 ? `, going on from step ${event.resumedFrom}` : '';
      const { picture, text } = event.tokens;
      output.print(
        `${counted(event.images, 'image')}, ${counted(event.captions, 'caption')}, ${millions(event.parameters)} parameters, ${picture} patches, texts of ${text} tokens${steps}${resumed}`,
      );
      break;
    }
    case 'features':
      output.progress({ ...event, label: event.encoder, unit: 'images', rate: event.imagesPerSecond });
      break;
    case 'step':
      output.progress(stepProgress(event));
      break;
    case 'validation':
      output.print(
        `step ${event.step}: validation loss ${event.loss.toFixed(4)}${event.best ? ', the best so far' : ''}`,
      );
      break;
    case 'preview':
      output.note(output.dim(`preview: ${printable(shortPath(event.path))}`));
      break;
    case 'warning':
      output.note(
        `warning: ${event.message}${event.place === undefined ? '' : ` (${printable(event.place)})`}`,
      );
      break;
    case 'failure':
      output.failure(event.failure);
      break;
    case 'done': {
      const loss = event.loss === undefined ? '' : `, validation loss ${event.loss.toFixed(4)}`;
      const verb = event.stopped ? 'Stopped after' : 'Trained';
      output.print(
        `${verb} ${event.step} steps in ${formatDuration(event.minutes * 60)}${loss}: ${printable(event.path)}`,
      );
      if (event.failures !== undefined)
        output.print(
          `${counted(event.failed, 'sample')} left out, listed in ${printable(shortPath(event.failures))}`,
        );
      if (!event.stopped)
        output.print(
          `Use it: recaption generate "…" --model ${shellWord(printable(event.path))} --out pictures`,
        );
    }
  }
}
