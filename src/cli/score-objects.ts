/** CHAIR: objects that captions mention and that are not there. */
import { z } from 'zod';
import { canonicalId } from '../data/index.ts';
import { RecaptionError } from '../errors.ts';
import { additive, chair, type ObjectVocabulary, objectVocabulary, ptbTokenize } from '../metrics/index.ts';
import { readJsonFile } from './options.ts';
import { counted } from './output.ts';
import {
  compared,
  type Measured,
  type Part,
  type PartOptions,
  perImageOf,
  type Sets,
  withIntervals,
} from './score-part.ts';
import { scoreTable } from './score-tables.ts';

const fileSchema = z.object({
  /** Names of objects, with synonyms. */
  objects: z.record(z.string().min(1), z.array(z.string().min(1))),
  /** What is in each image, by its id. */
  images: z.record(z.string().min(1), z.array(z.string())),
});

/** @throws RecaptionError `bad-objects`, `no-captions`, and those of reading the file. */
export async function scoreObjects(sets: Sets, file: string, options: PartOptions): Promise<Part> {
  const parsed = fileSchema.safeParse(await readJsonFile(file));
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0];
    throw new RecaptionError('bad-objects', `${path.join('.') || 'the file'}: ${message}`, {
      place: file,
      hint: 'Give {"objects": {"couch": ["sofa"]}, "images": {"17": ["couch"]}}.',
    });
  }
  const vocabulary = objectVocabulary(parsed.data.objects);
  const present = new Map(
    Object.entries(parsed.data.images).map(([id, objects]) => [canonicalId(id), objects] as const),
  );
  const texts = sets.map((set) => new Map(set.map(({ names, text }) => [names[0], text])));
  const known = sets[0]
    .map(({ id, names }) => ({
      id,
      name: names[0],
      there: names.map((name) => present.get(name)).find(Boolean),
    }))
    .filter(({ name, there }) => there !== undefined && texts.every((own) => own.has(name)));
  if (known.length === 0) {
    throw new RecaptionError('no-captions', 'none of the captions is of an image whose objects are listed', {
      place: file,
      hint: `The captions are of images such as "${sets[0][0].id}".`,
    });
  }
  const ids = known.map(({ id }) => id);
  const results = texts.map(
    (own) =>
    measure(known.map(({ name }) => own.get(name)!), known.map(({ there }) => there!), vocabulary), // biome-ignore format: one line
  );
  const [result, second] = results;
  const own = withIntervals(result, options);
  const other = second && compared(result, second, options);
  const perImage = perImageOf(options, ids);
  const missing = sets[0].length - known.length;
  return {
    title: `${counted(known.length, 'image')} with listed objects`,
    lines: scoreTable(own, other),
    notes: [],
    warnings:
      missing > 0 ? [`${counted(missing, 'caption')} left out of CHAIR, without a list of objects`] : [],
    leftOut: missing > 0,
    record: {
      ...own,
      ...perImage(result),
      n: known.length,
      ...(other && { compare: { file: options.compare, ...other, ...perImage(second) } }),
    },
  };
}

function measure(captions: string[], present: readonly string[][], vocabulary: ObjectVocabulary) {
  const { chairI, chairS, perImage, additive: both } = chair(captions.map(ptbTokenize), present, vocabulary);
  const rows = Array.from({ length: captions.length }, (_, i) => [...both.rows.subarray(i * both.width, (i + 1) * both.width)]); // biome-ignore format: one line
  const one = (k: number) => additive(rows, both.width, (sum) => [both.scores(sum)[k]]);
  const measured: Measured = {
    metrics: { CHAIR_i: chairI, CHAIR_s: chairS },
    additive: { CHAIR_i: one(0), CHAIR_s: one(1) },
  };
  return { ...measured, perImage };
}
