/** What all writers do with files that are there already, with keys as file names, and with pictures. */
import { createHash } from 'node:crypto';
import { lstat, mkdir, readFile, readlink, realpath, rename, rm, symlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { RecaptionError } from '../../errors.ts';
import { exists, temporaryName, writeAtomic, writeError, writeFileAtomic } from '../../files.ts';
import { formatOf, isImageExtension } from '../../image/format.ts';
import type { ImageSource } from '../../image/image.ts';
import { asFailure } from '../dataset.ts';
import type { OnFailure, Sample } from '../sample.ts';

export interface WriteOptions {
  /** Replace files that stand there with other contents; without it they are refused. Pictures that are being read are never replaced. */
  overwrite?: boolean;
  /** Told of every sample that had to be left out, such as one whose picture has gone. */
  onFailure?: OnFailure;
}

/** @throws RecaptionError `output-exists` */
export async function refuseExisting(path: string, overwrite = false): Promise<void> {
  if (!overwrite && (await exists(path))) throw outputExists(path);
}

function outputExists(path: string): RecaptionError {
  return new RecaptionError('output-exists', 'there is a file already, and it would be lost', {
    place: path,
    hint: 'Name another place to write to, or allow overwriting.',
  });
}

export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((error) => {
    throw writeError(path, error);
  });
}

/**
 * Writes a file unless it stands there with these very contents, and as a file of its own.
 * @returns false when it stood there @throws RecaptionError `output-exists`
 */
export async function placeFile(path: string, bytes: Uint8Array, overwrite = false): Promise<boolean> {
  const taken = await lstat(path).catch(() => undefined);
  if (taken?.isFile() && (await readFile(path).catch(() => undefined))?.equals(bytes)) return false;
  if (taken && !overwrite) throw outputExists(path);
  await makeFolder(dirname(path));
  await writeFileAtomic(path, bytes);
  return true;
}

/** Makes `path` a symbolic link to a file, unless it is one already. @returns false when it was @throws RecaptionError `output-exists` */
export async function placeLink(path: string, file: string, overwrite = false): Promise<boolean> {
  const target = resolve(file);
  if ((await readlink(path).catch(() => undefined)) === target) return false;
  const taken = await lstat(path).catch(() => undefined); // a link that leads nowhere is there too
  if (taken && !overwrite) throw outputExists(path);
  await makeFolder(dirname(path));
  const temporary = temporaryName(path);
  try {
    await symlink(target, temporary);
    await rename(temporary, path);
    return true;
  } catch (error) {
    await rm(temporary, { force: true });
    throw writeError(path, error);
  }
}

/** Puts a picture at `path`; nothing is done where it lies there already. */
export async function placeImage(
  image: ImageSource,
  bytes: Uint8Array,
  path: string,
  overwrite?: boolean,
): Promise<void> {
  if (image.path !== undefined && (await isSameFile(image.path, path))) return;
  await placeFile(path, bytes, overwrite);
}

async function isSameFile(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([a, b].map((path) => realpath(path).catch(() => resolve(path))));
  return one === other;
}

/** The encoded picture and the extension it should have, or undefined after telling `onFailure`. */
export async function imageFile(
  { key, image }: Sample,
  onFailure: OnFailure | undefined,
): Promise<{ bytes: Uint8Array; extension: string } | undefined> {
  try {
    const bytes = await image.bytes();
    const named = /\.([a-z0-9]+)$/i.exec(image.name)?.[1].toLowerCase() ?? '';
    return { bytes, extension: isImageExtension(named) ? named : (formatOf(bytes) ?? 'jpg') };
  } catch (error) {
    onFailure?.(asFailure(error, key, image.name, 'image-unreadable'));
    return undefined;
  }
}

/** Characters that some file system refuses, and names that mean something to it. */
const UNFIT = /[<>:"\\|?*\p{Cc}\p{Cs}]/gu;
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;
const MAX_NAME_BYTES = 180;

/**
 * A relative path for a key, with `/`: the key itself where every system takes it, otherwise a likeness with a hash, so
 * that two keys never share a file.
 */
export function fileNameOf(key: string): string {
  const parts = key.split('/').map((part) => {
    const fit = part
      .replace(UNFIT, '_')
      .replace(/^\./, '_')
      .replace(/[. ]+$/, '_');
    const named = DEVICE.test(fit) || fit === '' ? `_${fit}` : fit;
    if (Buffer.byteLength(named) <= MAX_NAME_BYTES) return named;
    return named.slice(0, MAX_NAME_BYTES / 4).replace(/\p{Cs}$/u, ''); // half a character is no file name
  });
  const name = parts.join('/');
  return name === key ? key : likeness(name, key);
}

/** As `fileNameOf`, without dots: some programs take what follows the first one for the extension. */
export function dotlessNameOf(key: string): string {
  const name = fileNameOf(key);
  const dotless = name.replaceAll('.', '_');
  return name === key && dotless !== key ? likeness(dotless, key) : dotless;
}

function likeness(name: string, key: string): string {
  return `${name}~${createHash('sha256').update(key).digest('hex').slice(0, 12)}`;
}

/** As `writeAtomic`, line by line, with few large writes. */
export async function writeLines(
  path: string,
  produce: (write: (line: string) => Promise<void>) => Promise<void>,
): Promise<void> {
  await writeAtomic(path, async (write) => {
    let lines: string[] = [];
    let length = 0;
    const flush = async () => {
      await write(Buffer.from(lines.join('')));
      lines = [];
      length = 0;
    };
    await produce(async (line) => {
      lines.push(line, '\n');
      length += line.length;
      if (length > 2 ** 18) await flush();
    });
    await flush();
  });
}
