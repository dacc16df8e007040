/** Where results go when nobody says where. */
import { realpathSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { isInside } from '../data/paths.ts';

/**
 * `captions/NAME` in the working directory; `NAME-captions` beside the source when the working directory lies in the
 * source: pictures and results are never mixed.
 */
export function resultFolder(source: string, cwd = process.cwd()): string {
  const place = real(resolve(cwd, source));
  const folder = join(real(cwd), 'captions', nameOf(place));
  return folder === place || isInside(place, folder) ? `${place}-captions` : folder;
}

/** A name for what was made of a source: `photos` for `/home/me/photos/`, `shard-00000` for `data/shard-00000.tar`. */
export function nameOf(source: string): string {
  const stem = basename(source).replace(/\.(tar|jsonl?)$/i, '');
  const name = stem.replace(/[^\p{L}\p{N}._]+/gu, '-').replace(/^[.-]+|-+$/g, '');
  if (name !== '') return name;
  return dirname(source) === source ? 'collection' : nameOf(dirname(source));
}

/** A path as people like to read it: relative to the working directory where that is shorter. */
export function shortPath(path: string): string {
  const short = relative('', path) || '.';
  return short.length < path.length ? short : path;
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // a glob, or not there at all: whoever opens it will say so
  }
}
