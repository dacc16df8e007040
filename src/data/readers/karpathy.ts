import { join } from 'node:path';
import { z } from 'zod';
import { RecaptionError } from '../../errors.ts';
import { mapAhead } from '../ahead.ts';
import { asDataset, asFailure, type ReadOptions } from '../dataset.ts';
import { fileImage, keyOf } from '../paths.ts';
import type { Dataset, Failure, Sample } from '../sample.ts';
import { validated } from './coco.ts';
import { each, findImage, readJsonObject } from './json-file.ts';

const AHEAD = 32;
const rowSchema = z.looseObject({
  filename: z.string().min(1),
  filepath: z.string().optional(),
  split: z.string().optional(),
  sentences: z.array(z.looseObject({ raw: z.string() })),
});

export function isKarpathy(json: Record<string, unknown>): boolean {
  const [first] = Array.isArray(json.images) ? (json.images as unknown[]) : [];
  return typeof first === 'object' && first !== null && 'sentences' in first;
}

/**
 * Karpathy's `dataset_*.json`: `images[]` of `{filename, split, sentences: [{raw}]}`, read whole. `split` names one of its
 * splits exactly (`restval` is not `train`); without it all are read, and `meta.split` tells.
 * @throws RecaptionError `split-unknown`, `file-not-found`, `source-unreadable` while iterating
 */
export function readKarpathy(path: string, options: ReadOptions = {}): Dataset {
  const { kind = 'human', images, split, onFailure } = options;
  return asDataset(path, onFailure, async function* (fail) {
    const json = await readJsonObject(path);
    if (!Array.isArray(json.images)) {
      throw new RecaptionError('source-unreadable', 'a Karpathy split needs the list "images"', {
        place: path,
      });
    }
    const rows = (json.images as unknown[]).flatMap((value, i) => {
      const place = `${path}#images[${i}]`;
      const row = validated(rowSchema, value, place, fail);
      return row ? [{ place, row }] : [];
    });
    const chosen = rows.filter(({ row }) => split === undefined || row.split === split);
    if (split !== undefined && chosen.length === 0)
      throw unknownSplit(
        path,
        split,
        rows.map(({ row }) => row.split),
      );

    const samples = mapAhead(each(chosen), AHEAD, async ({ place, row }): Promise<Sample | Failure> => {
      const { filename, filepath = '', sentences, sentids: _, ...meta } = row;
      const key = keyOf(join(filepath, filename));
      try {
        const file = await findImage(path, images, filepath, filename);
        const texts = sentences.map(({ raw }) => raw.trim()).filter((text) => text !== '');
        const captions = texts.map((text) => ({ text, kind, source: 'file' }));
        return { key, image: fileImage(file), captions, meta };
      } catch (error) {
        return asFailure(error, key, place);
      }
    });
    for await (const found of samples) {
      if ('code' in found) fail(found);
      else yield found;
    }
  });
}

function unknownSplit(place: string, split: string, found: (string | undefined)[]): RecaptionError {
  const names = [...new Set(found)].filter((name) => name !== undefined);
  return new RecaptionError('split-unknown', `there is no split "${split}"`, {
    place,
    hint: `It has: ${names.join(', ') || 'none'}.`,
  });
}
