import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Option } from 'commander';
import type { PictureGraph } from '../captioners/relations/load.ts';
import { loadEach, openDataset } from '../data/index.ts';
import { regionsOf } from '../data/regions.ts';
import type { Failure } from '../data/sample.ts';
import { fileNameOf } from '../data/writers/target.ts';
import { UsageError } from '../errors.ts';
import { writeError, writeFileAtomic } from '../files.ts';
import { dataUrl, encodePng, type Image, rasterise } from '../image/index.ts';
import type { View } from '../models/training/prepare.ts';
import type { Device } from '../tensor/device.ts';
import { type Context, EXIT, type Register } from './main.ts';
import { deviceOption, number } from './options.ts';
import { counted, type Output, printable } from './output.ts';

interface Options {
  regions?: string;
  model?: string;
  vision?: string[];
  threshold?: number;
  out?: string;
  format: 'svg' | 'png';
  device: Device;
}

/** Who makes graphs of pictures. */
interface Grapher {
  resolution: number;
  graphs(views: readonly View[]): Promise<PictureGraph[]>;
  close(): Promise<void>;
}

const BATCH = 8;
/** Longest side of the pictures that are drawn. */
const DRAWN = 1024;

export const register: Register = (program, context) => {
  program
    .command('graph')
    .summary('find regions in pictures, and how they stand to each other')
    .description(
      'Finds regions in pictures and, with a relation graph made by "recaption train relations", how they stand to each other; prints them, ' +
        'and draws them on the pictures.',
    )
    .argument('<source...>', 'pictures: files, folders, shards, collections')
    .option('--model <dir>', 'relation graph; without it only regions are found')
    .option('--regions <ref>', "detector: ONNX file, hub id, \"world\" or \"grid\" (default: the model's own)")
    .option('--vision <ref...>', "where the encoders of the model lie now")
    .option('--threshold <p>', 'least score of a relation (default: that of the model)', number('from 0 to 1', (p) => p >= 0 && p <= 1)) // biome-ignore format: one line
    .option('--out <dir>', 'folder for the drawn pictures')
    .addOption(new Option('--format <form>', 'of the drawn pictures').choices(['svg', 'png']).default('svg'))
    .addOption(deviceOption())
    .addHelpText('after', '\nExample:\n  $ recaption graph photos/ --model relations --out graphs')
    .action((sources: string[], options: Options) => run(sources, options, context));
};

async function run(sources: string[], options: Options, context: Context): Promise<void> {
  const { output, signal, exit } = context;
  const grapher = await open(options);
  const [done, failures] = [{ pictures: 0, relations: 0 }, [] as Failure[]];
  try {
    let batch: { key: string; image: Image; view: View }[] = [];
    const flush = async () => {
      const graphs = await grapher.graphs(batch.map(({ view }) => view));
      for (const [i, graph] of graphs.entries()) {
        const { key, image } = batch[i];
        output.record({ key, ...graph });
        tell(key, graph, output);
        if (options.out !== undefined) await draw(options.out, key, image, graph, options.format);
        done.pictures++;
        done.relations += graph.relations.length;
      }
      batch = [];
    };
    const fail = (failure: Failure) => {
      failures.push(failure);
      output.record({ kind: 'failure', failure });
      output.failure(failure);
    };
    for (const source of sources) {
      for await (const loaded of loadEach(await openDataset(source, { onFailure: fail }), {
        maxSide: Math.max(DRAWN, grapher.resolution),
      })) {
        // biome-ignore format: one line
        if (signal.aborted) return;
        if ('code' in loaded) {
          fail(loaded);
          continue;
        }
        const { sample, image } = loaded;
        batch.push({ key: sample.key, image, view: { image, regions: regionsOf(sample.meta) } });
        if (batch.length === BATCH) await flush();
      }
    }
    if (batch.length > 0) await flush();
  } finally {
    await grapher.close();
  }
  output.note(`${counted(done.pictures, 'picture')}, ${counted(done.relations, 'relation')}${options.out === undefined ? '' : `, drawn in ${printable(options.out)}`}`); // biome-ignore format: one line
  if (failures.length > 0) exit(EXIT.doneWithFailures);
}

async function open({ model, regions, vision, device }: Options): Promise<Grapher> {
  if (model !== undefined) {
    const { loadRelations } = await import('../captioners/relations/load.ts');
    return loadRelations(model, { device, regions, vision });
  }
  if (regions === undefined)
    throw new UsageError('name a relation graph by --model, or a detector by --regions', { hint: 'See: recaption graph --help' }); // biome-ignore format: one line
  const { openRegions } = await import('../captioners/regions/open.ts');
  const { labels, resolution, propose, close } = await openRegions(regions, device);
  return {
    resolution,
    close,
    graphs: async (views) =>
      (await propose(views)).map((found) => ({
        regions: found.map(({ box, label, score }) => ({ label: labels[label] ?? '', score, box })),
        relations: [],
      })),
  };
}

function tell(key: string, { regions, relations }: PictureGraph, output: Output): void {
  output.print(`${output.bold(printable(key))}  ${counted(regions.length, 'region')}`);
  const name = (i: number) => `${regions[i].label || 'region'} ${i}`;
  for (const [i, { score, box }] of regions.entries()) {
    const [left, top, right, bottom] = [box.x, box.y, box.x + box.width, box.y + box.height].map((share) => `${Math.round(100 * share)}`); // biome-ignore format: one line
    output.print(`  ${printable(name(i))}  ${score.toFixed(2)}  ${output.dim(`${left},${top} to ${right},${bottom} %`)}`); // biome-ignore format: one line
  }
  for (const { subject, predicate, object, score } of relations)
    output.print(`  ${printable(`${name(subject)}, ${predicate}, ${name(object)}`)}  ${score.toFixed(2)}`);
}

async function draw(
  out: string,
  key: string,
  image: Image,
  graph: PictureGraph,
  format: Options['format'],
): Promise<void> {
  const { drawGraph } = await import('../captioners/relations/draw.ts');
  const svg = drawGraph(dataUrl(await encodePng(image)), image, graph);
  await mkdir(out, { recursive: true }).catch((error) => {
    throw writeError(out, error);
  });
  await writeFileAtomic(
    join(out, `${fileNameOf(key)}.${format}`),
    format === 'svg' ? svg : await rasterise(svg),
  );
}
