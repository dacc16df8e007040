/** Puts the pictures of an export into its folder. */
import { join } from 'node:path';
import type { ImageSource } from '../../image/index.ts';
import { keyOf } from '../paths.ts';
import { METADATA } from '../readers/imagefolder.ts';
import type { Caption, Dataset, Sample } from '../sample.ts';
import { captionColumns } from '../writers/columns.ts';
import {
  dotlessNameOf,
  imageFile,
  makeFolder,
  placeFile,
  placeLink,
  refuseExisting,
  writeLines,
} from '../writers/target.ts';
import { type Adapt, asItIs, drawSamples, type Exported } from './draw.ts';
import type { ExportOptions } from './profile.ts';

export interface Placed extends Exported {
  /** File name of the picture below the folder, with `/`. */
  name: string;
  /** The encoded picture. */
  bytes: Uint8Array;
}

/** Draws the samples and puts each picture where the trainer looks for it, under a name without dots. */
export async function* placeSamples(
  dataset: Dataset,
  adapt: Adapt,
  options: ExportOptions,
): AsyncGenerator<Placed> {
  const { to, pictures, overwrite, onFailure } = options;
  await makeFolder(to);
  for await (const exported of drawSamples(dataset, adapt, options)) {
    const { sample } = exported;
    const file = await imageFile(sample, onFailure);
    if (!file) continue;
    const name = `${dotlessNameOf(sample.key)}.${file.extension}`;
    const { path } = sample.image;
    if (pictures === 'link' && path !== undefined) await placeLink(join(to, name), path, overwrite);
    else await placeFile(join(to, name), file.bytes, overwrite);
    yield { ...exported, name, bytes: file.bytes };
  }
}

/**
 * Places the samples and writes a `metadata.jsonl` (ImageFolder), which keeps what most trainers' forms forget: keys, kinds, authors.
 * Other columns are left out, since loaders want the same types in every row.
 * @param each told of every sample, before its line is written; false leaves the sample out
 * @returns the number of samples written
 */
export async function placeWithMetadata(
  dataset: Dataset,
  adapt: Adapt,
  options: ExportOptions,
  each?: (placed: Placed) => Promise<boolean>,
): Promise<number> {
  const path = join(options.to, METADATA);
  await refuseExisting(path, options.overwrite);
  await makeFolder(options.to);
  let written = 0;
  await writeLines(path, async (write) => {
    for await (const placed of placeSamples(dataset, adapt, options)) {
      if (each && !(await each(placed))) continue;
      const { key, captions, image } = placed.sample;
      const sourceKey = keyOf(placed.name) === key ? undefined : key;
      const columns = captionColumns({ key, image, captions }, sourceKey);
      await write(JSON.stringify({ file_name: placed.name, ...columns }));
      written++;
    }
  });
  return written;
}

/**
 * The samples for a writer of ours that places pictures by itself. One that names pictures where they are puts those beside its
 * file that have no place; so a copy loses its place here, unless `named` is false.
 * @param captionsOf what to write of a sample; by default what was drawn
 */
export async function* forWriter(
  dataset: Dataset,
  options: ExportOptions,
  { named, captionsOf }: { named: boolean; captionsOf?: (exported: Exported) => Caption[] },
): AsyncGenerator<Sample> {
  const detach = named && (options.pictures === 'copy' || options.resize !== undefined);
  for await (const exported of drawSamples(dataset, asItIs, options)) {
    const { sample } = exported;
    yield {
      ...sample,
      captions: captionsOf?.(exported) ?? sample.captions,
      image: detach ? withoutPlace(sample.image) : sample.image,
    };
  }
}

const withoutPlace = (image: ImageSource): ImageSource => ({
  name: image.name.replace('.tar#', '.tar:'),
  bytes: () => image.bytes(),
});
