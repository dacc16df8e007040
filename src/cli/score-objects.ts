/** CHAIR: objects that captions mention and that are not there. */
import { z } from 'zod';
import { canonicalId } from '../data/index.ts';
import { RecaptionError } from '../errors.ts';
import { chair, objectVocabulary, ptbTokenize } from '../metrics/index.ts';
import { readJsonFile } from './options.ts';
import { counted } from './output.ts';
import { type Part, type PartOptions, type Sets, tell } from './score-part.ts';

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
  const listed = new Map(
    Object.entries(parsed.data.images).map(([id, objects]) => [canonicalId(id), objects] as const),
  );
  const texts = sets.map((set) => new Map(set.map(({ names, text }) => [names[0], text])));
  const known = sets[0]
    .map(({ id, names }) => ({
      id,
      name: names[0],
      there: names.map((name) => listed.get(name)).find(Boolean),
    }))
    .filter(({ name, there }) => there !== undefined && texts.every((own) => own.has(name)));
  if (known.length === 0) {
    throw new RecaptionError('no-captions', 'none of the captions is of an image whose objects are listed', {
      place: file,
      hint: `The captions are of images such as "${sets[0][0].id}".`,
    });
  }
  const ids = known.map(({ id }) => id);
  const present = known.map(({ there }) => there!);
  const reports = texts.map((own) => {
    const captions = known.map(({ name }) => ptbTokenize(own.get(name)!));
    const { chairI, chairS, perImage, additive } = chair(captions, present, vocabulary);
    const metrics = { CHAIR_i: chairI, CHAIR_s: chairS };
    return { metrics, parts: [{ names: Object.keys(metrics), additive }], perImage };
  });
  const { table, record } = tell(reports, ids, options);
  const missing = sets[0].length - known.length;
  return {
    title: `${counted(known.length, 'image')} with listed objects`,
    lines: table,
    notes: [],
    warnings:
      missing > 0 ? [`${counted(missing, 'caption')} left out of CHAIR, without a list of objects`] : [],
    leftOut: missing > 0,
    record,
  };
}
