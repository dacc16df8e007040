import { Option } from 'commander';
import type { CompareEvent, CompareOptions } from '../experiments/compare.ts';
import { PROMPT_KINDS, type PromptKind } from '../experiments/prompts.ts';
import type { CompareReport } from '../experiments/report.ts';
import type { RunResult } from '../experiments/run.ts';
import type { Device } from '../tensor/device.ts';
import { shellWord } from './interrupt.ts';
import { type Context, EXIT, type Register } from './main.ts';
import { choicesOf, deviceOption, number, readJsonFile, required, several, wholeNumber } from './options.ts';
import { counted, formatDuration, type Output, printable } from './output.ts';
import { shortPath } from './places.ts';
import { length, stepProgress } from './training.ts';

/** The library's options as they are typed. */
type Options = Omit<CompareOptions, 'arms' | 'data' | 'out' | 'clip' | 'config' | 'signal' | 'upsample'> & {
  data?: string[];
  captions?: string[];
  out?: string;
  clip?: string;
  config?: string;
  upsampler: string;
};

export const register: Register = (program, context) => {
  program
    .command('compare')
    .summary('find out which captions make the better generator')
    .description(
      'Trains the same generator on each of several ways to caption the same pictures, asks all for the same prompts with the same noise, and writes a ' +
        'report of who drew more of what was asked for, with intervals. Killed at any time, it goes on with --resume.',
    )
    .option('--data <source...>', 'pictures with captions of several kinds: folders, shards, workspaces')
    .option(
      '--captions <name=mix>',
      'captions to compare, such as B=descriptive:0.95,alt:0.05; once for each, the first is compared with',
      several,
    )
    .option('--seeds <n>', 'trainings of each', wholeNumber(1, 100), 1)
    .addOption(length('--steps <n>', 'length of each training, in steps', ['minutes']))
    .addOption(
      new Option(
        '--minutes <m>',
        'about so many minutes for each training: turned into steps once, the same for all (default: 5)',
      )
        .argParser(number('above 0', (m) => m > 0))
        .conflicts(['steps']),
    )
    .addOption(
      new Option(
        '--prompts <kinds>',
        'kinds of captions to draw, of pictures that nobody learns (default: descriptive)',
      ).argParser(
        choicesOf(
          PROMPT_KINDS.filter((kind) => kind !== 'rare' && kind !== 'as-learnt'),
          'kinds of prompts',
        ),
      ),
    )
    .option('--test <source...>', 'take the prompts from these pictures (default: hold out some of --data)')
    .option('--held-out <n>', 'pictures of --data to hold out', wholeNumber(1), 200)
    .option('--most <n>', 'prompts of each kind, at most', wholeNumber(1), 200)
    .option('--count <n>', 'pictures of each prompt', wholeNumber(1, 100), 1)
    .option(
      '--upsampler <ref>',
      'language model that makes prompts longer, for the kind "upsampled"',
      'starter',
    )
    .option('--clip <ref>', 'also judge by this CLIP: a captioner, a hub id, a folder')
    .option(
      '--config <file>',
      'JSON file: sizes of the network, learning rate, batch; as "train generator" takes it',
    )
    .option('--size <pixels>', 'width and height of the pictures that are drawn', wholeNumber(8, 1024))
    .option('--latent <dir>', 'draw the latents of this autoencoder')
    .option('--text <ref>', 'frozen text encoder')
    .option('--init <ref>', 'generator that all start from')
    .option('--out <dir>', 'folder for the models, the pictures and the report')
    .option('--seed <k>', 'the first seed; of the prompts and the noise too', wholeNumber(0), 1)
    .addOption(deviceOption())
    .option('--resume', 'go on with the comparison in --out', false)
    .addHelpText(
      'after',
      '\nExample:\n  $ recaption compare --data scenes --captions A=alt --captions B=descriptive:0.95,alt:0.05 --minutes 10 --prompts short,descriptive --out comparison',
    )
    .action((options: Options, command) => compareCommand(options, context, command.parent?.rawArgs ?? []));
};

async function compareCommand(options: Options, context: Context, argv: string[]): Promise<void> {
  const { captions, config, clip: clipRef, upsampler, prompts = ['descriptive'], ...rest } = options;
  const data = required(options.data, '--data <source...>');
  const names = required(captions, '--captions <name=mix>');
  const out = required(options.out, '--out <dir>');
  const { parseArm } = await import('../experiments/arms.ts');
  const arms = names.map(parseArm);
  const parsed = config === undefined ? undefined : await readJsonFile(config);
  const { checkComparison, compare } = await import('../experiments/compare.ts');
  await checkComparison({ ...rest, data, out, arms, config: parsed, configPlace: config }); // before any model is fetched
  const judges = await openJudges({ ...options, clip: clipRef, signal: context.signal }, prompts);
  try {
    const { clip, upsample } = judges;
    const given = {
      ...rest,
      prompts,
      data,
      out,
      arms,
      clip,
      upsample,
      config: parsed,
      configPlace: config,
      signal: context.signal,
    };
    for await (const event of compare({ ...given, command: commandLine(argv) }))
      tellComparison(event, context);
  } finally {
    await judges.close();
  }
}

