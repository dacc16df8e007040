/** What SimpleTuner stumbles over, entry by entry. */
import { join, parse, resolve } from 'node:path';
import { z } from 'zod';
import { RecaptionError } from '../../errors.ts';
import { type Row, readJsonLines } from '../lines.ts';
import { openParquet, readParquetRows } from '../parquet.ts';
import { fileImage } from '../paths.ts';
import type { OnFailure } from '../sample.ts';
import { badConfig, isFolder, readEntries } from './configuration.ts';
import { asFinding } from './lint-dataset.ts';
import { type FolderRules, lintFolder, noPictures, picturesBelow } from './lint-folder.ts';
import { lintPicture, PICTURES_READ } from './pictures.ts';
import type { Finding, LintOptions } from './profile.ts';
import { overLong, T5_TOKENS } from './tokens.ts';

export const SIMPLETUNER_CONFIG = 'multidatabackend.json';
const backendSchema = z.looseObject({
  id: z.string().min(1),
  type: z.string().min(1),
  dataset_type: z.string().optional(),
  instance_data_dir: z.string().optional(),
  caption_strategy: z.string().optional(),
  disable_multiline_split: z.boolean().optional(),
  /** A table of captions, in Parquet or JSON lines. */
  parquet: z
    .looseObject({
      path: z.string().min(1),
      filename_column: z.string().default('id'),
      caption_column: z.string().default('description'),
      fallback_caption_column: z.string().nullish(),
      identifier_includes_extension: z.boolean().default(false),
    })
    .optional(),
});
type Backend = z.output<typeof backendSchema>;
const rowSchema = z.record(z.string(), z.unknown()).catch({});

export const SIMPLETUNER_RULES: FolderRules = {
  reads: PICTURES_READ.simpletuner,
  extensions: ['.txt'],
  missing: {
    severity: 'error',
    message: 'the picture has no caption file: the trainer stops, or takes the file name for a caption',
  },
  empty: { severity: 'error', message: 'the caption file is empty: the picture has no caption' },
  lines: {
    severity: 'warning',
    message: 'every line is taken for a caption of its own',
    hint: 'Write one line where it is one caption, or set disable_multiline_split.',
  },
  maxTokens: T5_TOKENS,
};

/** Each folder of pictures by what its entry says of captions. */
export async function* lintSimpletuner(dir: string, options: LintOptions): AsyncGenerator<Finding> {
  const file = join(dir, SIMPLETUNER_CONFIG);
  const { entries, findings } = await readEntries(
    dir,
    SIMPLETUNER_CONFIG,
    backendSchema,
    (entry) => entry.instance_data_dir,
  );
  yield* findings;
  if (entries.length > 0 && !entries.some((entry) => entry.dataset_type === 'text_embeds'))
    yield badConfig(file, 'it has no entry of dataset_type "text_embeds"');
  const images = entries.filter((entry) => (entry.dataset_type ?? 'image') === 'image');
  if (images.length === 0) yield* lintFolder(dir, SIMPLETUNER_RULES, options);
  for (const entry of images) {
    const { id, caption_strategy: strategy, disable_multiline_split: whole } = entry;
    const own = resolve(dir, entry.instance_data_dir ?? '.');
    const folder = (await isFolder(own)) ? own : dir;
    if (strategy === 'textfile')
      yield* lintFolder(
        folder,
        whole ? { ...SIMPLETUNER_RULES, lines: undefined } : SIMPLETUNER_RULES,
        options,
      );
    else if (strategy === 'parquet') yield* lintTable(dir, folder, entry, options);
    else {
      const said = strategy ? `"${strategy}"` : 'missing';
      const message = `captions of "${id}" are not read: caption_strategy is ${said}`;
      const isMeant = strategy === 'instanceprompt' || strategy === 'filename';
      const hint = 'Set caption_strategy to "textfile".';
      yield { ...badConfig(file, message, hint), severity: isMeant ? 'warning' : 'error' };
    }
  }
}

/** Each picture against the table that has the captions: without a row, its file name is taken for one. */
async function* lintTable(
  dir: string,
  folder: string,
  { id, parquet: table }: Backend,
  options: LintOptions,
): AsyncGenerator<Finding> {
  const config = join(dir, SIMPLETUNER_CONFIG);
  if (!table) {
    yield badConfig(config, `"${id}" takes its captions from a table, and names none in "parquet"`);
    return;
  }
  const path = resolve(dir, table.path);
  const findings: Finding[] = [];
  const captioned = new Map<string, boolean>();
  try {
    for await (const { place, value } of rowsOf(path, (failure) => findings.push(asFinding(failure)))) {
      const row = rowSchema.parse(value);
      const name = row[table.filename_column];
      const texts = textsOf(row[table.caption_column]);
      const others = textsOf(table.fallback_caption_column && row[table.fallback_caption_column]);
      if (typeof name !== 'string' && typeof name !== 'number') {
        const message = `there is no "${table.filename_column}"`;
        findings.push({ place, trap: 'row-invalid', severity: 'error', message });
        continue;
      }
      captioned.set(String(name), texts.length + others.length > 0);
      for (const text of texts) findings.push(...overLong(text, place, T5_TOKENS, options));
      yield* findings.splice(0);
    }
  } catch (error) {
    if (!(error instanceof RecaptionError)) throw error;
    yield badConfig(config, `the table "${table.path}" cannot be read: ${error.message}`);
    return;
  }
  yield* findings;
  let pictures = 0;
  for await (const picture of picturesBelow(folder)) {
    pictures++;
    yield* lintPicture(fileImage(picture), PICTURES_READ.simpletuner);
    const { base, name } = parse(picture);
    const has = captioned.get(table.identifier_includes_extension ? base : name);
    if (has) continue;
    const lack = has === undefined ? 'no row' : 'a row without a caption';
    const message = `the picture has ${lack} in ${table.path}: its file name is taken for a caption`;
    yield { place: picture, trap: 'missing-caption', severity: 'error', message };
  }
  if (pictures === 0) yield noPictures(folder);
}

/** @throws RecaptionError those of the readers */
async function* rowsOf(path: string, fail: OnFailure): AsyncGenerator<Row> {
  if (path.endsWith('.jsonl')) yield* readJsonLines(path, fail);
  else yield* readParquetRows(path, await openParquet(path), fail);
}

/** A text, or a list of them. */
const textsOf = (cell: unknown): string[] =>
  [cell].flat().filter((text): text is string => typeof text === 'string' && text.trim() !== '');
