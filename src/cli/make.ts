import { basename, dirname, extname, join } from 'node:path';
import { Option } from 'commander';
import { failureList, writeDataset, writeFailures } from '../data/index.ts';
import { isInside } from '../data/paths.ts';
import type { Sample } from '../data/sample.ts';
import { FINETUNE_KINDS, type FinetuneKind, type FinetuneSample, finetuneSet } from '../jobs/finetune-set.ts';
import { random, reservoir } from '../random.ts';
import { loadSceneGraphParser } from '../text/scene-graph/index.ts';
import { shellWord } from './interrupt.ts';
import { type Context, EXIT, type Register } from './main.ts';
import { required, wholeNumber } from './options.ts';
import { counted, type Output, printable } from './output.ts';
import { shortPath } from './places.ts';

interface FinetuneOptions {
  kind?: FinetuneKind;
  out?: string;
  seed: number;
  overwrite: boolean;
}

/** Samples shown before and after. */
const EXAMPLES = 3;

export const register: Register = (program, context) => {
  const make = program
    .command('make')
    .summary('make captions to learn from')
    .description('Makes captions to learn from, out of what people wrote.')
    .addHelpText('after', '\nExample:\n  $ recaption make finetune-set --help');
  make
    .command('finetune-set')
    .summary('make short or descriptive captions of the captions that people wrote')
    .description(
      'Makes one caption of all that people wrote about a picture: the main subject alone (short), or everything that ' +
        'they say together (descriptive). Captions of that kind that are there already are kept.',
    )
    .argument('<source...>', 'pictures with captions: folders, .tar shards, .jsonl, COCO json')
    .addOption(new Option('--kind <kind>', 'what to make').choices(FINETUNE_KINDS))
    .option('--out <place>', 'folder for .tar shards, or a .jsonl file; pictures from elsewhere are copied')
    .option('--seed <k>', 'of the examples that are shown', wholeNumber(0), 0)
    .option('--overwrite', 'replace files that are there already', false)
    .addHelpText(
      'after',
      '\nExample:\n  $ recaption make finetune-set photos/ --kind descriptive --out descriptive-set',
    )
    .action((sources: string[], options: FinetuneOptions) => makeFinetuneSet(sources, options, context));
};

async function makeFinetuneSet(
  sources: string[],
  options: FinetuneOptions,
  { output, signal, exit }: Context,
): Promise<void> {
  const { seed, overwrite } = options;
  const kind = required(options.kind, '--kind <kind>');
  const out = required(options.out, '--out <place>');
  const isFile = extname(out).toLowerCase() === '.jsonl';
  const folder = isFile ? dirname(out) : out;
  const failures = failureList();
  const examples = reservoir<FinetuneSample>(EXAMPLES, random(seed, 'examples'));
  const parser = await loadSceneGraphParser();
  const started = performance.now();
  let done = 0;
  let fused = 0;
  async function* samples(): AsyncGenerator<Sample> {
    for await (const made of finetuneSet(sources, { kind, parser, onFailure: failures.add })) {
      signal.throwIfAborted();
      examples.add(made);
      yield isFile ? withinReach(made.sample, folder) : made.sample;
      done++;
      if (made.fused) fused++;
      const rate = (1000 * done) / Math.max(1, performance.now() - started);
      output.progress({ label: 'making captions', done, unit: 'images', rate });
    }
  }
  const format = isFile ? 'jsonl' : 'webdataset';
  const images = await writeDataset(samples(), { to: out, format, overwrite, onFailure: failures.add });
  const failed = failures.all();
  const list = join(dirname(out), 'failures.jsonl');
  await writeFailures(list, out, failed);

  for (const failure of failed) output.failure(failure);
  for (const example of examples.kept()) show(example, output);
  output.record({ kind: 'done', captions: kind, images, fused, kept: done - fused, failed: failed.length, out, ...(failed.length > 0 && { failures: list }) }); // biome-ignore format: one line
  output.print(`${counted(images, 'image')} with ${kind} captions, ${fused.toLocaleString('en')} of them made here: ${printable(out)}`); // biome-ignore format: one line
  if (failed.length > 0) {
    output.print(`${counted(failed.length, 'sample')} left out, listed in ${printable(shortPath(list))}`);
    exit(EXIT.doneWithFailures);
  }
  output.print(`Use it: recaption train captioner --init MODEL --kind ${kind} --data ${shellWord(printable(out))} --out ${kind}-captioner`); // biome-ignore format: one line
}

/**
 * A reader follows no JSONL out of its folder, so a picture from elsewhere goes without its place: the writer then puts a
 * copy beside the file.
 */
function withinReach(sample: Sample, folder: string): Sample {
  const { path, name, bytes } = sample.image;
  const [, shard, member] = /^(.+\.tar)#(.+)$/i.exec(name) ?? [];
  if (isInside(folder, path ?? shard ?? name)) return sample;
  return { ...sample, image: { name: basename(member ?? name), bytes } };
}

function show({ sample, before, fused }: FinetuneSample, output: Output): void {
  const captions = sample.captions.map(({ text }) => text);
  output.record({
    kind: 'example',
    key: sample.key,
    before: before.map(({ text }) => text),
    captions,
    fused,
  });
  output.print(output.bold(printable(sample.key)));
  for (const { text } of before) output.print(output.dim(`  before: ${printable(text)}`));
  for (const text of captions) output.print(`  after:  ${printable(text)}`);
}
