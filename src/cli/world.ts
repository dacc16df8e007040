import { Option } from 'commander';
import { WRITE_FORMATS, type WriteFormat, writeDataset } from '../data/index.ts';
import { PLAIN, WORLD_KINDS, type WorldCaptionKind, worldDataset } from '../world/index.ts';
import type { Context, Register } from './main.ts';
import { required, wholeNumber, wholeRange } from './options.ts';
import { counted } from './output.ts';

interface WorldOptions {
  count?: number;
  size: number;
  seed: number;
  objects: [number, number];
  wordings: number;
  grid: number;
  plain: boolean;
  out?: string;
  format: WriteFormat;
  overwrite: boolean;
}

export const register: Register = (program, context) => {
  program
    .command('world')
    .summary('draw a collection of scenes with true captions')
    .description(
      'Draws scenes of coloured shapes and writes them with alt, short and descriptive captions of what is in them.',
    )
    .option('--count <n>', 'number of scenes', wholeNumber(1, 1_000_000))
    .option('--size <pixels>', 'width and height of a picture; 32 to 128 is usual', wholeNumber(16, 4096), 64)
    .option('--seed <k>', 'the same seed draws the same scenes', wholeNumber(0), 0)
    .addOption(
      new Option('--objects <range>', 'objects in a scene')
        .argParser(wholeRange(1, 4))
        .default([1, 4], '1-4'),
    )
    .option('--wordings <n>', 'captions of each kind, differently worded', wholeNumber(1, 20), 1)
    .option(
      '--grid <n>',
      'centres of objects on the lines of a grid of n × n cells, two sizes only, which is learnt sooner; 0: anywhere',
      wholeNumber(0, 64),
      0,
    )
    .option(
      '--plain',
      'no textures, letters, fading backgrounds or objects on objects: learnt in minutes',
      false,
    )
    .option('--out <dir>', 'folder to write; made if it is not there')
    .addOption(
      new Option('--format <format>', 'form of the collection').choices(WRITE_FORMATS).default('webdataset'),
    )
    .option('--overwrite', 'replace files that are there already', false)
    .addHelpText('after', '\nExample:\n  $ recaption world --count 1000 --size 64 --seed 1 --out scenes')
    .action((options: WorldOptions) => drawWorld(options, context));
};

async function drawWorld(options: WorldOptions, { output, signal }: Context): Promise<void> {
  const { size, seed, wordings, grid, plain, format, overwrite } = options;
  const [minObjects, maxObjects] = options.objects;
  const count = required(options.count, '--count <n>');
  const out = required(options.out, '--out <dir>');
  const kinds = WORLD_KINDS.flatMap((kind) => Array<WorldCaptionKind>(wordings).fill(kind));
  const started = performance.now();
  const world = { size, seed, minObjects, maxObjects, grid, ...(plain && PLAIN) };
  let drawn = 0;
  async function* scenes() {
    for await (const scene of worldDataset({ ...world, count, kinds })) {
      signal.throwIfAborted();
      yield scene;
      drawn++;
      const rate = (1000 * drawn) / Math.max(1, performance.now() - started);
      const secondsLeft = (count - drawn) / rate;
      output.progress({ label: 'drawing', done: drawn, total: count, unit: 'scenes', rate, secondsLeft });
    }
  }
  await writeDataset(scenes(), { to: out, format, overwrite });
  output.record({
    kind: 'done',
    scenes: drawn,
    size,
    seed,
    ...(grid > 0 && { grid }),
    ...(plain && { plain }),
    format,
    out,
  });
  output.print(`${counted(drawn, 'scene')}: ${out}`);
}
