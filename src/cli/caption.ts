import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Option } from 'commander';
import { CAPTION_BATCH, type CaptionRequest } from '../captioners/captioner.ts';
import { openDataset } from '../data/index.ts';
import type { Failure } from '../data/sample.ts';
import { type CaptionJobEvent, type CaptionJobOptions, captionCollection } from '../jobs/caption-job.ts';
import { OUTPUT_FORMATS, type OutputFormat } from '../jobs/caption-output.ts';
import type { Device } from '../tensor/device.ts';
import { type Context, EXIT, type Register } from './main.ts';
import { deviceOption, number, wholeNumber } from './options.ts';
import { counted, formatDuration, type Output } from './output.ts';
import { resultFolder, shortPath } from './places.ts';

interface CaptionOptions extends CaptionRequest {
  captioner?: string;
  vision?: string[];
  out?: string;
  format: OutputFormat;
  batch: number;
  limit?: number;
  device: Device;
}

export const register: Register = (program, context) => {
  program
    .command('caption')
    .summary('write a caption for every picture of a collection')
    .description(
      'Writes a caption for every picture of a collection. A run that was interrupted, or killed, goes on when the same ' +
        'command is given again; on a finished output it captions what is new.',
    )
    .argument('<source>', 'folder, .tar shards, metadata.jsonl or COCO json')
    .option('--captioner <ref>', 'folder of a trained captioner (default: the starter captioner)')
    .option('--vision <ref...>', 'where its frozen vision encoders lie now, if they were moved')
    .option('--out <path>', 'file (jsonl) or folder (default: captions/NAME-OF-SOURCE/captions.jsonl)')
    .addOption(
      new Option('--format <format>', 'form of the captions').choices(OUTPUT_FORMATS).default('jsonl'),
    )
    .option('--beam <n>', 'width of the beam; 1 is greedy', wholeNumber(1))
    .option('--max-tokens <n>', 'longest caption', wholeNumber(1))
    .option('--min-tokens <n>', 'shortest caption', wholeNumber(0))
    .option(
      '--temperature <t>',
      'above 0: draw words at this temperature instead of searching',
      number('of at least 0', (t) => t >= 0),
    )
    .option(
      '--top-p <p>',
      'draw from the likeliest words that sum to this probability',
      number('above 0 and at most 1', (p) => p > 0 && p <= 1),
    )
    .option(
      '--no-repeat-ngram <n>',
      'no run of so many tokens twice in a caption; by default 3, for descriptions 0',
      wholeNumber(0),
    )
    .option('--seed <k>', 'for --temperature: the same seed draws the same words', wholeNumber(0))
    .option('--batch <n>', 'pictures at a time', wholeNumber(1), CAPTION_BATCH)
    .option('--limit <n>', 'only the first so many pictures', wholeNumber(1))
    .addOption(deviceOption())
    .option('--resume', 'go on with an interrupted run; this happens without the option too')
    .addHelpText('after', '\nExample:\n  $ recaption caption ~/photos --beam 3 --out photos.jsonl')
    .action((source: string, options: CaptionOptions) => captionCommand(source, options, context));
};

async function captionCommand(source: string, options: CaptionOptions, context: Context): Promise<void> {
  const { captioner: ref, vision, out, format, batch, limit, device, ...rest } = options;
  const place = resolve(source);
  await openDataset(place); // a source that is not there is told before a model is loaded
  const { loadCaptioner } = await import('../captioners/load.ts');
  const captioner = await loadCaptioner(ref, { device, batch, vision });
  try {
    await runCaptionJob(
      {
        open: (onFailure) => openDataset(place, { onFailure }),
        source: place,
        captioner,
        request: requestOf(rest),
        out: placeOfResults(out, source, format),
        format,
        limit,
        signal: context.signal,
      },
      context,
    );
  } finally {
    await captioner.close();
  }
}

/** The file or folder to write; a folder that is named for JSON lines gets a `captions.jsonl`. */
function placeOfResults(out: string | undefined, source: string, format: OutputFormat): string {
  const name = format === 'jsonl' ? 'captions.jsonl' : format;
  if (out === undefined) return join(resultFolder(source), name);
  const isFolder = /[/\\]$/.test(out) || statSync(out, { throwIfNoEntry: false })?.isDirectory();
  return resolve(format === 'jsonl' && isFolder ? join(out, name) : out);
}

function requestOf(options: CaptionRequest): CaptionRequest {
  const { beam, maxTokens, minTokens, temperature, topP, noRepeatNgram, seed } = options;
  return { beam, maxTokens, minTokens, temperature, topP, noRepeatNgram, seed };
}

type Done = Extract<CaptionJobEvent, { kind: 'done' }>;

/** Runs the job and draws it. Failures make the exit status 3. */
export async function runCaptionJob(
  options: CaptionJobOptions,
  { output, exit }: Context,
): Promise<{ done: Done; failures: Failure[] }> {
  const failures: Failure[] = [];
  const started = performance.now();
  for await (const event of captionCollection(options)) {
    output.record(event);
    switch (event.kind) {
      case 'plan':
        if (event.done > 0 && event.todo > 0)
          output.note(`${event.done} of ${counted(event.images, 'picture')} are done already`);
        break;
      case 'failure':
        failures.push(event.failure);
        output.failure(event.failure);
        break;
      case 'progress':
        output.progress({
          ...event,
          label: 'captioning',
          unit: 'images',
          rate: event.imagesPerSecond,
          detail: event.failed > 0 ? `${event.failed} failed` : undefined,
        });
        break;
      case 'done':
        summarise(event, (performance.now() - started) / 1000, output);
        if (event.failed > 0) exit(EXIT.doneWithFailures);
        return { done: event, failures };
    }
  }
  throw new Error('a captioning job ended without saying so');
}

function summarise(event: Done, seconds: number, output: Output): void {
  const { captioned, added, failed, failures, out, stopped } = event;
  if (stopped) output.print(`${counted(captioned, 'picture')} captioned so far`);
  else if (added === 0 && failed === 0)
    output.print(`Already complete: ${counted(captioned, 'caption')} in ${shortPath(out)}`);
  else
    output.print(`${counted(added, 'picture')} captioned in ${formatDuration(seconds)}: ${shortPath(out)}`);
  if (failures !== undefined) output.print(`${counted(failed, 'failure')}, listed in ${shortPath(failures)}`);
}
