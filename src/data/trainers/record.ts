/** The record of what an export wrote: a later one into the same folder tells its own files from those of the earlier by it. */
import { open, realpath, rm } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { z } from 'zod';
import { exists, writeError } from '../../files.ts';
import { isImageName } from '../../image/index.ts';
import { readJsonLines } from '../lines.ts';
import { isInside, pathInside } from '../paths.ts';
import { makeFolder, writeLines } from '../writers/target.ts';
import { foldersOf } from './lint-folder.ts';
import type { ExportOptions, ExportRun } from './profile.ts';

/** Hidden, so that no trainer takes it for one of its own files. Lines of `{file}`, below the folder, with `/`. */
const RECORD = '.recaption-export.jsonl';
const lineSchema = z.object({ file: z.string().min(1) });

/**
 * Keeps the record while an export writes, so that one that was killed is on record too. A line comes after its file: what stood
 * there before and was not replaced must never be on it. With `overwrite`, files that are on record from before and not of this
 * export are removed in the end.
 * @throws RecaptionError `disk-full`, `write-failed`, and what `write` throws
 */
export async function recorded<T>(
  { to, overwrite, onLeftovers }: ExportOptions,
  write: (wrote: ExportRun['wrote']) => Promise<T>,
): Promise<T> {
  const path = join(to, RECORD);
  const earlier = await readRecord(path);
  const files = new Set<string>();
  const strange = new Set<string>(); // of this export, and somebody else's: it stood there as it should
  const result = await write(async (file, isNew = true) => {
    if (!isNew && !earlier.has(file)) {
      strange.add(file);
      return;
    }
    if (files.size === 0) await append(path, '\n'); // what a killed export left may end within a line
    files.add(file);
    await append(path, `${JSON.stringify({ file })}\n`);
  });
  if (files.size === 0 && earlier.size === 0) return result;

  const others = [...earlier].filter((file) => !files.has(file) && !strange.has(file));
  const removed = new Set<string>();
  for (const file of overwrite ? others : []) if (await removeFile(to, file)) removed.add(file);
  await writeLines(path, async (write) => {
    for (const file of [...files, ...others]) if (!removed.has(file)) await write(JSON.stringify({ file }));
  });
  const strangers = await countStrangers(to, new Set([...files, ...strange]));
  if (removed.size + strangers > 0) onLeftovers?.({ removed: removed.size, strangers });
  return result;
}

async function readRecord(path: string): Promise<Set<string>> {
  const files = new Set<string>();
  if (!(await exists(path))) return files;
  for await (const { value } of readJsonLines(path, () => {})) {
    const line = lineSchema.safeParse(value);
    if (line.success) files.add(line.data.file);
  }
  return files;
}

async function append(path: string, text: string): Promise<void> {
  await makeFolder(dirname(path));
  try {
    const file = await open(path, 'a');
    await file.appendFile(text).finally(() => file.close());
  } catch (error) {
    throw writeError(path, error);
  }
}

/** Removes a file that the record names, unless its name or a symbolic link leads out of the folder. */
async function removeFile(folder: string, name: string): Promise<boolean> {
  const path = pathInside(folder, name);
  if (path === undefined) return false;
  try {
    const [outer, inner] = await Promise.all([realpath(folder), realpath(dirname(path))]);
    if (outer !== inner && !isInside(outer, inner)) return false;
    await rm(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'; // somebody was quicker
  }
}

/** Pictures and shards that this export did not write. */
async function countStrangers(to: string, files: ReadonlySet<string>): Promise<number> {
  let strangers = 0;
  for await (const { folder, names } of foldersOf(to)) {
    const found = names.filter((name) => isImageName(name) || name.endsWith('.tar'));
    const ours = (name: string) => files.has(relative(to, join(folder, name)).replaceAll(sep, '/'));
    strangers += found.filter((name) => !ours(name)).length;
  }
  return strangers;
}
