/** Files that are either whole or not there. */
import { hash } from 'node:crypto';
import { access, open, readdir, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { RecaptionError, reason } from './errors.ts';
import { isRunning } from './processes.ts';

/** Whether there is a file or folder at `path`, as far as this process may see. */
export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/**
 * Writes to a temporary name in the same folder, syncs, renames. A reader sees the old file or the new one, never a part.
 * @throws RecaptionError `disk-full`, `write-failed`; the temporary file is removed and the old file is untouched.
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  await writeAtomic(path, async (write) => write(typeof data === 'string' ? Buffer.from(data) : data));
}

/** As `writeFileAtomic`, for content that is produced piece by piece. */
export async function writeAtomic(
  path: string,
  produce: (write: (chunk: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<void> {
  await sweep(dirname(path));
  const temporary = temporaryName(path);
  try {
    const file = await open(temporary, 'w');
    try {
      await produce(async (chunk) => {
        for (let at = 0; at < chunk.byteLength; ) at += (await file.write(chunk, at)).bytesWritten;
      });
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw writeError(path, error);
  }
}

/** Machine and process are part of the name, so that a later run knows what a killed one has left. */
const TEMPORARY = /\.([0-9a-f]{8})-(\d+)-\d+\.tmp$/;
const MACHINE = hash('sha256', hostname()).slice(0, 8);
let unique = 0;

/** A name beside `path` that no other file has, for what will be renamed to `path` when it is whole. */
export const temporaryName = (path: string): string => `${path}.${MACHINE}-${process.pid}-${unique++}.tmp`;

const swept = new Set<string>();

/** Removes temporary files of killed processes of this machine; each folder once, for it may hold a million files. */
async function sweep(folder: string): Promise<void> {
  if (swept.has(folder)) return;
  swept.add(folder);
  for (const name of await readdir(folder).catch(() => [])) {
    const [, machine, pid] = TEMPORARY.exec(name) ?? [];
    if (machine !== MACHINE || isRunning({ pid: Number(pid), host: hostname() })) continue;
    await rm(join(folder, name), { force: true }).catch(() => {}); // it takes room, and that is all
  }
}

/** Turns what the file system says into a sentence; errors of ours pass through. */
export function writeError(path: string, error: unknown): unknown {
  if (error instanceof RecaptionError) return error;
  const code = (error as NodeJS.ErrnoException).code;
  if (typeof code !== 'string') return error;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new RecaptionError(
      'disk-full',
      'the disk is full; nothing that was there before has been changed',
      {
        place: path,
        hint: 'Free some space, then run the same command again: it goes on where it stopped.',
        cause: error,
      },
    );
  }
  return new RecaptionError('write-failed', `cannot write (${reason(error)})`, {
    place: path,
    hint: 'Check that the folder exists and that you may write there.',
    cause: error,
  });
}

/** As `writeError`, for reading: `file-not-found` or `read-failed`. */
export function readError(path: string, error: unknown): unknown {
  if (error instanceof RecaptionError) return error;
  const code = (error as NodeJS.ErrnoException).code;
  if (typeof code !== 'string') return error;
  if (code === 'ENOENT') {
    return new RecaptionError('file-not-found', 'there is no such file or folder', {
      place: path,
      hint: 'Check the path.',
      cause: error,
    });
  }
  return new RecaptionError('read-failed', `cannot read (${reason(error)})`, {
    place: path,
    hint: 'Check that it is a file and that you may read it.',
    cause: error,
  });
}
