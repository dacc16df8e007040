/** What kohya's trainer stumbles over, subset by subset. */
import { realpath } from 'node:fs/promises';
import { isAbsolute, join, parse, relative, resolve, sep } from 'node:path';
import { z } from 'zod';
import { RecaptionError } from '../../errors.ts';
import { isImageName } from '../../image/index.ts';
import { fileImage } from '../paths.ts';
import { readJson } from '../readers/json-file.ts';
import { complaint } from '../rows.ts';
import { badConfig } from './configuration.ts';
import { besideConfig, KOHYA_CONFIG, readKohyaConfig, type Subset } from './kohya-config.ts';
import { type FolderRules, foldersOf, lintFolder, picturesBelow } from './lint-folder.ts';
import { lintPicture, PICTURES_READ } from './pictures.ts';
import type { Finding, LintOptions } from './profile.ts';
import { CLIP_TOKENS, overLong } from './tokens.ts';

const TEXT_FILES = '.txt';

/** Where no configuration says otherwise. */
export const KOHYA_RULES: FolderRules = {
  reads: PICTURES_READ.kohya,
  extensions: ['.caption'],
  unasked: {
    extensions: [TEXT_FILES],
    severity: 'warning',
    message:
      'caption files are .caption unless caption_extension says otherwise, which no configuration here does',
    hint: 'Set caption_extension = ".txt".',
  },
  missing: {
    severity: 'error',
    message: 'the picture has no caption file: the trainer stops, or uses class_tokens',
  },
  empty: { severity: 'error', message: 'the caption file is empty: the trainer stops' },
  lines: {
    severity: 'error',
    message: 'only the first line is read, the rest is lost',
    hint: 'Write one line, or set enable_wildcard = true where each line is a caption.',
  },
  text: (caption, place) => ownTraps(caption, place, { wildcards: false, separators: [] }),
  maxTokens: CLIP_TOKENS,
};

/** Each subset's pictures by its own rules; pictures below the folder that none names are told. */
export async function* lintKohya(dir: string, options: LintOptions): AsyncGenerator<Finding> {
  const config = await readKohyaConfig(dir);
  if (!config) {
    yield* lintFolder(dir, KOHYA_RULES, options);
    return;
  }
  const { path, subsets, findings } = config;
  yield* findings;
  if (subsets.length === 0) {
    // Which files hold the captions is not known.
    const rules = { ...KOHYA_RULES, extensions: [TEXT_FILES, '.caption'], unasked: undefined };
    yield* lintFolder(dir, rules, options);
    return;
  }
  const named = new Set<string>();
  for (const subset of subsets) {
    if (subset.folder !== undefined) named.add(await realpath(subset.folder));
    if (subset.metadataFile !== undefined) yield* lintMetadata(dir, subset, subset.metadataFile, options);
    else if (subset.folder !== undefined)
      yield* lintFolder(subset.folder, rulesOf(subset), options, { flat: true });
  }
  // A folder that is not where the configuration has it may be any of those that are here.
  const astray = subsets.find((subset) => subset.folder === undefined && subset.metadataFile === undefined);
  for await (const { folder, names } of foldersOf(dir)) {
    if (named.has(await realpath(folder)) || !names.some(isImageName)) continue;
    if (astray) yield* lintFolder(folder, rulesOf(astray), options, { flat: true });
    else if (subsets.every(({ imageDir }) => imageDir !== undefined)) yield unnamed(path, folder);
  }
}

const unnamed = (place: string, folder: string): Finding => ({
  ...badConfig(
    place,
    `no subset names the folder "${folder}": its pictures are not learnt`,
    'Give it a [[datasets.subsets]] of its own; subfolders are not searched.',
  ),
  severity: 'warning',
});

function rulesOf({ extension, wildcards, separators }: Subset): FolderRules {
  const { unasked, lines, ...rules } = KOHYA_RULES;
  return {
    ...rules,
    text: (caption, place) => ownTraps(caption, place, { wildcards, separators }),
    ...(!wildcards && { lines }),
    ...(extension
      ? { extensions: [extension] }
      : {
          unasked: unasked && {
            ...unasked,
            severity: 'error',
            message: `caption files are .caption where ${KOHYA_CONFIG} has no caption_extension: these are not read`,
          },
        }),
  };
}

