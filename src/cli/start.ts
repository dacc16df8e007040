import { join, relative, resolve, sep } from 'node:path';
import type { Captioner } from '../captioners/captioner.ts';
import { loadImages, openDataset, withKeys } from '../data/index.ts';
import type { Dataset, OnFailure } from '../data/sample.ts';
import { UsageError } from '../errors.ts';
import { STORY } from '../experiments/experiments.ts';
import { writeAtomic } from '../files.ts';
import { encodeJpeg } from '../image/index.ts';
import { readRows } from '../jobs/journal.ts';
import type { Device } from '../tensor/device.ts';
import { runCaptionJob } from './caption.ts';
import { commandLine } from './compare.ts';
import { contactSheet, type SheetEntry } from './contact-sheet.ts';
import { drawExperiment } from './experiment.ts';
import type { Context, Register } from './main.ts';
import { deviceOption, wholeNumber } from './options.ts';
import { nameOf, resultFolder, shortPath } from './places.ts';

/** Where the story goes when nobody says where. */
const STORY_FOLDER = 'comparison';
/** Longest side of a picture on the page, in pixels. */
const THUMBNAIL = 360;
/** More embedded pictures than this make a page that browsers open slowly. */
const MOST_PICTURES = 2000;

interface StartOptions {
  out?: string;
  scenes?: number;
  steps?: number;
  device: Device;
}

/** What is captioned, and what it is called. */
export interface Collection {
  name: string;
  source: string;
  open(onFailure: OnFailure): Dataset | Promise<Dataset>;
}

export const register: Register = (program, context) => {
  program
    .command('start')
    .summary('see what better captions are worth, or caption the pictures of a folder')
    .description(
      'Without a folder: draws scenes with captions as the web has them, has them described by a captioner, trains two small generators, one on each kind of caption, ' +
        'and writes a report of which draws what it is asked for; in minutes. With a folder: captions its pictures with the starter captioner, and makes one HTML page of pictures beside captions.',
    )
    .argument('[dir]', 'folder with pictures, or any other source that "recaption caption" takes')
    .option('--out <dir>', `folder for what is made (default: ${STORY_FOLDER}, or captions/NAME-OF-DIR)`)
    .option('--scenes <n>', 'without a folder: scenes to learn from', wholeNumber(10, 1_000_000))
    .option('--steps <n>', 'without a folder: steps of each training', wholeNumber(1))
    .addOption(deviceOption())
    .addHelpText('after', '\nExample:\n  $ recaption start ~/photos')
    .action((dir: string | undefined, options: StartOptions, command) =>
      start(dir, options, context, command.parent?.rawArgs ?? []),
    );
};

async function start(
  dir: string | undefined,
  options: StartOptions,
  context: Context,
  argv: string[],
): Promise<void> {
  if (dir === undefined) await story(options, context, argv);
  else await captionFolder(dir, options, context);
}

/** Run again, it goes on, or shows what it found. */
async function story(
  { out = STORY_FOLDER, scenes, steps, device }: StartOptions,
  context: Context,
  argv: string[],
): Promise<void> {
  const given = { experiment: STORY, form: 'quick', resume: true, seed: 1, scenes, steps, device } as const; // biome-ignore format: one line
  await drawExperiment(
    { ...given, out: resolve(out), command: commandLine(argv), signal: context.signal },
    context,
  );
}

async function captionFolder(
  dir: string,
  { out, scenes, steps, device }: StartOptions,
  context: Context,
): Promise<void> {
  if ((scenes ?? steps) !== undefined) throw new UsageError('--scenes and --steps are for the scenes that are drawn without a folder', { hint: 'Leave them out.' }); // biome-ignore format: one line
  const source = resolve(dir);
  const open = (onFailure: OnFailure) => openDataset(source, { onFailure });
  await open(() => {}); // a source that is not there is told before a model is loaded
  const { loadCaptioner } = await import('../captioners/load.ts');
  const captioner = await loadCaptioner(undefined, { device });
  try {
    await captionAndShow(
      { name: nameOf(source), source, open },
      captioner,
      resolve(out ?? resultFolder(dir)),
      context,
    );
  } finally {
    await captioner.close();
  }
}

/** Captions a collection into `folder/captions.jsonl` and makes `folder/index.html`. */
export async function captionAndShow(
  { name, open, source }: Collection,
  captioner: Captioner,
  folder: string,
  context: Context,
): Promise<void> {
  const { output, signal } = context;
  const captions = join(folder, 'captions.jsonl');
  const { done, failures } = await runCaptionJob({ open, source, captioner, out: captions, signal }, context);
  if (done.stopped) return;

  const page = join(folder, 'index.html');
  const rows = await firstRows(captions);
  const sheet = contactSheet(sheetEntries(await open(() => {}), rows, folder), {
    title: name,
    about: `captions by ${captioner.id}`,
    total: done.captioned,
    shown: Math.min(rows.size, done.captioned),
    failures: failures.map(({ place, message }) => ({ name: place, message })),
  });
  await writeAtomic(page, async (write) => {
    for await (const piece of sheet) await write(Buffer.from(piece));
  });
  output.record({ kind: 'page', path: page });
  output.print(`To look at them, open in a browser: ${output.bold(shortPath(page))}`);
}

/** Caption by key, of as many pictures as the page shows. */
async function firstRows(path: string): Promise<Map<string, string>> {
  const rows = new Map<string, string>();
  for await (const { key, caption } of readRows(path)) {
    if (rows.size === MOST_PICTURES) break;
    rows.set(key, caption);
  }
  return rows;
}

async function* sheetEntries(
  dataset: Dataset,
  captions: Map<string, string>,
  folder: string,
): AsyncGenerator<SheetEntry> {
  for await (const { sample, image } of loadImages(withKeys(dataset, captions.keys()), {
    maxSide: THUMBNAIL,
  })) {
    yield {
      name: sample.image.name,
      caption: captions.get(sample.key)!,
      before: sample.captions.map(({ text }) => text),
      thumbnail: await encodeJpeg(image, 80),
      width: image.width,
      height: image.height,
      original: sample.image.path === undefined ? undefined : addressOf(sample.image.path, folder),
    };
  }
}

/** A picture's address as seen from a page in `folder`. */
function addressOf(path: string, folder: string): string {
  return relative(folder, path).split(sep).map(encodeURIComponent).join('/');
}