/** The models beside the generators: a CLIP where one is named, a prompt writer where prompts are to be upsampled. */
export async function openJudges(
  { clip: ref, upsampler, device, signal }: { clip?: string; upsampler: string; device: Device; signal: AbortSignal }, // biome-ignore format: one line
  prompts: readonly PromptKind[],
) {
  const opened: { close(): Promise<void> }[] = [];
  const close = async () => {
    for (const one of opened) await one.close();
  };
  try {
    const { openClip } = await import('../captioners/clip.ts');
    const clip = ref === undefined ? undefined : await openClip(ref, device);
    if (clip) opened.push(clip);
    if (!prompts.includes('upsampled')) return { clip, close };
    const { openUpsampler } = await import('../captioners/upsampler.ts');
    const upsample = await openUpsampler(upsampler, { device, signal });
    opened.push(upsample);
    return { clip, upsample, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What was typed, without what says how it is run. */
export const commandLine = (argv: readonly string[]): string =>
  ['recaption', ...argv.filter((word) => word !== '--resume' && word !== '--json')].map(shellWord).join(' ');

/** One event: a record, words, and the exit status. */
export function tellComparison(event: CompareEvent, { output, exit }: Context): void {
  output.record(event.kind === 'report' ? { ...event, report: undefined } : event);
  tell(event, output);
  if (event.kind === 'failure') exit(EXIT.doneWithFailures);
}

function tell(event: CompareEvent, output: Output): void {
  switch (event.kind) {
    case 'comparison': {
      const prompts = Object.entries(event.prompts).map(([kind, count]) => `${count} ${kind}`);
      output.print(
        `${event.arms.join(' against ')}: ${counted(event.runs, 'training')} of ${counted(event.steps, 'step')} on ${counted(event.learnt, 'picture')}, prompts: ${prompts.join(', ')}`,
      );
      const { sayAPrompt, withoutKind } = event.leftOut;
      if (sayAPrompt > 0)
        output.note(`left out: ${counted(sayAPrompt, 'picture')} with a caption that is a prompt`);
      if (withoutKind > 0)
        output.note(`left out: ${counted(withoutKind, 'picture')} without a caption for each of these`);
      break;
    }
    case 'measuring':
      output.progress({
        label: 'timing a step',
        done: event.done,
        total: event.total,
        unit: 'steps',
        rate: 0,
      });
      break;
    case 'run':
      progressOf(event, output);
      break;
    case 'run-done': {
      const left = event.number < event.runs && event.secondsLeft > 0 ? `, about ${formatDuration(event.secondsLeft)} left` : ''; // biome-ignore format: one line
      output.print(
        `${event.number}/${event.runs} ${event.result.arm}, seed ${event.result.seed}: ${inShort(event.result)}${output.dim(left)}`,
      );
      break;
    }
    case 'failure':
      output.failure(event.failure);
      break;
    case 'warning':
      output.note(`warning: ${event.message}`);
      break;
    case 'report':
      if (event.complete) printReport(event.report, event.path, output);
      break;
    case 'stopped':
      output.print(
        event.kept
          ? 'Stopped: what is done is kept, and --resume goes on with it'
          : 'Stopped before anything was trained',
      );
  }
}

function progressOf(
  { event, arm, seed, number, runs }: Extract<CompareEvent, { kind: 'run' }>,
  output: Output,
): void {
  const label = `${number}/${runs} ${arm}, seed ${seed}:`;
  if (event.kind === 'step') output.progress(stepProgress(event, { label }));
  if (event.kind === 'features')
    output.progress({ ...event, label: `${label} reading`, unit: 'images', rate: event.imagesPerSecond });
  if (event.kind === 'drawing' || event.kind === 'judging')
    output.progress({
      ...event,
      label: `${label} ${event.kind}`,
      unit: 'pictures',
      rate: event.imagesPerSecond,
    });
  if (event.kind === 'warning') output.note(`warning: ${event.message}`);
}

/** Of each kind of prompt, what was met of it. */
function inShort({ judged }: RunResult): string {
  return Object.entries(judged)
    .map(([kind, { scenes, clip }]) => {
      const sum = (rows: readonly (readonly number[])[], k: number) =>
        rows.reduce((all, row) => all + row[k], 0);
      if (scenes) return `${kind} ${((100 * sum(scenes, 0)) / Math.max(1, sum(scenes, 1))).toFixed(1)} % met`;
      return clip ? `${kind} CLIP score ${(sum(clip, 0) / Math.max(1, sum(clip, 1))).toFixed(2)}` : kind;
    })
    .join(', ');
}

const MAIN: Partial<Record<CompareReport['main'], string>> = {
  met: 'prompts fully met',
  claims: 'of all that prompts ask for, drawn',
  clip: 'CLIP score',
};

/** The main scores in a table, the sentences, and where the page is. */
export function printReport(report: CompareReport, path: string, output: Output): void {
  const { results, main, arms } = report;
  const kinds = [...new Set(results.map(({ kind }) => kind))];
  const width = Math.max(...arms.map(({ name }) => name.length));
  output.print('');
  output.print(output.bold(MAIN[main] ?? main));
  for (const { name } of arms) {
    const cells = kinds.map((kind) => {
      const score = results.find((one) => one.kind === kind && one.arm === name)?.scores[main];
      if (!score) return '';
      const shown = (value: number) => (main === 'clip' ? value.toFixed(2) : (100 * value).toFixed(1));
      return `${kind} ${shown(score.value)}${main === 'clip' ? '' : ' %'} [${score.interval.map(shown).join(', ')}]`;
    });
    output.print(`  ${name.padEnd(width)}  ${cells.join('   ')}`);
  }
  output.print('');
  for (const sentence of report.conclusion) output.print(sentence);
  output.print(`\nThe report: ${output.bold(printable(shortPath(path)))}`);
}
