import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { CaptionKind } from '../data/sample.ts';
import { UsageError } from '../errors.ts';
import { SKILLS } from '../evaluate/scene-check.ts';
import { evaluateScenes, type Rate, type SceneScores } from '../evaluate/scenes.ts';
import { readError } from '../files.ts';
import { decodeImage, type Image } from '../image/index.ts';
import { readIndex } from '../jobs/generate-job.ts';
import type { Device } from '../tensor/device.ts';
import { registerAutoencoder } from './evaluate-autoencoder.ts';
import { registerGenerator } from './evaluate-generator.ts';
import { registerPreferences } from './evaluate-preferences.ts';
import { registerRelations } from './evaluate-relations.ts';
import { registerVerdicts } from './evaluate-verdicts.ts';
import { type Context, EXIT, type Register } from './main.ts';
import { deviceOption, number, required, wholeNumber } from './options.ts';
import { counted, type Output } from './output.ts';
import { kindOption, promptsOf } from './prompts.ts';

interface Options {
  images?: string;
  model?: string;
  weights?: string[];
  text?: string;
  latent?: string;
  prompts?: string;
  kind?: CaptionKind;
  count: number;
  steps?: number;
  guidance?: number;
  seed: number;
  limit?: number;
  device: Device;
}

export const register: Register = (program, context) => {
  const evaluate = program
    .command('evaluate')
    .summary('measure what models draw and find')
    .description('Measures what models draw and find in pictures.')
    .addHelpText('after', '\nExample:\n  $ recaption evaluate scenes --help');
  evaluate
    .command('scenes')
    .summary('read pictures of the world, and set them beside their prompts')
    .description(
      'Reads pictures of scenes back into what they show, and counts how many show what their prompts ask for: per skill and in all, with ' +
        '95 % intervals bootstrapped over prompts.',
    )
    .option('--images <dir>', 'folder made by "recaption generate", or pictures named by the number of their prompt: 00000.png or 00000-0.png') // biome-ignore format: one line
    .option('--model <ref>', 'generator to draw with, in place of a folder of pictures')
    .option('--weights <file...>', 'weights of snapshots of its training; a row for each of several')
    .option('--text <ref>', 'where its frozen text encoder lies now')
    .option('--latent <dir>', 'where its autoencoder lies now')
    .option('--prompts <file>', 'prompts: a line each, or JSON lines with "prompt"')
    .addOption(kindOption())
    .option('--count <n>', 'pictures of each prompt, with --model', wholeNumber(1, 1000), 4)
    .option('--steps <n>', "steps of drawing (default: the model's own)", wholeNumber(1, 1000))
    .option(
      '--guidance <g>',
      "guidance (default: the model's own)",
      number('from 0 to 100', (g) => g >= 0 && g <= 100),
    )
    .option('--seed <k>', 'of the noise', wholeNumber(0), 0)
    .option('--limit <n>', 'only the first prompts', wholeNumber(1))
    .addOption(deviceOption())
    .addHelpText(
      'after',
      '\nExample:\n  $ recaption evaluate scenes --model my-generator --prompts prompts.txt',
    )
    .action((options: Options) => scenes(options, context));
  registerAutoencoder(evaluate, context);
  registerGenerator(evaluate, context);
  registerRelations(evaluate, context);
  registerVerdicts(evaluate, context);
  registerPreferences(evaluate, context);
};

async function scenes(options: Options, context: Context): Promise<void> {
  const { output, signal } = context;
  if ((options.images === undefined) === (options.model === undefined))
    throw new UsageError('name either --images or --model', {
      hint: 'See: recaption evaluate scenes --help',
    });
  if (options.images !== undefined && (options.weights ?? options.limit) !== undefined)
    throw new UsageError('--weights and --limit go with --model', { hint: 'Leave them out with --images.' });
  if (options.images !== undefined) {
    const scores = await judge(found(options.images, options, context), context);
    if (!signal.aborted) print(scores, output);
    return;
  }
  const { weights = [undefined] } = options;
  for (const [i, file] of weights.entries()) {
    const scores = await judge(drawn(options, file, context), context, file);
    if (signal.aborted) return;
    if (weights.length === 1) print(scores, output);
    else printRow(basename(file!), scores, output, i === 0);
  }
}

