import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { RecaptionError } from '../errors.ts';
import { readError } from '../files.ts';
import { isImageName } from '../image/format.ts';
import { isWorkspace } from './catalog/catalog.ts';
import { readWorkspace } from './catalog/samples.ts';
import { asDataset, noImages, type ReadOptions } from './dataset.ts';
import { expandPlace } from './expand.ts';
import { readCoco } from './readers/coco.ts';
import { listPictures, readFolder, readSingle } from './readers/folder.ts';
import { findMetadata, isMetadata, readImageFolder } from './readers/imagefolder.ts';
import { readJsonObject } from './readers/json-file.ts';
import { readJsonl } from './readers/jsonl.ts';
import { isKarpathy, readKarpathy } from './readers/karpathy.ts';
import { readParquet } from './readers/parquet.ts';
import { readWebDataset } from './readers/webdataset.ts';
import type { Dataset } from './sample.ts';

/** What our JSONL is called when it is written into a folder. */
export const DATASET_FILE = 'dataset.jsonl';
/** What our Parquet is called when it is written into a folder with its pictures. */
export const TABLE_FILE = 'captions.parquet';

/**
 * Opens a collection in whatever form it is: WebDataset shards (a `.tar`, wildcards, `a-{00000..00005}.tar`, a folder of
 * shards), a folder of pictures with or without sidecars, an ImageFolder, COCO captions or Karpathy's JSON
 * (`dataset.json@train` for one split), Parquet (files, or a folder of them alone), our own JSONL, a single picture, a
 * workspace. Nothing but the form is read here; bad samples come to light, and go to `onFailure`, while iterating.
 * @throws RecaptionError `file-not-found`, `source-unknown`, `source-unreadable`, `no-images`
 */
export async function openDataset(place: string, options: ReadOptions = {}): Promise<Dataset> {
  const [, json, split] = /^(.+\.json)@([^@/\\]+)$/i.exec(place) ?? [];
  if (json !== undefined) return openDataset(json, { ...options, split });

  if (options.where !== undefined && !(await isWorkspace(place))) {
    throw new RecaptionError('no-workspace', 'only a workspace can be asked for some of its pictures', {
      place,
      hint: 'Make one: recaption import SOURCE --into DIR',
    });
  }
  const paths = await expandPlace(place);
  if (paths.every(isTar)) return readWebDataset(paths, options);
  if (paths.every((path) => isParquet(path) && !isMetadata(path))) return readParquet(paths, options);
  if (paths.length === 1) return openPath(paths[0], options);
  return asDataset(place, options.onFailure, async function* (fail) {
    for (const path of paths) yield* await openPath(path, { ...options, onFailure: fail });
  });
}

async function openPath(path: string, options: ReadOptions): Promise<Dataset> {
  if ((await stat(path)).isDirectory()) return openFolder(path, options);
  if (isTar(path)) return readWebDataset([path], options);
  if (isMetadata(path)) return readImageFolder(path, options);
  if (isParquet(path)) return readParquet(path, options);
  const extension = extname(path).toLowerCase();
  if (extension === '.jsonl') return readJsonl(path, options);
  if (extension === '.json') {
    const read = isKarpathy(await readJsonObject(path)) ? readKarpathy : readCoco;
    return read(path, options);
  }
  if (isImageName(path)) return readSingle(path, options);
  throw new RecaptionError(
    'source-unknown',
    `a ${extension || 'file without extension'} is no collection we can read`,
    {
      place: path,
      hint: 'Name a folder of pictures, .tar shards, a .jsonl or .parquet file, or a COCO or Karpathy .json file.',
    },
  );
}

async function openFolder(folder: string, options: ReadOptions): Promise<Dataset> {
  if (await isWorkspace(folder)) return readWorkspace(folder, options);
  const { inside, above } = await findMetadata(folder);
  if (inside) return readImageFolder(inside, options);
  const names = await readdir(folder).catch((error) => {
    throw readError(folder, error);
  });
  names.sort();
  if (names.includes(DATASET_FILE)) return readJsonl(join(folder, DATASET_FILE), options);
  if (names.includes(TABLE_FILE)) return readParquet(join(folder, TABLE_FILE), options);
  if (await hasPictures(folder)) {
    return above ? readImageFolder(above, { ...options, within: folder }) : readFolder(folder, options);
  }
  const shards = names.filter(isTar).map((name) => join(folder, name));
  if (shards.length > 0) return readWebDataset(shards, options);
  const tables = names.filter(isParquet).map((name) => join(folder, name));
  if (tables.length > 0) return readParquet(tables, options);
  throw noImages(folder);
}

async function hasPictures(folder: string): Promise<boolean> {
  for await (const _ of listPictures(folder, folder, { fail: () => {}, skip: () => false })) return true;
  return false;
}

function isTar(path: string): boolean {
  return extname(path).toLowerCase() === '.tar';
}

function isParquet(path: string): boolean {
  return extname(path).toLowerCase() === '.parquet';
}
