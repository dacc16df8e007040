import { z } from 'zod';
import { RecaptionError } from '../../errors.ts';
import { mapAhead } from '../ahead.ts';
import { asDataset, asFailure, type ReadOptions } from '../dataset.ts';
import { fileImage, keyOf } from '../paths.ts';
import { complaint } from '../rows.ts';
import type { Caption, Dataset, Failure, OnFailure, Sample } from '../sample.ts';
import { each, findImage, readJsonObject } from './json-file.ts';

const AHEAD = 32;
const id = z.union([z.number(), z.string()]);
const imageSchema = z.looseObject({ id, file_name: z.string().min(1) });
const annotationSchema = z.looseObject({ image_id: id, caption: z.string().optional() });

export function isCoco(json: Record<string, unknown>): boolean {
  return Array.isArray(json.images) && Array.isArray(json.annotations);
}

/**
 * COCO captions: `{images: [{id, file_name}], annotations: [{image_id, caption}]}`. The file is read whole, since it is one
 * JSON value. Other columns of an image become `meta`; annotations without a caption are passed over.
 * @throws RecaptionError `file-not-found`, `source-unreadable` while iterating
 */
export function readCoco(path: string, { kind = 'human', images, onFailure }: ReadOptions = {}): Dataset {
  return asDataset(path, onFailure, async function* (fail) {
    const json = await readJsonObject(path);
    if (!isCoco(json)) {
      throw new RecaptionError(
        'source-unreadable',
        'COCO captions need the lists "images" and "annotations"',
        { place: path },
      );
    }
    const captions = new Map<number | string, Caption[]>();
    for (const [i, value] of (json.annotations as unknown[]).entries()) {
      const annotation = validated(annotationSchema, value, `${path}#annotations[${i}]`, fail);
      const text = annotation?.caption?.trim();
      if (!annotation || !text) continue;
      const list = captions.get(annotation.image_id) ?? [];
      list.push({ text, kind, source: 'file' });
      captions.set(annotation.image_id, list);
    }

    const rows = each((json.images as unknown[]).entries());
    const samples = mapAhead(rows, AHEAD, async ([i, value]): Promise<Sample | Failure | undefined> => {
      const place = `${path}#images[${i}]`;
      const row = validated(imageSchema, value, place, fail);
      if (!row) return undefined;
      const { file_name: name, ...meta } = row;
      try {
        const file = await findImage(path, images, '', name);
        return { key: keyOf(name), image: fileImage(file), captions: captions.get(row.id) ?? [], meta };
      } catch (error) {
        return asFailure(error, keyOf(name), place);
      }
    });
    for await (const found of samples) {
      if (!found) continue;
      if ('code' in found) fail(found);
      else yield found;
    }
  });
}

/** The value, or undefined after telling `fail` what is wrong with it. */
export function validated<T>(
  schema: z.ZodType<T>,
  value: unknown,
  place: string,
  fail: OnFailure,
): T | undefined {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  fail({ key: '', place, code: 'row-invalid', message: complaint(parsed.error) });
  return undefined;
}
