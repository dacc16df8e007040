import { join } from 'node:path';
import { keyOf } from '../paths.ts';
import { METADATA } from '../readers/imagefolder.ts';
import type { Dataset } from '../sample.ts';
import { captionColumns } from './columns.ts';
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
 * Hugging Face ImageFolder: pictures and a `metadata.jsonl` with `file_name`, `text` (the first caption), `captions`,
 * `kinds` and `sources` (all of them, in step) and the columns of `meta`.
 * @returns the number of samples written
 */
export async function writeImageFolder(
  dataset: Dataset,
  to: string,
  { overwrite, onFailure }: WriteOptions = {},
): Promise<number> {
  const path = join(to, METADATA);
  await refuseExisting(path, overwrite);
  await makeFolder(to);
  let written = 0;
  await writeLines(path, async (write) => {
    for await (const sample of dataset) {
      const file = await imageFile(sample, onFailure);
      if (!file) continue;
      const name = `${fileNameOf(sample.key)}.${file.extension}`;
      await placeImage(sample.image, file.bytes, join(to, name), overwrite);
      const sourceKey = keyOf(name) === sample.key ? undefined : sample.key;
      await write(JSON.stringify({ file_name: name, ...captionColumns(sample, sourceKey) }));
      written++;
    }
  });
  return written;
}
