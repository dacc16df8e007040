/** Puts the pictures of an export into its folder. */
import { join } from 'node:path';
import { fileImage, keyOf } from '../paths.ts';
import { METADATA } from '../readers/imagefolder.ts';
import type { Caption, Dataset, Sample } from '../sample.ts';
import { captionColumns } from '../writers/columns.ts';
import {
  dotlessNameOf,
  makeFolder,
  placeFile,
  placeLink,
  refuseExisting,
  writeLines,
} from '../writers/target.ts';
import { type Adapt, asItIs, drawSamples, type Exported } from './draw.ts';
import type { ExportRun } from './profile.ts';

export interface Placed extends Exported {
  /** File name of the picture below the export's folder, with `/`. */
  name: string;
}

/**
 * Draws the samples and puts each picture where the trainer looks for it, under a name without dots.
 * @param below a folder within the export's, with `/` at its end
 */
export async function* placeSamples(
  dataset: Dataset,
  adapt: Adapt,
  run: ExportRun,
  below = '',
): AsyncGenerator<Placed> {
  const { to, pictures, overwrite, wrote } = run;
  for await (const exported of drawSamples(dataset, adapt, run)) {
    const { sample, picture } = exported;
    const name = `${below}${dotlessNameOf(sample.key)}.${picture.extension}`;
    const { path } = sample.image;
    const isNew =
      pictures === 'link' && path !== undefined
        ? await placeLink(join(to, name), path, overwrite)
        : await placeFile(join(to, name), picture.bytes, overwrite);
    await wrote(name, isNew);
    yield { ...exported, name };
  }
}

/**
 * Places the samples and writes a `metadata.jsonl` (ImageFolder), which keeps what most trainers' forms forget: keys, kinds, authors.
 * Other columns are left out, since loaders want the same types in every row.
 * @param each told of every sample, before its line is written; gives the captions that the line is to have, the main one first
 * @returns the number of samples written
 */
export async function placeWithMetadata(
  dataset: Dataset,
  adapt: Adapt,
  run: ExportRun,
  each: (placed: Placed) => Promise<Caption[]> = async ({ sample }) => sample.captions,
): Promise<number> {
  const path = join(run.to, METADATA);
  await refuseExisting(path, run.overwrite);
  await makeFolder(run.to);
  let written = 0;
  await writeLines(path, async (write) => {
    for await (const placed of placeSamples(dataset, adapt, run)) {
      const { key, image } = placed.sample;
      const sourceKey = keyOf(placed.name) === key ? undefined : key;
      const columns = captionColumns({ key, image, captions: await each(placed) }, sourceKey);
      await write(JSON.stringify({ file_name: placed.name, ...columns }));
      written++;
    }
  });
  await run.wrote(METADATA);
  return written;
}

/**
 * The samples for a writer of ours that names pictures where they are: in `images/`, where they have been put.
 * @param captionsOf what to write of a sample; by default what was drawn
 */
export async function* placedForWriter(
  dataset: Dataset,
  run: ExportRun,
  captionsOf: (exported: Exported) => Caption[] = ({ sample }) => sample.captions,
): AsyncGenerator<Sample> {
  for await (const placed of placeSamples(dataset, asItIs, run, 'images/')) {
    const image = { ...fileImage(join(run.to, placed.name)), bytes: async () => placed.picture.bytes };
    yield { ...placed.sample, captions: captionsOf(placed), image };
  }
}
