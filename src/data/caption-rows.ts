/** Captions by image from the files that people score: rows with an id, no pictures needed. */
import { extname, join } from 'node:path';
import { z } from 'zod';
import { RecaptionError } from '../errors.ts';
import { readJsonLines } from './lines.ts';
import { keyOf } from './paths.ts';
import { validated } from './readers/coco.ts';
import { readJson } from './readers/json-file.ts';
import { isKarpathy } from './readers/karpathy.ts';
import type { OnFailure } from './sample.ts';

/** What one row says about an image. */
export interface CaptionRow {
  place: string;
  /** Names of the image, the one that the file uses first. */
  ids: string[];
  /** The caption under test: `candidate`. */
  candidate?: string;
  /** What `caption` holds: a caption under test, or references. */
  caption: string[];
  /** `references`, or `captions`. */
  references?: string[];
}

const id = z.union([z.string().min(1), z.number()]).nullish();
const text = z.union([
  z.string(),
  z.object({ text: z.string() }).transform(({ text }) => text),
  z.object({ caption: z.string() }).transform(({ caption }) => caption),
]);
const texts = z.union([text.transform((one) => [one]), z.array(text)]).nullish();
const fileName = z.string().min(1).optional().catch(undefined);
const rowSchema = z.looseObject({
  image_id: id,
  key: id,
  id,
  file_name: fileName,
  image: fileName,
  candidate: text.nullish(),
  caption: texts,
  references: texts,
  captions: texts,
});
const imageSchema = z.looseObject({ id: z.union([z.string(), z.number()]), file_name: z.string().min(1) });
const karpathySchema = z.looseObject({
  cocoid: z.number().optional(),
  filename: z.string().min(1),
  filepath: z.string().optional(),
  split: z.string().optional(),
  sentences: z.array(z.looseObject({ raw: z.string() })),
});

/** Whether a place is a file of rows rather than a collection of pictures. */
export const isCaptionFile = (path: string): boolean => /\.(jsonl?|ndjson)$/i.test(path);

/**
 * Rows `{image_id | key | id, candidate | caption, references? | captions?}` of JSON lines or of a JSON list; COCO results, COCO
 * annotations and Karpathy's JSON (`dataset.json@test` for one split). A caption is a text, `{text}` or `{caption}`. Rows
 * that have no id or no caption are reported.
 * @throws RecaptionError `file-not-found`, `read-failed`, `source-unreadable`, `source-unknown`
 */
export async function* readCaptionRows(place: string, fail: OnFailure): AsyncGenerator<CaptionRow> {
  const [, json, split] = /^(.+\.json)@([^@/\\]+)$/i.exec(place) ?? [];
  const path = json ?? place;
  if (/\.(jsonl|ndjson)$/i.test(path)) {
    for await (const { place, value } of readJsonLines(path, fail)) yield* readRow(value, place, fail);
  } else if (/\.json$/i.test(path)) {
    yield* readValue(await readJson(path), path, split, fail);
  } else {
    throw new RecaptionError(
      'source-unknown',
      `a ${extname(path) || 'file without extension'} is no file of captions`,
      {
        place: path,
        hint: 'Give JSON lines (.jsonl) or JSON (.json) of {image_id, caption, references}.',
      },
    );
  }
}

function* readValue(
  value: unknown,
  path: string,
  split: string | undefined,
  fail: OnFailure,
): Generator<CaptionRow> {
  if (Array.isArray(value)) {
    for (const [i, row] of value.entries()) yield* readRow(row, `${path}#[${i}]`, fail);
    return;
  }
  const object = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  if (isKarpathy(object)) yield* readKarpathyRows(object.images as unknown[], path, split, fail);
  else if (Array.isArray(object.annotations)) yield* readAnnotations(object, path, fail);
  else if ('candidate' in object || 'caption' in object) yield* readRow(object, path, fail);
  else {
    throw new RecaptionError('source-unreadable', 'this JSON holds no captions that we know how to read', {
      place: path,
      hint: 'Give a list of {image_id, caption, references}, COCO results or COCO annotations; JSON lines are named .jsonl.',
    });
  }
}

function* readRow(value: unknown, place: string, fail: OnFailure): Generator<CaptionRow> {
  const row = validated(rowSchema, value, place, fail);
  if (!row) return;
  const file = row.file_name ?? row.image;
  const name = row.image_id ?? row.key ?? row.id;
  const ids = [...(name == null ? [] : [String(name)]), ...(file === undefined ? [] : [keyOf(file)])];
  const found = {
    place,
    ids,
    candidate: row.candidate ?? undefined,
    caption: row.caption ?? [],
    references: row.references ?? row.captions ?? undefined,
  };
  const missing =
    ids.length === 0
      ? 'image_id, key or id'
      : found.candidate === undefined && found.caption.length === 0 && found.references === undefined
        ? 'candidate, caption or captions'
        : undefined;
  if (missing === undefined) yield found;
  else fail({ key: ids[0] ?? '', place, code: 'row-invalid', message: `the row has no ${missing}` });
}

function* readAnnotations(
  object: Record<string, unknown>,
  path: string,
  fail: OnFailure,
): Generator<CaptionRow> {
  const names = new Map<string, string>();
  for (const image of Array.isArray(object.images) ? object.images : []) {
    const parsed = imageSchema.safeParse(image); // a list without file names is as good
    if (parsed.success) names.set(String(parsed.data.id), keyOf(parsed.data.file_name));
  }
  for (const [i, annotation] of (object.annotations as unknown[]).entries()) {
    for (const row of readRow(annotation, `${path}#annotations[${i}]`, fail)) {
      const name = names.get(row.ids[0]);
      yield name === undefined ? row : { ...row, ids: [...row.ids, name] };
    }
  }
}

function* readKarpathyRows(
  images: unknown[],
  path: string,
  split: string | undefined,
  fail: OnFailure,
): Generator<CaptionRow> {
  for (const [i, value] of images.entries()) {
    const place = `${path}#images[${i}]`;
    const image = validated(karpathySchema, value, place, fail);
    if (!image || (split !== undefined && image.split !== split)) continue;
    const ids = [...(image.cocoid === undefined ? [] : [String(image.cocoid)]), keyOf(image.filename)];
    if (image.filepath) ids.push(keyOf(join(image.filepath, image.filename)));
    yield { place, ids, caption: [], references: image.sentences.map(({ raw }) => raw) };
  }
}
