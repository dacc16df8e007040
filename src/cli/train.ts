import { Option } from 'commander';
import type { TrainCaptionerOptions } from '../captioners/train.ts';
import type { TrainEvent } from '../captioners/train-events.ts';
import { CAPTION_KINDS } from '../data/sample.ts';
import { shellWord } from './interrupt.ts';
import type { Context, Register } from './main.ts';
import { readJsonFile, required } from './options.ts';
import { counted, type Output, printable } from './output.ts';
import { registerGenerator } from './train-generator.ts';
import { registerGraphCaptioner } from './train-graph-captioner.ts';
import { registerPictures } from './train-pictures.ts';
import { registerRelations } from './train-relations.ts';
import { drawCommon, drawDone, follow, millions, planned, runOptions, stepProgress } from './training.ts';

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
  runOptions(
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
      ),
  )
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

async function trainCaptionerCommand(options: TrainOptions, context: Context): Promise<void> {
  const { config, vision = [], ...rest } = options;
  const data = required(options.data, '--data <source...>');
  const out = required(options.out, '--out <dir>');
  const parsed = config === undefined ? undefined : await readJsonFile(config);
  const { trainCaptioner } = await import('../captioners/train.ts');
  await follow(
    trainCaptioner({
      ...rest,
      data,
      out,
      config: parsed,
      configPlace: config,
      vision,
      signal: context.signal,
    }),
    draw,
    context,
  );
}

/** One event in words: progress to stderr, results to stdout. */
export function draw(event: TrainEvent, output: Output): void {
  switch (event.kind) {
    case 'plan': {
      output.print(
        `${counted(event.images, 'image')}, ${counted(event.captions, 'caption')}, ${millions(event.parameters)} parameters${planned(event)}`,
      );
      break;
    }
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
    case 'done': {
      const score = event.ciderD === undefined ? '' : `, CIDEr-D ${event.ciderD.toFixed(3)}`;
      drawDone(event, score, output);
      if (!event.stopped)
        output.print(`Use it: recaption caption SOURCE --captioner ${shellWord(printable(event.path))}`);
      break;
    }
    default:
      drawCommon(event, output);
  }
}
