import { join, relative, resolve, sep } from 'node:path';
import type { Captioner } from '../captioners/captioner.ts';
import { loadImages, openDataset } from '../data/index.ts';
import type { Dataset, OnFailure } from '../data/sample.ts';
import { writeAtomic } from '../files.ts';
import { encodeJpeg } from '../image/index.ts';
import { readRows } from '../jobs/journal.ts';
import type { Device } from '../tensor/device.ts';
import { worldDataset } from '../world/index.ts';
import { runCaptionJob } from './caption.ts';
import { contactSheet, type SheetEntry } from './contact-sheet.ts';
import type { Context, Register } from './main.ts';
import { deviceOption } from './options.ts';
import { nameOf, resultFolder, shortPath } from './places.ts';

const SCENES = 36;
/** In pixels: what the world captioner was trained on. */
const SCENE_SIZE = 64;
const SCENE_SEED = 1;
/** Longest side of a picture on the page, in pixels. */
const THUMBNAIL = 360;
/** More embedded pictures than this make a page that browsers open slowly. */
const MOST_PICTURES = 2000;

interface StartOptions {
  out?: string;
  device: Device;
}

/** What is captioned, and what it is called. */
export interface Collection {
  name: string;
  source: string;
  open(onFailure: OnFailure): Dataset | Promise<Dataset>;
}

interface Choice extends Collection {
  /** Where results go when nobody says where. */
  folder: string;
  /** Which captioner: undefined is the starter. */
  captioner: string | undefined;
}

export const register: Register = (program, context) => {
  program
    .command('start')
    .summary('caption the pictures of a folder and make a page to look at them')
    .description(
      'Captions the pictures of a folder with the starter captioner, and makes one HTML page of pictures beside captions. ' +
        `Without a folder, does so with ${SCENES} scenes of coloured shapes.`,
    )
    .argument('[dir]', 'folder with pictures, or any other source that "recaption caption" takes')
    .option('--out <dir>', 'folder for captions and page (default: captions/NAME-OF-DIR)')
    .addOption(deviceOption())
    .addHelpText('after', '\nExample:\n  $ recaption start ~/photos')
    .action((dir: string | undefined, options: StartOptions) => start(dir, options, context));
};

async function start(
  dir: string | undefined,
  { out, device }: StartOptions,
  context: Context,
): Promise<void> {
  const collection = dir === undefined ? scenes() : pictures(dir);
  const folder = resolve(out ?? collection.folder);
  await collection.open(() => {}); // a source that is not there is told before a model is loaded
  const { loadCaptioner } = await import('../captioners/load.ts');
  const captioner = await loadCaptioner(collection.captioner, { device });
  try {
    await captionAndShow(collection, captioner, folder, context);
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

function pictures(dir: string): Choice {
  const source = resolve(dir);
  return {
    name: nameOf(source),
    source,
    folder: resultFolder(dir),
    captioner: undefined,
    open: (onFailure) => openDataset(source, { onFailure }),
  };
}

function scenes(): Choice {
  return {
    name: 'Scenes',
    source: `world:${SCENES}:${SCENE_SIZE}:${SCENE_SEED}`,
    folder: join('captions', 'scenes'),
    captioner: 'world',
    open: () => worldDataset({ count: SCENES, size: SCENE_SIZE, seed: SCENE_SEED }),
  };
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
  for await (const { sample, image } of loadImages(only(dataset, captions), { maxSide: THUMBNAIL })) {
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

/** The samples that have a caption; ends when all of these have been seen. */
async function* only(dataset: Dataset, captions: Map<string, string>): Dataset {
  let left = captions.size;
  for await (const sample of dataset) {
    if (captions.has(sample.key)) {
      yield sample;
      left--;
    }
    if (left === 0) return;
  }
}

/** A picture's address as seen from a page in `folder`. */
function addressOf(path: string, folder: string): string {
  return relative(folder, path).split(sep).map(encodeURIComponent).join('/');
}
