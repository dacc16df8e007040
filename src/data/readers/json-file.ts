/** What COCO's and Karpathy's files have in common: one JSON object, pictures in a folder. */
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { RecaptionError, reason } from '../../errors.ts';
import { exists, readError } from '../../files.ts';
import { parseJson } from '../lines.ts';
import { pathInside, unsafePath } from '../paths.ts';

/** @throws RecaptionError `file-not-found`, `read-failed`, `source-unreadable` */
export async function readJson(path: string): Promise<unknown> {
  const bytes = await readFile(path).catch((error) => {
    throw readError(path, error);
  });
  try {
    return parseJson(bytes);
  } catch (cause) {
    throw new RecaptionError('source-unreadable', reason(cause), { place: path, cause });
  }
}

/** @throws RecaptionError `file-not-found`, `read-failed`, `source-unreadable` */
export async function readJsonObject(path: string): Promise<Record<string, unknown>> {
  const value = await readJson(path);
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new RecaptionError('source-unreadable', 'it holds no JSON object', { place: path });
}

/**
 * The file of a picture that is named relative to `images`, or to the JSON file's folder or its `images/`. Names may carry
 * a folder (`val2014/x.jpg`) that the disk does not have, and the other way round.
 * @throws RecaptionError `unsafe-path`, `image-missing`
 */
export async function findImage(
  json: string,
  images: string | undefined,
  folder: string,
  name: string,
): Promise<string> {
  const roots = images === undefined ? [dirname(json), join(dirname(json), 'images')] : [images];
  const names = new Set([join(folder, name), name, basename(name)]);
  for (const root of roots) {
    for (const candidate of names) {
      const path = pathInside(root, candidate);
      if (path === undefined) throw unsafePath(join(folder, name));
      if (await exists(path)) return path;
    }
  }
  throw new RecaptionError('image-missing', `the picture "${join(folder, name)}" is not there`, {
    hint: 'Say where the pictures are: images.',
  });
}

export async function* each<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}
