import { join } from 'node:path';
import { Option } from 'commander';
import type { CaptionKind } from '../data/sample.ts';
import { UsageError } from '../errors.ts';
import { type GenerateJobOptions, generatePictures } from '../jobs/generate-job.ts';
import { SAMPLERS } from '../models/diffusion-transformer/solve.ts';
import { isServerRef } from '../remote/reference.ts';
import type { Device } from '../tensor/device.ts';
import {
  addPatienceOptions,
  connectionOptions,
  refuseWithoutServer,
  type ServerPatience,
} from './caption-server.ts';
import { type Context, EXIT, type Register } from './main.ts';
import { deviceOption, number, required, wholeNumber } from './options.ts';
import { counted, formatDuration, printable } from './output.ts';
import { shortPath } from './places.ts';
import { kindOption, promptsOf } from './prompts.ts';

interface Options extends Omit<GenerateJobOptions['request'], 'batch'>, ServerPatience {
  model: string;
  text?: string;
  latent?: string;
  prompts?: string;
  kind?: CaptionKind;
  out?: string;
  seed: number;
  count: number;
  batch?: number;
  grid: boolean;
  overwrite: boolean;
  device: Device;
}

export const register: Register = (program, context) => {
  const generate = program
    .command('generate')
    .summary('draw pictures of prompts')
    .description(
      'Draws pictures of prompts into a folder: PNG files that carry their prompt, seed and model, an index.jsonl, and with --grid one picture of all. ' +
        'Killed at any time, the same command goes on where it was.',
    )
    .argument('[prompt...]', 'what to draw')
    .option('--model <ref>', 'folder made by "recaption train generator", a name that comes with the package, or openai:MODEL@URL', 'world')
    .option('--text <ref>', 'where its frozen text encoder lies now')
    .option('--latent <dir>', 'where its autoencoder lies now')
    .option('--prompts <file>', 'prompts: a line each, or JSON lines with "prompt"')
    .addOption(kindOption())
    .option('--out <dir>', 'folder for the pictures')
    .option('--steps <n>', "steps from noise to picture (default: the model's own)", wholeNumber(1, 1000))
    .option('--guidance <g>', 'how far to follow the words; 1 as they are', number('from 0 to 100', (g) => g >= 0 && g <= 100)) // biome-ignore format: one line
    .addOption(new Option('--sampler <name>', 'how to get from noise to picture').choices(SAMPLERS))
    .option(
      '--shift <s>',
      'above 1: more of the steps near the noise',
      number('above 0', (s) => s > 0),
    )
    .option('--negative <text>', 'what to draw away from')
    .option('--seed <k>', 'the same seed and prompt draw the same picture', wholeNumber(0), 0)
    .option('--count <n>', 'pictures of each prompt', wholeNumber(1, 10_000), 1)
    .option('--batch <n>', 'pictures drawn at once; it changes none of them', wholeNumber(1, 1024))
    .option('--grid', 'also write grid.png, with all pictures', false)
    .option('--overwrite', 'replace pictures of other prompts or settings', false)
    .addOption(deviceOption())
    .addHelpText(
      'after',
      '\nExample:\n  $ recaption generate "three small red circles left of a blue square, white background" --out pictures',
    )
    .action((prompts: string[], options: Options) => draw(prompts, options, context));
  addPatienceOptions(generate);
};

/** Options that generators of ours have. */
const OWN = ['steps', 'guidance', 'sampler', 'shift', 'negative', 'text', 'latent'] as const;

async function draw(words: string[], options: Options, context: Context): Promise<void> {
  const {
    model,
    text,
    latent,
    device,
    batch,
    prompts: file,
    kind,
    seed,
    count,
    grid,
    overwrite,
    ...rest
  } = options;
  const out = required(options.out, '--out <dir>');
  const { steps, guidance, sampler, shift, negative } = rest;
  if (words.length > 0 === (file !== undefined)) {
    throw new UsageError(words.length > 0 ? 'give prompts, or --prompts, not both' : 'what shall be drawn?', {
      hint: 'For example: recaption generate "a red circle on a white background" --out pictures',
    });
  }
  refuseWithoutServer([model], options, '--model');
  const own = isServerRef(model) ? OWN.find((name) => options[name] !== undefined) : undefined;
  if (own !== undefined) throw new UsageError(`a server is not told --${own}`, { hint: 'What it can be told is the prompt, the seed and the model: leave it out.' }); // biome-ignore format: one line
  const { loadGenerator } = await import('../generators/load.ts');
  const generator = await loadGenerator(model, {
    device,
    text,
    latent,
    server: { ...connectionOptions(options), signal: context.signal },
    ...(batch && { batch }),
  });
  try {
    const prompts = file === undefined ? words : await promptsOf(file, kind, generator, context);
    const request = { steps, guidance, sampler, shift, negative };
    await drawAll({ generator, prompts, count, seed, request, out, grid, overwrite, previews: true, signal: context.signal }, context); // biome-ignore format: one line
  } finally {
    await generator.close();
  }
}

/** Draws, and tells of it. */
export async function drawAll(options: GenerateJobOptions, { output, exit }: Context): Promise<void> {
  const started = performance.now();
  for await (const event of generatePictures(options)) {
    output.record(event);
    if (event.kind === 'plan' && event.done > 0 && event.done < event.pictures)
      output.note(`${event.done} of ${counted(event.pictures, 'picture')} are there already`);
    if (event.kind === 'progress')
      output.progress({
        label: 'drawing',
        done: event.done,
        total: event.total,
        unit: 'pictures',
        rate: event.imagesPerSecond,
        secondsLeft: event.secondsLeft,
        detail: `step ${event.step}/${event.steps}`,
      });
    if (event.kind === 'failure') output.failure(event.failure);
    if (event.kind === 'done') {
      if (event.failed > 0) exit(EXIT.doneWithFailures);
      const where = printable(shortPath(event.out));
      const seconds = (performance.now() - started) / 1000;
      if (event.stopped) output.print(`${counted(event.added, 'picture')} drawn so far`);
      else if (event.added === 0)
        output.print(`Already there: ${counted(event.pictures, 'picture')} in ${where}`);
      else output.print(`${counted(event.added, 'picture')} drawn in ${formatDuration(seconds)}: ${where}`);
      if (event.pictures === 1 && !event.stopped) output.print(`To look at it, open ${output.bold(printable(shortPath(join(event.out, '00000.png'))))}`); // biome-ignore format: one line
      if (event.grid) output.print(`All in one picture: ${output.bold(printable(shortPath(event.grid)))}`);
    }
  }
}
