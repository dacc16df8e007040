/** `train relations`: a relation graph learnt from captions. */
import type { Command } from 'commander';
import type { TrainRelationsOptions } from '../captioners/relations/train.ts';
import type { RelationTrainEvent } from '../captioners/relations/train-events.ts';
import type { Context } from './main.ts';
import { readJsonFile, required } from './options.ts';
import { counted, type Output } from './output.ts';
import { drawCommon, drawDone, follow, millions, planned, runOptions, stepProgress } from './training.ts';

type Options = Partial<Pick<TrainRelationsOptions, 'data' | 'out' | 'regions' | 'vision'>> &
  Omit<TrainRelationsOptions, 'data' | 'out' | 'regions' | 'vision' | 'config' | 'configPlace' | 'signal'> & {
    config?: string;
  };

export function registerRelations(train: Command, context: Context): void {
  runOptions(
    train
      .command('relations')
      .summary('learn from captions how things in pictures stand to each other')
      .description(
        'Learns a relation graph: a detector finds regions, captions are parsed, and what they tell of two things is learnt from the regions ' +
          'that these may be. No relation is ever marked in a picture. The folder it writes is what --relations and "recaption graph --model" take.',
      )
      .option('--data <source...>', 'pictures with captions: folders, .tar shards, metadata.jsonl, COCO json')
      .option('--val <source>', 'pictures with captions kept apart, to measure recall while it trains')
      .option('--out <dir>', 'folder for the model, its checkpoints and metrics.jsonl')
      .option('--regions <ref>', 'detector: an ONNX file, a hub id, or "world" for scenes')
      .option(
        '--vision <ref...>',
        'frozen encoders whose feature maps describe regions; without, labels and boxes alone',
      )
      .option('--supervised', 'learn what scenes say of their objects instead of what captions tell', false)
      .option(
        '--config <file>',
        'JSON file: sizes of the network, learning rate, how rare predicates are balanced',
      ),
  )
    .addHelpText(
      'after',
      '\nExample:\n  $ recaption train relations --data photos/ --regions yolox_nano.onnx --vision mobilenet_v2_224.onnx --out relations',
    )
    .action((options: Options) => run(options, context));
}

async function run(options: Options, context: Context): Promise<void> {
  const { config, vision = [], ...rest } = options;
  const data = required(options.data, '--data <source...>');
  const out = required(options.out, '--out <dir>');
  const regions = required(options.regions, '--regions <ref>');
  const parsed = config === undefined ? undefined : await readJsonFile(config);
  const { trainRelations } = await import('../captioners/relations/train.ts');
  const given = {
    ...rest,
    data,
    out,
    regions,
    vision,
    config: parsed,
    configPlace: config,
    signal: context.signal,
  };
  await follow(trainRelations(given), draw, context);
}

function draw(event: RelationTrainEvent, output: Output): void {
  switch (event.kind) {
    case 'parsing':
      output.progress({ ...event, label: 'parsing captions', unit: 'images', rate: event.imagesPerSecond });
      break;
    case 'plan': {
      output.print(
        `${counted(event.images, 'image')}, ${event.told} of them with a relation between regions told of; ${counted(event.predicates, 'predicate')}, ${millions(event.parameters)} parameters${planned(event)}`,
      );
      break;
    }
    case 'step':
      output.progress(stepProgress(event));
      break;
    case 'validation':
      output.print(`step ${event.step}: recall at 20 ${(100 * event.recall).toFixed(1)} %${event.best ? ', the best so far' : ''}`); // biome-ignore format: one line
      break;
    case 'done': {
      const recall = event.recall === undefined ? '' : `, recall at 20 ${(100 * event.recall).toFixed(1)} %`;
      const edges = `${event.edges.toFixed(2)} relations of a picture, above a score of ${event.threshold.toPrecision(3)}`;
      drawDone(event, recall, output, event.stopped ? [] : [edges]);
      break;
    }
    default:
      drawCommon(event, output);
  }
}
