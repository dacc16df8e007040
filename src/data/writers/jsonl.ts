import { dirname, extname, join, relative, resolve, sep } from 'node:path';
import { DATASET_FILE } from '../open.ts';
import type { Dataset, Sample } from '../sample.ts';
import {
  fileNameOf,
  imageFile,
  makeFolder,
  placeImage,
  refuseExisting,
  type WriteOptions,
  writeLines,
} from './target.ts';

/**
 * Our own JSON lines: `{key, image, captions: [{text, kind, source}], meta?}`. Pictures stay where they are, and `image`
 * leads there from the file's folder; those that are on no disk are written to `images/` beside it.
 * @param to a `.jsonl` file, or a folder for a `dataset.jsonl`
 * @returns the number of samples written
 */
export async function writeJsonl(
  dataset: Dataset,
  to: string,
  { overwrite, onFailure }: WriteOptions = {},
): Promise<number> {
  const path = extname(to).toLowerCase() === '.jsonl' ? to : join(to, DATASET_FILE);
  const folder = dirname(path);
  await refuseExisting(path, overwrite);
  await makeFolder(folder);
  let written = 0;
  await writeLines(path, async (write) => {
    for await (const sample of dataset) {
      const { key, captions, meta } = sample;
      const way = await wayToPicture(sample, folder, { overwrite, onFailure });
      if (way === undefined) continue;
      await write(JSON.stringify({ key, image: way, captions, ...(meta && { meta }) }));
      written++;
    }
  });
  return written;
}

/**
 * The way from a folder to a sample's picture, with `/`. One that is on no disk is written to `images/` there. Undefined,
 * after telling `onFailure`, where it cannot be read.
 */
export async function wayToPicture(
  sample: Sample,
  folder: string,
  { overwrite, onFailure }: WriteOptions,
): Promise<string | undefined> {
  let place = placeOf(sample.image);
  if (place === undefined) {
    const file = await imageFile(sample, onFailure);
    if (!file) return undefined;
    place = resolve(folder, 'images', `${fileNameOf(sample.key)}.${file.extension}`);
    await placeImage(sample.image, file.bytes, place, overwrite);
  }
  return relative(resolve(folder), place).replaceAll(sep, '/');
}

/** Where a reader will find the picture again: its file, or its member of a shard. */
function placeOf({ path, name }: { path?: string; name: string }): string | undefined {
  if (path !== undefined) return resolve(path);
  return /\.tar#/i.test(name) ? resolve(name) : undefined;
}
