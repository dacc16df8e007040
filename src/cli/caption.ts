import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Option } from 'commander';
import { CAPTION_BATCH, type CaptionRequest } from '../captioners/captioner.ts';
import { isWorkspace } from '../data/catalog/index.ts';
import { openDataset } from '../data/index.ts';
import type { CaptionKind, Failure, OnFailure } from '../data/sample.ts';
import { UsageError } from '../errors.ts';
import { type CaptionJobEvent, type CaptionJobOptions, captionCollection } from '../jobs/caption-job.ts';
import { OUTPUT_FORMATS, type OutputFormat } from '../jobs/caption-output.ts';
import { captionWorkspace, OVERWRITE, type Overwrite } from '../jobs/workspace-job.ts';
import { isServerRef } from '../remote/reference.ts';
import type { Device } from '../tensor/device.ts';
import {
  addServerOptions,
  estimate,
  refuseWithoutServer,
  type ServerLimits,
  serverOptions,
  tellCost,
} from './caption-server.ts';
import { type Context, EXIT, type Register } from './main.ts';
import { deviceOption, kindsOf, number, several, wholeNumber } from './options.ts';
import { counted, formatDuration, type Output, printable } from './output.ts';
import { resultFolder, shortPath } from './places.ts';
import { sourceOrWorkspace, withWorkspace } from './workspace.ts';

interface CaptionOptions extends Omit<CaptionRequest, 'noRepeatNgram'>, ServerLimits {
  captioner?: string[];
  kind?: CaptionKind[];
  /** What the parser makes of an option that begins with "--no-": true where it is not given. */
  repeatNgram: true | number;
  vision?: string[];
  regions?: string;
  where?: string;
  overwrite: Overwrite;
  concurrency?: number;
  recipe?: string[];
  dryRun: boolean;
  out?: string;
  format?: OutputFormat;
  batch: number;
  limit?: number;
  device: Device;
}

