import { join } from 'node:path';
import { z } from 'zod';
import { RecaptionError } from '../../errors.ts';
import { exists } from '../../files.ts';
import { measureImage } from '../../image/index.ts';
import { fileImage, pathInside } from '../paths.ts';
import { readJson } from '../readers/json-file.ts';
import { complaint } from '../rows.ts';
import type { Caption, Dataset } from '../sample.ts';
import { makeFolder, refuseExisting, writeLines } from '../writers/target.ts';
import { badConfig } from './configuration.ts';
import { asItIs, byPeople, distinct, type Exported } from './draw.ts';
import { noPictures } from './lint-folder.ts';
import { lintPicture, PICTURES_READ } from './pictures.ts';
import { placeWithMetadata } from './place.ts';
import type { ExportRun, Finding, LintOptions, TrainerProfile } from './profile.ts';
import { overLong } from './tokens.ts';

const FILE = 'data_info.json';
/** Of PixArt-Σ; α takes 120. */
const TOKENS = 300;
/** Height by width; the data loader drops pictures that are taller. */
const MAX_RATIO = 4;

const rowSchema = z.looseObject({
  path: z.string().min(1),
  height: z.number().positive(),
  width: z.number().positive(),
  ratio: z.number().positive(),
  prompt: z.string(),
  sharegpt4v: z.string().optional(),
});

/**
 * PixArt: a `data_info.json` of `{path, height, width, ratio, prompt, sharegpt4v}`. The trainer blends by itself
 * (`real_prompt_ratio`), so `prompt` is the sample's first caption by people and `sharegpt4v` the drawn one of a captioner; where a
 * sample has but one sort, both are that. The `metadata.jsonl` beside it is for reading the export back.
 */
export const pixart: TrainerProfile = {
  name: 'pixart',
  about: 'pictures and data_info.json with prompt and sharegpt4v',
  lists: false,
  write,
  lint,
};

async function write(dataset: Dataset, run: ExportRun): Promise<number> {
  const path = join(run.to, FILE);
  await refuseExisting(path, run.overwrite);
  await makeFolder(run.to);
  let written = 0;
  let last = '';
  await writeLines(path, async (write) => {
    await write('[');
    written = await placeWithMetadata(dataset, asItIs, run, async (placed) => {
      const { width, height } = await measureImage(placed.picture.bytes);
      const [drawn, prompt, described] = bothSides(placed);
      const row: z.input<typeof rowSchema> = {
        path: placed.name,
        height,
        width,
        ratio: height / width,
        prompt: prompt.text,
        sharegpt4v: described.text,
      };
      if (last !== '') await write(`${last},`); // JSON wants no comma behind the last
      last = JSON.stringify(row);
      return distinct([drawn, prompt, described]);
    });
    await write(last);
    await write(']');
  });
  await run.wrote(FILE);
  return written;
}

/** The caption that was drawn, the one by people and the one by a captioner. */
function bothSides({ sample, all }: Exported): [Caption, Caption, Caption] {
  const [drawn] = sample.captions;
  const captions = [drawn, ...all];
  return [drawn, captions.find(byPeople) ?? drawn, captions.find((caption) => !byPeople(caption)) ?? drawn];
}

async function* lint(dir: string, options: LintOptions): AsyncGenerator<Finding> {
  const path = join(dir, FILE);
  let rows: unknown;
  try {
    rows = await readJson(path);
  } catch (error) {
    if (!(error instanceof RecaptionError)) throw error;
    yield badConfig(path, error.message);
    return;
  }
  if (!Array.isArray(rows))
    yield badConfig(path, 'it must be a list of {path, height, width, ratio, prompt}');
  else if (rows.length === 0) yield noPictures(path);
  else {
    const seen = new Set<string>();
    for (const [i, row] of rows.entries()) yield* lintRow(dir, row, `${path}#[${i}]`, seen, options);
  }
}

async function* lintRow(
  dir: string,
  value: unknown,
  place: string,
  seen: Set<string>,
  options: LintOptions,
): AsyncGenerator<Finding> {
  const parsed = rowSchema.safeParse(value);
  if (!parsed.success) {
    yield { place, trap: 'row-invalid', severity: 'error', message: complaint(parsed.error) };
    return;
  }
  const { path, ratio, height, width, prompt, sharegpt4v } = parsed.data;
  const file = pathInside(dir, path);
  if (file === undefined || !(await exists(file)))
    yield { place, trap: 'orphan-caption', severity: 'error', message: `the picture "${path}" is not there` };
  else if (seen.has(file))
    yield {
      place,
      trap: 'duplicate-key',
      severity: 'error',
      message: `the picture "${path}" has a row already`,
    };
  else {
    seen.add(file);
    yield* lintPicture(fileImage(file), PICTURES_READ.pixart);
  }
  if (Math.abs(ratio - height / width) > 0.01 * ratio)
    yield { place, trap: 'row-invalid', severity: 'error', message: 'the ratio is not height by width' };
  if (ratio > MAX_RATIO) {
    const message = `the picture is ${ratio.toFixed(1)} times as high as wide: it is dropped`;
    yield { place, trap: 'extreme-ratio', severity: 'warning', message };
  }
  if (prompt.trim() === '')
    yield { place, trap: 'missing-caption', severity: 'error', message: 'the prompt is empty' };
  if (sharegpt4v === undefined || sharegpt4v.trim() === '') {
    const message =
      'there is no sharegpt4v: with a real_prompt_ratio below 1 the picture is learnt without a text';
    yield { place, trap: 'missing-caption', severity: 'warning', message };
  }
  for (const text of new Set([prompt, sharegpt4v ?? ''])) yield* overLong(text, place, TOKENS, options);
}
