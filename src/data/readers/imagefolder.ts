import { basename, dirname, join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { RecaptionError } from '../../errors.ts';
import { exists } from '../../files.ts';
import { mapAhead } from '../ahead.ts';
import { asDataset, asFailure, type ReadOptions } from '../dataset.ts';
import { type Row, readJsonLines } from '../lines.ts';
import { openParquet, readParquetRows } from '../parquet.ts';
import { fileImage, isInside, keyOf, pathInside, unsafePath } from '../paths.ts';
import { complaint, type RowContents, readRow } from '../rows.ts';
import type { CaptionKind, Dataset, OnFailure, Sample } from '../sample.ts';
import { readTree } from './folder.ts';

export const METADATA = 'metadata.jsonl';
const METADATA_PARQUET = 'metadata.parquet';
const AHEAD = 32;

const rowSchema = z.looseObject({ file_name: z.string().min(1) });

/**
 * Hugging Face ImageFolder: `metadata.jsonl`, or `.parquet`, names each picture in `file_name`, relative to itself, with captions in
 * `text`, `caption` or `captions`; other columns become `meta`. Pictures of the folder that it does not name follow, with
 * their sidecars if they have any.
 * @param within only the pictures below this folder; keys count from it
 */
export function readImageFolder(
  metadata: string,
  { kind = 'human', onFailure, within }: ReadOptions & { within?: string } = {},
): Dataset {
  const root = within ?? dirname(metadata);
  return asDataset(metadata, onFailure, (fail) => readMetadata(metadata, { root, kind, fail }));
}

/** Whether a file of this name describes the pictures around it. */
export const isMetadata = (path: string): boolean => [METADATA, METADATA_PARQUET].includes(basename(path));

/** The samples of a metadata file that lie below `root` or, where the file itself does, all of them. */
export async function* readMetadata(
  metadata: string,
  { root, kind, fail }: { root: string; kind: CaptionKind; fail: OnFailure },
): AsyncGenerator<Sample> {
  const folder = dirname(metadata);
  const above = isInside(folder, root);
  const named = new Set<string>();
  const keys = new Set<string>();

  const rows = metadata.endsWith(METADATA)
    ? readJsonLines(metadata, fail)
    : readParquetRows(metadata, await openParquet(metadata), fail);
  for await (const found of mapAhead<Row, Entry>(rows, AHEAD, (row) => readEntry(row, folder, kind))) {
    const { path, contents } = found;
    if (path !== undefined && named.has(path)) {
      const message = `the picture "${relative(folder, path)}" is named a second time`;
      fail({ key: keyOf(relative(root, path)), place: found.place, code: 'duplicate-key', message });
      continue;
    }
    if (path !== undefined) named.add(path);
    if (path !== undefined && above && !isInside(root, path)) continue;
    if (path === undefined || contents instanceof Error) {
      fail(asFailure(contents, path ? keyOf(relative(root, path)) : '', found.place));
      continue;
    }
    const name = relative(root, path);
    const stem = keyOf(name);
    const key = keys.has(stem) ? name.replaceAll('\\', '/') : stem;
    keys.add(stem);
    const { captions, meta, sourceKey } = contents;
    yield { key: sourceKey ?? key, image: fileImage(path), captions, ...(meta && { meta }) };
  }
  yield* readTree(root, above ? root : folder, { kind, fail, skip: (path) => named.has(resolve(path)) });
}

interface Entry {
  place: string;
  path: string | undefined;
  contents: RowContents | Error;
}

async function readEntry({ place, value }: Row, folder: string, kind: CaptionKind): Promise<Entry> {
  let path: string | undefined;
  try {
    const parsed = rowSchema.safeParse(value);
    if (!parsed.success) throw new RecaptionError('row-invalid', complaint(parsed.error));
    const { file_name: name, ...row } = parsed.data;
    path = pathInside(folder, name);
    if (path === undefined) throw unsafePath(name);
    const contents = readRow(row, kind);
    if (!(await exists(path)))
      throw new RecaptionError('image-missing', `the picture "${name}" is not there`);
    return { place, path, contents };
  } catch (error) {
    return { place, path, contents: error as Error };
  }
}

/** Where the metadata of a folder is: in it, or one level above. */
export async function findMetadata(folder: string): Promise<{ inside?: string; above?: string }> {
  return { inside: await metadataIn(folder), above: await metadataIn(dirname(resolve(folder))) };
}

async function metadataIn(folder: string): Promise<string | undefined> {
  for (const name of [METADATA, METADATA_PARQUET])
    if (await exists(join(folder, name))) return join(folder, name);
  return undefined;
}