export const register: Register = (program, context) => {
  const caption = program
    .command('caption')
    .summary('write a caption for every picture of a collection')
    .description(
      'Writes a caption for every picture of a collection, or of a workspace that recaption import has made. A run that was ' +
        'interrupted, or killed, goes on when the same command is given again; then it captions what is new.',
    )
    .argument(
      '[source]',
      'workspace, folder, .tar shards, metadata.jsonl or COCO json (default: the workspace here)',
    )
    .option(
      '--captioner <ref>',
      'folder of a captioner, or name of one that comes along; its fine-tunes (REF-short …) are found beside it; may be given several times (default: "starter")',
      several,
    )
    .option(
      '--kind <kinds>',
      'kinds of captions to write, with commas (default: what the captioners write)',
      kindsOf,
    )
    .option('--vision <ref...>', 'where their frozen vision encoders lie now, if they were moved')
    .option('--regions <ref>', 'where the detector of a graph captioner lies now, if it was moved')
    .option('--where <query>', 'of a workspace, only the pictures that this finds: see recaption query')
    .addOption(
      new Option('--overwrite <which>', 'of a workspace, caption again: nothing, what failed, or everything')
        .choices(OVERWRITE)
        .default('never'),
    )
    .option(
      '--concurrency <n>',
      'batches that are under way at once (default: 1; with a server 8 pictures)',
      wholeNumber(1, 1024),
    )
    .option(
      '--recipe <ref>',
      "what a server's model is asked: short, descriptive, tags, refine, or a file; may be given several times",
      several,
    )
    .option(
      '--dry-run',
      'say how many pictures and tokens there are and what they would cost; ask nobody',
      false,
    )
    .option(
      '--out <path>',
      'file (jsonl) or folder, not for a workspace (default: captions/NAME-OF-SOURCE/captions.jsonl)',
    )
    .addOption(
      new Option('--format <format>', 'form of the captions (default: jsonl)').choices(OUTPUT_FORMATS),
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
    .option(
      '--explain',
      'write what each caption was made from: graph, and kinds of words; graph captioners, form jsonl',
    )
    .option('--batch <n>', 'pictures at a time', wholeNumber(1), CAPTION_BATCH)
    .option('--limit <n>', 'only the first so many pictures', wholeNumber(1))
    .addOption(deviceOption())
    .option('--resume', 'go on with an interrupted run; this happens without the option too')
    .addHelpText(
      'after',
      '\nExample:\n  $ recaption caption ~/photos --beam 3 --out photos.jsonl\n' +
        '  $ recaption caption workspace --kind short,descriptive --captioner models/mine',
    )
    .action(async (source: string | undefined, options: CaptionOptions) =>
      captionCommand(await sourceOrWorkspace(source), options, context),
    );
  addServerOptions(caption);
};

async function captionCommand(source: string, options: CaptionOptions, context: Context): Promise<void> {
  const {
    captioner: refs = ['starter'],
    kind,
    vision,
    regions,
    out,
    format,
    batch,
    device,
    recipe,
    ...rest
  } = options;
  const place = resolve(source);
  const inWorkspace = await isWorkspace(place);
  refuseUnfit(options, inWorkspace);
  await openDataset(place, { where: rest.where }); // a source that is not there is told before a model is loaded
  const chosen = await captionersFor(refs, kind, recipe);
  if (regions !== undefined) await (await import('../captioners/load.ts')).refuseRegions([...chosen.values()].map(({ ref }) => ref), regions); // biome-ignore format: one line
  if (options.dryRun) {
    await estimate(place, [...chosen.values()], options, context);
    return;
  }
  for (const writer of chosen.values()) await runOne(writer, chosen.size > 1);

  async function runOne({ ref, recipe }: Writer, many: boolean): Promise<void> {
    if (context.signal.aborted) return;
    const { loadCaptioner } = await import('../captioners/load.ts');
    const server = { ...serverOptions(options), recipe, signal: context.signal };
    const captioner = await loadCaptioner(ref, { device, batch, vision, regions, server });
    if (many) context.output.note(`${captioner.kind} captions by ${captioner.id}`);
    const { where, overwrite, concurrency, limit } = rest;
    // A server's captioner sees to it itself.
    const atOnce = captioner.concurrency === undefined ? concurrency : undefined;
    const common = {
      captioner,
      request: requestOf(rest),
      concurrency: atOnce,
      limit,
      signal: context.signal,
    };
    try {
      if (inWorkspace) {
        await withWorkspace(place, (catalog) =>
          drawCaptionJob(captionWorkspace({ ...common, catalog, where, overwrite }), context),
        );
        return;
      }
      const form = format ?? 'jsonl';
      const target = many ? join(out ?? resultFolder(source), captioner.kind) : out;
      const job = {
        ...common,
        open: (onFailure: OnFailure) => openDataset(place, { onFailure }),
        source: place,
        out: many && form === 'jsonl' ? resolve(`${target}.jsonl`) : placeOfResults(target, source, form),
        format: form,
      };
      await runCaptionJob(job, context);
    } finally {
      tellCost(captioner.cost?.(), context.output);
      await captioner.close();
    }
  }
}

/** Options of captioners of ours, as servers and models of the hub are not told them. */
const UNTOLD = [
  {
    asks: isServerRef,
    names: { beam: '--beam', minTokens: '--min-tokens', repeatNgram: '--no-repeat-ngram' },
  },
  {
    asks: (ref: string) => ref.startsWith('hf:'),
    names: { minTokens: '--min-tokens', repeatNgram: '--no-repeat-ngram', seed: '--seed' },
  },
] as const;

/** @throws UsageError for options that the source or the captioners have no use for */
function refuseUnfit(
  { where, overwrite, out, format, captioner = ['starter'], recipe, ...rest }: CaptionOptions,
  inWorkspace: boolean,
): void {
  if (recipe !== undefined && !captioner.some(isAsked))
    throw new UsageError('--recipe is for models that can be asked something', {
      hint: 'Name one by --captioner openai:MODEL@URL or hf:ID; captioners of ours know one question.',
    });
  refuseWithoutServer(captioner, rest, '--captioner');
  for (const { asks, names } of UNTOLD) {
    const given = Object.entries(names).find(([name]) => ![undefined, true].includes(rest[name as keyof typeof rest] as true | undefined)); // biome-ignore format: one line
    if (given === undefined || !captioner.every(asks)) continue;
    throw new UsageError(`${printable(captioner[0])} is not told ${given[1]}`, { hint: 'It is for captioners of ours: leave it out.' }); // biome-ignore format: one line
  }
  if (inWorkspace && (out !== undefined || format !== undefined)) {
    throw new UsageError('captions of a workspace stay in it: --out and --format say nothing there', {
      hint: 'recaption export writes them as files.',
    });
  }
  if (!inWorkspace && (where !== undefined || overwrite !== 'never')) {
    throw new UsageError('--where and --overwrite are for workspaces', {
      hint: 'Make one: recaption import SOURCE --into DIR',
    });
  }
}

/** A captioner to be asked. */
interface Writer {
  ref: string;
  /** Of a server's model. */
  recipe?: string;
}

/**
 * One captioner for each kind that is wanted: of those named or, where none of them writes it, a fine-tune of one beside it
 * (`models/mine-short` of `models/mine`). A server's model is asked by each recipe; without any, by that of the name of each kind.
 * @throws UsageError when nobody writes a kind, or two write the same
 */
async function captionersFor(
  refs: string[],
  wanted?: CaptionKind[],
  recipes?: string[],
): Promise<Map<CaptionKind, Writer>> {
  const { captionsOf, writesCaptions } = await import('../captioners/load.ts');
  const writers = refs.flatMap((ref): Writer[] =>
    isAsked(ref) ? (recipes ?? wanted ?? [undefined]).map((recipe) => ({ ref, recipe })) : [{ ref }],
  );
  const found = new Map<CaptionKind, Writer>();
  for (const writer of writers) {
    const kind = await captionsOf(writer.ref, writer.recipe);
    const other = found.get(kind);
    if (other !== undefined) {
      throw new UsageError(`"${nameOf(other)}" and "${nameOf(writer)}" both write ${kind} captions`, {
        hint: 'Name one captioner for each kind.',
      });
    }
    found.set(kind, writer);
  }
  for (const kind of wanted ?? []) {
    const tuned = refs.map((ref) => `${ref.replace(/[\\/]+$/, '')}-${kind}`);
    for (const ref of tuned) if (!found.has(kind) && !isAsked(ref) && (await writesCaptions(ref))) found.set(kind, { ref }); // biome-ignore format: one line
  }
  const missing = wanted?.find((kind) => !found.has(kind));
  if (missing !== undefined) {
    throw new UsageError(`none of the captioners writes ${missing} captions`, {
      hint: `${[...found].map(([kind, writer]) => `"${nameOf(writer)}" writes ${kind} ones`).join(', ')}. Name others with --captioner, or train one: recaption train captioner --init ${refs[0]} --kind ${missing} …`,
    });
  }
  return wanted ? new Map([...found].filter(([kind]) => wanted.includes(kind))) : found;
}

/** Whether a captioner is asked by a recipe. */
const isAsked = (ref: string): boolean => isServerRef(ref) || ref.startsWith('hf:');

const nameOf = ({ ref, recipe }: Writer): string => (recipe === undefined ? ref : `${recipe} of ${ref}`);

/** The file or folder to write; a folder that is named for JSON lines gets a `captions.jsonl`. */
function placeOfResults(out: string | undefined, source: string, format: OutputFormat): string {
  const name = format === 'jsonl' ? 'captions.jsonl' : format;
  if (out === undefined) return join(resultFolder(source), name);
  const isFolder = /[/\\]$/.test(out) || statSync(out, { throwIfNoEntry: false })?.isDirectory();
  return resolve(format === 'jsonl' && isFolder ? join(out, name) : out);
}

function requestOf(
  options: Omit<CaptionRequest, 'noRepeatNgram'> & Pick<CaptionOptions, 'repeatNgram'>,
): CaptionRequest {
  const { beam, maxTokens, minTokens, temperature, topP, repeatNgram, seed, explain } = options;
  const noRepeatNgram = repeatNgram === true ? undefined : repeatNgram;
  return { beam, maxTokens, minTokens, temperature, topP, noRepeatNgram, seed, explain };
}

type Done = Extract<CaptionJobEvent, { kind: 'done' }>;

/** Captions a collection and draws it. Failures make the exit status 3. */
export const runCaptionJob = (options: CaptionJobOptions, context: Context) =>
  drawCaptionJob(captionCollection(options), context);

async function drawCaptionJob(
  job: AsyncIterable<CaptionJobEvent>,
  { output, exit }: Context,
): Promise<{ done: Done; failures: Failure[] }> {
  const failures: Failure[] = [];
  const started = performance.now();
  for await (const event of job) {
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
  else if (captioned === 0 && failed > 0) output.print('No picture was captioned');
  else if (added === 0 && failed === 0)
    output.print(`Already complete: ${counted(captioned, 'caption')} in ${shortPath(out)}`);
  else
    output.print(`${counted(added, 'picture')} captioned in ${formatDuration(seconds)}: ${shortPath(out)}`);
  if (failed > 0) {
    const list = failures === undefined ? 'by: recaption status --failures' : `in ${shortPath(failures)}`;
    output.print(`${counted(failed, 'failure')}, listed ${list}`);
  }
}
