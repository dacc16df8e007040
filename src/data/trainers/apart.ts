/** What is made of pictures lies apart from them: what it writes must not be read. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { RecaptionError } from '../../errors.ts';
import type { ImageSource } from '../../image/index.ts';
import { isWorkspace } from '../catalog/catalog.ts';
import { isInside } from '../paths.ts';
import { isMetadata } from '../readers/imagefolder.ts';
import { isFolder } from './configuration.ts';

/**
 * Refuses an output in the folder that a collection is read from, or below it: its subfolders are read too. A workspace names its
 * pictures one by one, so it may hold the output.
 * @param place as `openDataset` takes it
 * @throws RecaptionError `output-is-source`
 */
export async function refuseInsideSource(place: string, to: string): Promise<void> {
  const root = isMetadata(place) ? dirname(place) : place;
  if (!(await isFolder(root)) || (await isWorkspace(root))) return;
  if (holds(await realPlace(root), await realPlace(to))) throw outputIsSource(to);
}

/**
 * Refuses pictures that lie where the export goes, and those whose folder holds it; symbolic links on the way make no difference.
 * @throws RecaptionError `output-is-source`
 */
export function refuseOwnPictures(to: string): (image: ImageSource) => Promise<void> {
  let [folder, isApart] = ['', true];
  return async ({ path, name }) => {
    const [shard, member] = name.split('.tar#', 2);
    const file = path ?? (member === undefined ? undefined : shard);
    if (file === undefined) return;
    const own = dirname(resolve(file));
    if (own !== folder) {
      const [outer, inner] = [await realPlace(to), await realPlace(own)];
      // A shard may lie above the export: only pictures are looked for in subfolders.
      const isAbove = path !== undefined && holds(inner, outer);
      [folder, isApart] = [own, !isAbove && !holds(outer, inner)];
    }
    if (!isApart) throw outputIsSource(to);
  };
}

const holds = (outer: string, inner: string): boolean => outer === inner || isInside(outer, inner);

/** The place without symbolic links, as far as it exists. */
async function realPlace(path: string): Promise<string> {
  const whole = resolve(path);
  const above = dirname(whole);
  return realpath(whole).catch(async () =>
    above === whole ? whole : join(await realPlace(above), basename(whole)),
  );
}

function outputIsSource(place: string): RecaptionError {
  const message = 'the output would be written among the pictures that are read';
  return new RecaptionError('output-is-source', message, {
    place,
    hint: 'Name a folder outside of theirs.',
  });
}
