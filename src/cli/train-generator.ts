import type { Command } from 'commander';
import { parseBlend } from '../data/blend.ts';
import type { TrainGeneratorOptions } from '../generators/train.ts';
import type { GeneratorEvent } from '../generators/train-events.ts';
import { shellWord } from './interrupt.ts';
import type { Context } from './main.ts';
import { readJsonFile, required, wholeNumber } from './options.ts';
import { counted, type Output, printable } from './output.ts';
import { shortPath } from './places.ts';
import { drawCommon, drawDone, follow, millions, planned, runOptions, stepProgress } from './training.ts';

/** The library's options as they are typed. */
type Options = Partial<Pick<TrainGeneratorOptions, 'data' | 'out'>> &
  Omit<TrainGeneratorOptions, 'data' | 'out' | 'captions' | 'config' | 'configPlace' | 'signal'> & {
    captions?: string;
    config?: string;
  };

export function registerGenerator(train: Command, context: Context): void {
  runOptions(
    train
      .command('generator')
      .summary('train a text-to-image model on pictures with captions')
      .description(
        'Trains a text-to-image model on pictures with captions. The folder it writes is what "recaption generate --model" takes.',
      )
      .option(
        '--data <source...>',
        'pictures with captions: folders, .tar shards, metadata.jsonl, workspaces',
      )
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
      .option('--config <file>', 'JSON file: sizes of the network, learning rate, batch'),
  )
    .addHelpText(
      'after',
      '\nExample:\n  $ recaption train generator --data photos/ --captions descriptive:0.95,alt:0.05 --minutes 20 --out model',
    )
    .action(async (options: Options) => trainGeneratorCommand(options, context));
}

async function trainGeneratorCommand(options: Options, context: Context): Promise<void> {
  const { config, captions, ...rest } = options;
  const data = required(options.data, '--data <source...>');
  const blend = parseBlend(required(captions, '--captions <mix>'));
  const out = required(options.out, '--out <dir>');
  const parsed = config === undefined ? undefined : await readJsonFile(config);
  const { trainGenerator } = await import('../generators/train.ts');
  const run = {
    ...rest,
    data,
    out,
    captions: blend,
    config: parsed,
    configPlace: config,
    signal: context.signal,
  };
  await follow(trainGenerator(run), draw, context);
}

/** One event in words: progress to stderr, results to stdout. */
function draw(event: GeneratorEvent, output: Output): void {
  switch (event.kind) {
    case 'plan': {
      const { picture, text } = event.tokens;
      output.print(
        `${counted(event.images, 'image')}, ${counted(event.captions, 'caption')}, ${millions(event.parameters)} parameters, ${picture} patches, texts of ${text} tokens${planned(event)}`,
      );
      break;
    }
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
    case 'done': {
      const loss = event.loss === undefined ? '' : `, validation loss ${event.loss.toFixed(4)}`;
      drawDone(event, loss, output);
      if (!event.stopped)
        output.print(
          `Use it: recaption generate "…" --model ${shellWord(printable(event.path))} --out pictures`,
        );
      break;
    }
    default:
      drawCommon(event, output);
  }
}