/** @param weights named in the records where there are several */
async function judge(
  pictures: AsyncIterable<Picture>,
  { output, signal }: Context,
  weights?: string,
): Promise<SceneScores> {
  const evaluation = evaluateScenes();
  const started = performance.now();
  let done = 0;
  for await (const { prompt, image, total, place } of pictures) {
    if (signal.aborted) return evaluation.scores();
    const verdict = evaluation.add(prompt, image);
    done++;
    output.record({ kind: 'picture', place, prompt, met: verdict.met, tally: verdict.tally });
    const rate = (1000 * done) / (performance.now() - started);
    output.progress({
      label: 'reading',
      done,
      total,
      unit: 'pictures',
      rate,
      secondsLeft: (total - done) / rate,
    });
  }
  if (done === 0) throw new UsageError('there was no picture to read', { hint: 'Name a folder of pictures, or a model.' }); // biome-ignore format: one line
  const scores = evaluation.scores();
  output.record({ kind: 'scores', ...(weights && { weights }), ...scores });
  return scores;
}

interface Picture {
  prompt: string;
  image: Image;
  total: number;
  place: string;
}

async function* drawn(
  options: Options,
  weights: string | undefined,
  context: Context,
): AsyncGenerator<Picture> {
  const { model, device, text, latent } = options;
  const { loadGenerator } = await import('../generators/load.ts');
  const generator = await loadGenerator(model, { device, text, latent, weights });
  try {
    const prompts = (await promptsOf(required(options.prompts, '--prompts <file>'), options.kind, generator, context)).slice(0, options.limit); // biome-ignore format: one line
    const all = prompts.flatMap((prompt) => Array.from({ length: options.count }, (_, k) => ({ prompt, seed: options.seed + k }))); // biome-ignore format: one line
    const { steps, guidance } = options;
    for (let at = 0; at < all.length; at += generator.batch) {
      const part = all.slice(at, at + generator.batch);
      const seeds = part.map(({ seed }) => seed);
      const images = await generator.generate(
        part.map(({ prompt }) => prompt),
        { steps, guidance, seeds },
      );
      for (const [i, { prompt, seed }] of part.entries())
        yield { prompt, image: images[i], total: all.length, place: `seed ${seed}` };
    }
  } finally {
    await generator.close();
  }
}

async function* found(folder: string, options: Options, context: Context): AsyncGenerator<Picture> {
  const names = (await readdir(folder).catch((error) => { throw readError(folder, error); })).filter((name) => /^\d+(-\d+)?\.png$/.test(name)).sort(); // biome-ignore format: one line
  const index = await readIndex(join(folder, 'index.jsonl'));
  const prompts = options.prompts === undefined ? undefined : await promptsOf(options.prompts, options.kind, { check: () => {} }, context); // biome-ignore format: one line
  const { output, exit } = context;
  for (const name of names) {
    const place = join(folder, name);
    // The index knows what each was drawn from; the number of a picture is that of its prompt only where all prompts were drawn.
    const prompt = index.get(name)?.prompt ?? prompts?.[Number.parseInt(name, 10)];
    try {
      if (prompt === undefined) throw new UsageError('nothing says what its prompt was');
      const image = await decodeImage(place);
      if (image.width !== image.height) throw new UsageError('scenes are square');
      yield { prompt, image, total: names.length, place };
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error;
      output.failure({ message: error.message, place });
      output.record({
        kind: 'failure',
        failure: { key: name, place, code: error.code, message: error.message },
      });
      exit(EXIT.doneWithFailures);
    }
  }
}

const percent = ({ rate, interval: [low, high], asked }: Rate): string =>
  `${(100 * rate).toFixed(1).padStart(5)} %  [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]  of ${asked}`;

function print({ prompts, images, met, claims, skills, unread }: SceneScores, output: Output): void {
  if (unread > 0)
    output.note(`${counted(unread, 'picture')} left out: nothing that could be judged was asked for`);
  output.print(`${counted(images, 'picture')} of ${counted(prompts, 'prompt')}`);
  output.print(output.bold(`${'all met'.padEnd(12)}${percent(met)}`));
  output.print(`${'claims'.padEnd(12)}${percent(claims)}`);
  for (const skill of SKILLS) if (skills[skill]) output.print(`${skill.padEnd(12)}${percent(skills[skill])}`);
}

/** One of several snapshots: what all its pictures have right, in a row. */
function printRow(name: string, { met, skills }: SceneScores, output: Output, heads: boolean): void {
  const width = 11;
  if (heads) output.print(output.bold(['all met', ...SKILLS].map((head) => head.padStart(width)).join('')));
  const cells = [met, ...SKILLS.map((skill) => skills[skill])].map((rate) =>
    (rate ? `${(100 * rate.rate).toFixed(1)} %` : '–').padStart(width),
  );
  output.print(`${cells.join('')}  ${name}`);
}
