import type { Dirent, Stats } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, parse, relative } from 'node:path';
import { reason } from '../../errors.ts';
import { isImageName } from '../../image/format.ts';
import { mapAhead } from '../ahead.ts';
import { asDataset, asFailure, type ReadOptions } from '../dataset.ts';
import { decodeUtf8 } from '../lines.ts';
import { fileImage, keyOf } from '../paths.ts';
import type { Caption, CaptionKind, Dataset, Failure, OnFailure, Sample } from '../sample.ts';
import { METADATA, readMetadata } from './imagefolder.ts';

/** In this order; the second adds what the first does not say. */
const SIDECARS = ['.txt', '.caption'];
/** Sidecars read at once, so that small files do not wait for one another. */
const AHEAD = 32;

/**
 * A folder of pictures, with all its subfolders, by name; captions from sidecars (`stem.txt`, `stem.caption`, one caption a
 * line) where there are any. The key is the relative path without extension; of two pictures that differ in nothing else
 * the second keeps its extension, and a sidecar that both would share is reported (`sidecar-clash`) and read for both.
 * A subfolder with a `metadata.jsonl` is read as an ImageFolder. Hidden files and folders are passed over.
 */
export function readFolder(root: string, { kind = 'human', onFailure }: ReadOptions = {}): Dataset {
  return asDataset(root, onFailure, (fail) => readTree(root, root, { kind, fail, skip: () => false }));
}

/** One picture file, with its sidecars. */
export function readSingle(path: string, { kind = 'human', onFailure }: ReadOptions = {}): Dataset {
  return asDataset(path, onFailure, async function* (fail) {
    const folder = dirname(path);
    const names = new Set(await readdir(folder).catch(() => []));
    const key = keyOf(basename(path));
    const found = { path, key, sidecars: sidecarsOf(path, names) };
    yield await withCaptions(found, kind, fail);
  });
}

export interface TreeOptions {
  kind: CaptionKind;
  fail: OnFailure;
  /** Pictures that were read already, by path. */
  skip(path: string): boolean;
}

/** The samples below `folder`; keys count from `root`. */
export async function* readTree(root: string, folder: string, options: TreeOptions): AsyncGenerator<Sample> {
  const { kind, fail } = options;
  for await (const found of mapAhead(listPictures(root, folder, options), AHEAD, async (picture) => {
    if ('metadata' in picture) return picture;
    const failures: Failure[] = [];
    return { sample: await withCaptions(picture, kind, (failure) => failures.push(failure)), failures };
  })) {
    if ('metadata' in found) {
      yield* readMetadata(found.metadata, { root, kind, fail });
    } else {
      found.failures.forEach(fail);
      yield found.sample;
    }
  }
}

interface Picture {
  path: string;
  key: string;
  sidecars: string[];
}

/** Pictures, and subfolders that describe themselves in a `metadata.jsonl`. */
export async function* listPictures(
  root: string,
  folder: string,
  { fail, skip }: Pick<TreeOptions, 'fail' | 'skip'>,
  above: string[] = [],
): AsyncGenerator<Picture | { metadata: string }> {
  const here = await realpath(folder).catch(() => folder);
  if (above.includes(here)) return; // a symbolic link that leads back up
  let entries: Dirent[];
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch (error) {
    const message = `the folder cannot be read (${reason(error)})`;
    fail({ key: keyOf(relative(root, folder)), place: folder, code: 'folder-unreadable', message });
    return;
  }
  entries = entries.filter(({ name }) => !name.startsWith('.')).sort((a, b) => (a.name < b.name ? -1 : 1));
  const names = new Set(entries.map(({ name }) => name));
  if (above.length > 0 && names.has(METADATA)) {
    yield { metadata: join(folder, METADATA) };
    return;
  }
  const stems = new Set<string>();
  for (const entry of entries) {
    const path = join(folder, entry.name);
    const kind = entry.isSymbolicLink() ? await stat(path).catch(() => undefined) : entry;
    if (isFolder(kind)) {
      yield* listPictures(root, path, { fail, skip }, [...above, here]);
    } else if (isImageName(entry.name) && !skip(path)) {
      const { name: stem } = parse(entry.name);
      const sidecars = sidecarsOf(path, names);
      const key = keyOf(relative(root, path));
      const clash = stems.has(stem);
      stems.add(stem);
      if (clash && sidecars.length > 0) {
        const message = `two pictures share this caption file: "${entry.name}" and another of the same name`;
        fail({ key, place: sidecars[0], code: 'sidecar-clash', message });
      }
      yield { path, key: clash ? join(dirname(key), entry.name).replaceAll('\\', '/') : key, sidecars };
    }
  }
}

function isFolder(kind: Dirent | Stats | undefined): boolean {
  return kind?.isDirectory() ?? false;
}

function sidecarsOf(path: string, names: Set<string>): string[] {
  const { dir, name } = parse(path);
  return SIDECARS.filter((extension) => names.has(name + extension)).map((extension) =>
    join(dir, name + extension),
  );
}

async function withCaptions(picture: Picture, kind: CaptionKind, fail: OnFailure): Promise<Sample> {
  const texts = new Set<string>();
  const captions: Caption[] = [];
  for (const path of picture.sidecars) {
    try {
      const lines = decodeUtf8(await readFile(path)).split(/\r\n|\n|\r/);
      const found = lines.map((line) => line.trim()).filter((line) => line !== '' && !texts.has(line));
      for (const text of found) captions.push({ text, kind, source: 'file' });
      for (const text of found) texts.add(text);
    } catch (error) {
      fail(asFailure(error, picture.key, path));
    }
  }
  return { key: picture.key, image: fileImage(picture.path), captions };
}