const metadataSchema = z.record(z.string(), z.unknown());
const entrySchema = z.looseObject({ caption: z.string().nullish(), tags: z.string().nullish() });

/** Captions in a JSON: `{path or name of the picture: {caption, tags}}`. Its pictures are those that it names. */
async function* lintMetadata(
  dir: string,
  { folder, wildcards, separators }: Subset,
  file: string,
  options: LintOptions,
): AsyncGenerator<Finding> {
  const path = besideConfig(dir, file);
  let rows: [string, unknown][];
  try {
    const parsed = metadataSchema.safeParse(await readJson(path));
    if (!parsed.success) throw new RecaptionError('row-invalid', complaint(parsed.error));
    rows = Object.entries(parsed.data);
  } catch (error) {
    if (!(error instanceof RecaptionError)) throw error;
    yield badConfig(join(dir, KOHYA_CONFIG), `the metadata_file "${file}" cannot be read: ${error.message}`);
    return;
  }
  const entries = new Set<string>();
  for (const [key, value] of rows) {
    const place = `${path}#${key}`;
    const parsed = entrySchema.safeParse(value);
    if (!parsed.success) {
      yield { place, trap: 'row-invalid', severity: 'error', message: complaint(parsed.error) };
      continue;
    }
    entries.add(isAbsolute(key) ? resolve(key) : key);
    const texts = [parsed.data.caption, parsed.data.tags].filter(
      (text) => text != null && text.trim() !== '',
    );
    if (texts.length === 0) {
      const message = 'the entry has neither a caption nor tags';
      yield { place, trap: 'missing-caption', severity: 'error', message };
    }
    for (const text of texts as string[]) {
      if (/[\r\n]/.test(text.trimEnd()) && !wildcards && !options.several && KOHYA_RULES.lines)
        yield { place, trap: 'new-line', ...KOHYA_RULES.lines };
      yield* ownTraps(text, place, { wildcards, separators });
      for (const line of text.split(/\r\n|\n|\r/)) yield* overLong(line, place, CLIP_TOKENS, options);
    }
  }
  if (folder === undefined) return;
  for await (const picture of picturesBelow(folder)) {
    yield* lintPicture(fileImage(picture), PICTURES_READ.kohya);
    if (namesOf(picture, folder).some((name) => entries.has(name))) continue;
    const message = `the picture has no entry in ${file}: it is not learnt`;
    yield { place: picture, trap: 'missing-caption', severity: 'error', message };
  }
}

/** What a picture may be called in the JSON: its path, or its way from the folder, with and without extension, or its bare name. */
function namesOf(picture: string, folder: string): string[] {
  const way = relative(folder, picture).replaceAll(sep, '/');
  const { ext, name } = parse(picture);
  const bare = (path: string) => path.slice(0, path.length - ext.length);
  const whole = resolve(picture);
  return [whole, bare(whole), way, bare(way), name];
}

function ownTraps(
  caption: string,
  place: string,
  { wildcards, separators }: Pick<Subset, 'wildcards' | 'separators'>,
): Finding[] {
  const found: Finding[] = [];
  if (/\{[^}]+\}/.test(caption.replaceAll('{{', '').replaceAll('}}', ''))) {
    found.push({
      place,
      trap: 'braces',
      severity: wildcards ? 'error' : 'warning',
      message: wildcards
        ? 'what stands in braces is read as a choice of words'
        : 'what stands in braces is read as a choice of words, should enable_wildcard be set',
      hint: 'Write parentheses, or double the braces.',
    });
  }
  const separator = [...separators, '|||', ';;;'].find((one) => caption.includes(one));
  if (separator !== undefined) {
    const isSet = separators.includes(separator);
    found.push({
      place,
      trap: 'separator',
      severity: isSet ? 'error' : 'warning',
      message: isSet
        ? `the caption is taken apart at "${separator}"`
        : `the caption is taken apart at "${separator}", should it be set as a separator`,
      hint: 'Take the marks out of the caption.',
    });
  }
  return found;
}
