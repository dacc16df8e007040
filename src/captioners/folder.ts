/** The folder of a captioner: where it is, and what it says it holds. */
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { RecaptionError } from '../errors.ts';
import { exists } from '../files.ts';
import { captionerConfigSchema, parseConfig } from '../models/captioner-config.ts';
import { modelFiles, readJson, refuseOtherKind } from '../models/model-folder.ts';

/** Captioners that come with the package, by name. */
const SHIPPED = fileURLToPath(new URL('../../assets/captioners/', import.meta.url));

const fileSchema = z.looseObject({
  type: z.literal('recaption-captioner'),
  format: z.literal(1),
  model: captionerConfigSchema,
  vision: z.array(z.object({ ref: z.string(), id: z.string(), groups: z.array(z.unknown()) })).default([]),
  /** Name that captions carry as their author; default: the folder's name and a hash of the weights. */
  id: z.string().optional(),
});

/**
 * The folder of a captioner by reference, the paths of its files, and its config.json.
 * @throws RecaptionError `no-captioner`, `bad-model`, `bad-config`.
 */
export async function captionerFolder(ref: string) {
  const folder = await folderOf(ref);
  await refuseOtherKind(folder, 'recaption-captioner', 'no-captioner');
  const files = await modelFiles(folder);
  const place = files['config.json'];
  const hint =
    'The file was changed, or is of another version of Recaption: copy the whole model folder again.';
  return { folder, files, ...parseConfig(fileSchema, await readJson(place), place, hint) };
}

/** Whether a reference means a captioner of ours, and not a model of another sort or nothing at all. */
export async function isCaptioner(ref: string): Promise<boolean> {
  const folder = await placeOf(ref);
  if (folder === undefined) return false;
  const config = join(folder, 'config.json');
  if (!(await exists(config))) return false;
  return fileSchema.pick({ type: true }).safeParse(await readJson(config)).success;
}

/** A name means a captioner that comes with the package, unless a model folder of that name is here; all else is a path. */
async function placeOf(ref: string): Promise<string | undefined> {
  const [here, shipped] = [resolve(ref), join(SHIPPED, ref)];
  const isName = !/[\\/.]/.test(ref);
  if (isName && (await exists(shipped)) && !(await exists(join(here, 'config.json')))) return shipped;
  return (await exists(here)) ? here : undefined;
}

async function folderOf(ref: string): Promise<string> {
  const place = await placeOf(ref);
  if (place !== undefined) return place;
  throw new RecaptionError('no-captioner', `there is no captioner "${ref}"`, {
    place: resolve(ref),
    hint: 'Name a folder made by `recaption train captioner`, or one that comes with this package.',
  });
}
