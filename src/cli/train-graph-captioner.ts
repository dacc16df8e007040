/** `train graph-captioner`: a captioner that reads a picture's relationship graph. */
import { type Command, Option } from 'commander';
import { EDGE_SOURCES } from '../captioners/graph/edges.ts';
import type { TrainGraphCaptionerOptions } from '../captioners/graph/train.ts';
import type { GraphTrainEvent } from '../captioners/graph/train-events.ts';
import { CAPTION_KINDS } from '../data/sample.ts';
import { shellWord } from './interrupt.ts';
import { type Context, EXIT } from './main.ts';
import { deviceOption, number, readJsonFile, required, wholeNumber } from './options.ts';
import { counted, formatDuration, type Output, printable } from './output.ts';
import { shortPath } from './places.ts';
import { length, millions, stepProgress } from './train.ts';

type Options = Partial<Pick<TrainGraphCaptionerOptions, 'data' | 'out' | 'vision'>> &
  Omit<TrainGraphCaptionerOptions, 'data' | 'out' | 'vision' | 'config' | 'configPlace' | 'signal'> & {
    config?: string;
  };

export function registerGraphCaptioner(train: Command, context: Context): void {
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
    .addOption(new Option('--kind <kind>', 'learn captions of this kind only (default: all)').choices(CAPTION_KINDS)) // biome-ignore format: one line
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
      '\nExample:\n  $ recaption train graph-captioner --data photos/ --regions yolox_nano.onnx --vision mobilenet_v2_224.onnx --relations relations --out model',
    )
    .action((options: Options) => run(options, context));
}

async function run(options: Options, { output, signal, exit }: Context): Promise<void> {
  const { config, vision = [], ...rest } = options;
  const data = required(options.data, '--data <source...>');
  const out = required(options.out, '--out <dir>');
  const parsed = config === undefined ? undefined : await readJsonFile(config);
  const { trainGraphCaptioner } = await import('../captioners/graph/train.ts');
  const given = { ...rest, data, out, vision, config: parsed, configPlace: config, signal };
  for await (const event of trainGraphCaptioner(given)) {
    output.record(event);
    draw(event, output);
    if (event.kind === 'done' && event.failed > 0) exit(EXIT.doneWithFailures);
  }
}

function draw(event: GraphTrainEvent, output: Output): void {
  switch (event.kind) {
    case 'features':
      output.progress({ ...event, label: event.encoder, unit: 'images', rate: event.imagesPerSecond });
      break;
    case 'parsing':
      output.progress({ ...event, label: 'parsing captions', unit: 'images', rate: event.imagesPerSecond });
      break;
    case 'relating':
      output.progress({ ...event, label: 'finding relations', unit: 'images', rate: event.imagesPerSecond });
      break;
    case 'plan': {
      const steps = event.steps === undefined ? '' : `, ${counted(event.steps, 'step')}`;
      const resumed = event.resumedFrom > 0 ? `, going on from step ${event.resumedFrom}` : '';
      output.print(
        `${counted(event.images, 'image')}, ${counted(event.captions, 'caption')}; ${event.regions.toFixed(1)} regions and ${event.edges.toFixed(2)} relations of a picture; ${millions(event.parameters)} parameters${steps}${resumed}`,
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
    case 'warning':
      output.note(`warning: ${event.message}`);
      break;
    case 'failure':
      output.failure(event.failure);
      break;
    case 'done': {
      const score = event.ciderD === undefined ? '' : `, CIDEr-D ${event.ciderD.toFixed(3)}`;
      const verb = event.stopped ? 'Stopped after' : 'Trained';
      output.print(`${verb} ${event.step} steps in ${formatDuration(event.minutes * 60)}${score}: ${printable(event.path)}`); // biome-ignore format: one line
      if (event.failures !== undefined)
        output.print(`${counted(event.failed, 'sample')} left out, listed in ${printable(shortPath(event.failures))}`); // biome-ignore format: one line
      if (!event.stopped)
        output.print(`Use it: recaption caption SOURCE --captioner ${shellWord(printable(event.path))}`);
    }
  }
}
