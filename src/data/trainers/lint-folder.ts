/** Finds what a trainer stumbles over in a folder of pictures with a caption file beside each. */
import type { Dirent } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { RecaptionError, reason } from '../../errors.ts';
import { readError } from '../../files.ts';
import { isImageName } from '../../image/index.ts';
import { decodeUtf8 } from '../lines.ts';
import { fileImage } from '../paths.ts';
import { lintPicture } from './pictures.ts';
import type { Finding, LintOptions, Trap } from './profile.ts';
import { overLong } from './tokens.ts';

export interface FolderRules {
  /** Kinds of pictures that the trainer reads. */
  reads: readonly string[];
  /** Of caption files, with the dot; the trainer takes the first that is there. */
  extensions: string[];
  /** Of caption files that it reads only where it is told to: what they hold is looked at, and the first of them is told. */
  unasked?: Trap & { extensions: string[] };
  /** The captions that the trainer finds in a file; by default its lines. @throws RecaptionError what is wrong with it */
  read?: (text: string, path: string) => string[];
  /** A picture without a caption file. */
  missing: Trap;
  /** A caption file without a caption. */
  empty: Trap;
  /** Several lines; absent where the trainer is told to take each for a caption of its own. */
  lines?: Trap;
  /** Traps of this trainer's own in one caption. */
  text?: (caption: string, place: string) => Finding[];
  /** What the usual text encoder takes, in tokens. */
  maxTokens?: number;
}

/**
 * @param flat without the folders below it
 * @throws RecaptionError `file-not-found`, `read-failed` for the folder itself
 */
export async function* lintFolder(
  dir: string,
  rules: FolderRules,
  options: LintOptions,
  { flat = false } = {},
): AsyncGenerator<Finding> {
  const { unasked } = rules;
  const extensions = [...rules.extensions, ...(unasked?.extensions ?? [])];
  let pictures = 0;
  let isTold = false;
  for await (const { folder, names } of foldersOf(dir, { flat })) {
    const files = new Set(names);
    const byStem = new Map<string, string[]>();
    for (const name of names.filter(isImageName)) {
      const { name: stem } = parse(name);
      byStem.set(stem, [...(byStem.get(stem) ?? []), name]);
    }
    for (const [stem, [first, ...others]] of byStem) {
      pictures++;
      const path = join(folder, first);
      for (const name of [first, ...others]) yield* lintPicture(fileImage(join(folder, name)), rules.reads);
      for (const other of others) yield stemClash(join(folder, other), first);
      if (stem.includes('.')) yield dottedName(path);
      const extension = extensions.find((extension) => files.has(stem + extension));
      if (extension === undefined) {
        yield { place: path, trap: 'missing-caption', ...rules.missing };
        continue;
      }
      const place = join(folder, stem + extension);
      if (unasked?.extensions.includes(extension) && !isTold) {
        const { severity, message, hint } = unasked;
        yield { place, trap: 'caption-extension', severity, message, ...(hint !== undefined && { hint }) };
        isTold = true;
      }
      yield* lintFile(place, rules, options);
    }
    for (const name of names) {
      const { name: stem, ext } = parse(name);
      if (!extensions.includes(ext) || byStem.has(stem)) continue;
      yield orphan(join(folder, name));
    }
  }
  if (pictures === 0) yield noPictures(dir);
}

async function* lintFile(path: string, rules: FolderRules, options: LintOptions): AsyncGenerator<Finding> {
  const { read, empty, lines, text: own, maxTokens } = rules;
  let contents: string;
  let captions: string[];
  try {
    contents = decodeUtf8(await readFile(path));
    captions = (read ?? linesOf)(contents, path);
  } catch (error) {
    const { code = 'unreadable', hint } = error instanceof RecaptionError ? error : {};
    yield { place: path, trap: code, severity: 'error', message: reason(error), ...(hint && { hint }) };
    return;
  }
  if (captions.length === 0) yield { place: path, trap: 'empty-file', ...empty };
  // A first line that is empty counts: where only the first is read, nothing is.
  const broken = (read ? captions : [contents.trimEnd()]).some((caption) => /[\r\n]/.test(caption));
  if (lines && broken && captions.length > 0 && !options.several)
    yield { place: path, trap: 'new-line', ...lines };
  for (const caption of captions) {
    yield* own?.(caption, path) ?? [];
    yield* overLong(caption, path, maxTokens, options);
  }
}

const linesOf = (text: string): string[] => text.split(/\r\n|\n|\r/).filter((line) => line.trim() !== '');

/** The folder and those below it, hidden ones left out; symbolic links to folders are not followed, those to files are files. */
export async function* foldersOf(
  folder: string,
  { flat = false } = {},
): AsyncGenerator<{ folder: string; names: string[] }> {
  const entries: Dirent[] = await readdir(folder, { withFileTypes: true }).catch((error) => {
    throw readError(folder, error);
  });
  const seen = entries.filter(({ name }) => !name.startsWith('.')).sort((a, b) => (a.name < b.name ? -1 : 1));
  const names = seen.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  yield { folder, names };
  if (flat) return;
  for (const entry of seen) if (entry.isDirectory()) yield* foldersOf(join(folder, entry.name));
}

/** The pictures of the folder and of those below it. */
export async function* picturesBelow(folder: string): AsyncGenerator<string> {
  for await (const { folder: own, names } of foldersOf(folder))
    for (const name of names) if (isImageName(name)) yield join(own, name);
}

const stemClash = (place: string, other: string): Finding => ({
  place,
  trap: 'stem-clash',
  severity: 'error',
  message: `"${other}" has the same name but for the extension: both share one caption file`,
  hint: 'Rename one of the two pictures.',
});

const dottedName = (place: string): Finding => ({
  place,
  trap: 'dotted-name',
  severity: 'warning',
  message: 'the name has a dot before its extension: tools that cut at the first dot do not find its caption',
  hint: 'Rename picture and caption file.',
});

const orphan = (place: string): Finding => ({
  place,
  trap: 'orphan-caption',
  severity: 'warning',
  message: 'there is no picture of this name: the text is never read',
  hint: 'Remove the file, or bring the picture back.',
});

/** Nothing to train with. */
export const noPictures = (place: string): Finding => ({
  place,
  trap: 'no-pictures',
  severity: 'error',
  message: 'there are no pictures in this folder',
});
