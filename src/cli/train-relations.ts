/** `train relations`: a relation graph learnt from captions. */
import { type Command, Option } from 'commander';
import type { TrainRelationsOptions } from '../captioners/relations/train.ts';
import type { RelationTrainEvent } from '../captioners/relations/train-events.ts';
import { type Context, EXIT } from './main.ts';
import { deviceOption, number, readJsonFile, required, wholeNumber } from './options.ts';
import { counted, formatDuration, type Output, printable } from './output.ts';
import { shortPath } from './places.ts';
import { length, millions, stepProgress } from './train.ts';

type Options = Partial<Pick<TrainRelationsOptions, 'data' | 'out' | 'regions' | 'vision'>> &
  Omit<TrainRelationsOptions, 'data' | 'out' | 'regions' | 'vision' | 'config' | 'configPlace' | 'signal'> & {
    config?: string;
  };

export function registerRelations(train: Command, context: Context): void {
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
      '\nExample:\n  $ recaption train relations --data photos/ --regions yolox_nano.onnx --vision mobilenet_v2_224.onnx --out relations',
    )
    .action((options: Options) => run(options, context));
}

async function run(options: Options, { output, signal, exit }: Context): Promise<void> {
  const { config, vision = [], ...rest } = options;
  const data = required(options.data, '--data <source...>');
  const out = required(options.out, '--out <dir>');
  const regions = required(options.regions, '--regions <ref>');
  const parsed = config === undefined ? undefined : await readJsonFile(config);
  const { trainRelations } = await import('../captioners/relations/train.ts');
  const given = { ...rest, data, out, regions, vision, config: parsed, configPlace: config, signal };
  for await (const event of trainRelations(given)) {
    output.record(event);
    draw(event, output);
    if (event.kind === 'done' && event.failed > 0) exit(EXIT.doneWithFailures);
  }
}

function draw(event: RelationTrainEvent, output: Output): void {
  switch (event.kind) {
    case 'features':
      output.progress({ ...event, label: event.encoder, unit: 'images', rate: event.imagesPerSecond });
      break;
    case 'parsing':
      output.progress({ ...event, label: 'parsing captions', unit: 'images', rate: event.imagesPerSecond });
      break;
    case 'plan': {
      const steps = event.steps === undefined ? '' : `, ${counted(event.steps, 'step')}`;
      const resumed = event.resumedFrom > 0 ? `, going on from step ${event.resumedFrom}` : '';
      output.print(
        `${counted(event.images, 'image')}, ${event.told} of them with a relation between regions told of; ${counted(event.predicates, 'predicate')}, ${millions(event.parameters)} parameters${steps}${resumed}`,
      );
      break;
    }
    case 'step':
      output.progress(stepProgress(event));
      break;
    case 'validation':
      output.print(`step ${event.step}: recall at 20 ${(100 * event.recall).toFixed(1)} %${event.best ? ', the best so far' : ''}`); // biome-ignore format: one line
      break;
    case 'warning':
      output.note(`warning: ${event.message}`);
      break;
    case 'failure':
      output.failure(event.failure);
      break;
    case 'done': {
      const recall = event.recall === undefined ? '' : `, recall at 20 ${(100 * event.recall).toFixed(1)} %`;
      const verb = event.stopped ? 'Stopped after' : 'Trained';
      output.print(`${verb} ${event.step} steps in ${formatDuration(event.minutes * 60)}${recall}: ${printable(event.path)}`); // biome-ignore format: one line
      if (!event.stopped)
        output.print(`${event.edges.toFixed(2)} relations of a picture, above a score of ${event.threshold.toPrecision(3)}`); // biome-ignore format: one line
      if (event.failures !== undefined)
        output.print(`${counted(event.failed, 'sample')} left out, listed in ${printable(shortPath(event.failures))}`); // biome-ignore format: one line
    }
  }
}
