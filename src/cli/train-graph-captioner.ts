/** `train graph-captioner`: a captioner that reads a picture's relationship graph. */
import { type Command, Option } from 'commander';
import { EDGE_SOURCES } from '../captioners/graph/edges.ts';
import type { TrainGraphCaptionerOptions } from '../captioners/graph/train.ts';
import type { GraphTrainEvent } from '../captioners/graph/train-events.ts';
import { CAPTION_KINDS } from '../data/sample.ts';
import { shellWord } from './interrupt.ts';
import type { Context } from './main.ts';
import { readJsonFile, required } from './options.ts';
import { counted, type Output, printable } from './output.ts';
import { drawCommon, drawDone, follow, millions, planned, runOptions, stepProgress } from './training.ts';

type Options = Partial<Pick<TrainGraphCaptionerOptions, 'data' | 'out' | 'vision'>> &
  Omit<TrainGraphCaptionerOptions, 'data' | 'out' | 'vision' | 'config' | 'configPlace' | 'signal'> & {
    config?: string;
  };

export function registerGraphCaptioner(train: Command, context: Context): void {
  runOptions(
    train
    .command('graph-captioner')
    .summary('train a captioner that reads how things in a picture stand to each other')
    .description(
      'Trains a captioner on the relationship graphs of pictures: regions that a detector finds, and the relations that a relation graph finds ' +
        'between them. The folder it writes is what --captioner takes.',
    )
    .option('--data <source...>', 'pictures with captions: folders, .tar shards, metadata.jsonl, COCO json')
    .option('--val <source>', 'pictures with captions kept apart, to measure CIDEr-D while it trains')
    .option('--out <dir>', 'folder for the model, its checkpoints and metrics.jsonl')
    .option('--regions <ref>', 'detector: an ONNX file, a hub id, "world" for scenes, "grid" where there is none')
    .option('--vision <ref...>', 'frozen encoders whose feature maps describe regions')
    .option('--relations <dir>', 'relation graph, made by "recaption train relations"; without, regions alone')
    .addOption(new Option('--edges <source>', 'relations are found by the network of --relations, by its labels of pairs alone, or said by scenes').choices(EDGE_SOURCES)) // biome-ignore format: one line
    .option('--init <dir>', 'graph captioner to start from: to go on by rewards (training.selfCritical)')
    .option('--config <file>', 'JSON file: sizes of the network, learning rate, batch')
    .addOption(new Option('--kind <kind>', 'learn captions of this kind only (default: all)').choices(CAPTION_KINDS)), // biome-ignore format: one line
  )
    .addHelpText(
      'after',
      '\nExample:\n  $ recaption train graph-captioner --data photos/ --regions yolox_nano.onnx --vision mobilenet_v2_224.onnx --relations relations --out model',
    )
    .action((options: Options) => run(options, context));
}

async function run(options: Options, context: Context): Promise<void> {
  const { config, vision = [], ...rest } = options;
  const data = required(options.data, '--data <source...>');
  const out = required(options.out, '--out <dir>');
  const parsed = config === undefined ? undefined : await readJsonFile(config);
  const { trainGraphCaptioner } = await import('../captioners/graph/train.ts');
  const given = { ...rest, data, out, vision, config: parsed, configPlace: config, signal: context.signal };
  await follow(trainGraphCaptioner(given), draw, context);
}

function draw(event: GraphTrainEvent, output: Output): void {
  switch (event.kind) {
    case 'parsing':
      output.progress({ ...event, label: 'parsing captions', unit: 'images', rate: event.imagesPerSecond });
      break;
    case 'relating':
      output.progress({ ...event, label: 'finding relations', unit: 'images', rate: event.imagesPerSecond });
      break;
    case 'plan': {
      output.print(
        `${counted(event.images, 'image')}, ${counted(event.captions, 'caption')}; ${event.regions.toFixed(1)} regions and ${event.edges.toFixed(2)} relations of a picture; ${millions(event.parameters)} parameters${planned(event)}`,
      );
      break;
    }
    case 'step': {
      const reward = event.reward === undefined ? '' : `, reward ${event.reward.toFixed(3)}`;
      const progress = stepProgress(event);
      output.progress({ ...progress, detail: `${progress.detail}${reward}` });
      break;
    }
    case 'validation': {
      const kinds =
        event.kinds === undefined ? '' : `, kinds of words ${(100 * event.kinds.accuracy).toFixed(1)} %`;
      output.print(
        `step ${event.step}: CIDEr-D ${event.ciderD.toFixed(3)}, BLEU-4 ${event.bleu4.toFixed(3)}, loss ${event.captionLoss.toFixed(3)}${kinds}${event.best ? ', the best so far' : ''}`,
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
