/** The folder of a generator: where it is, and what it says it holds. */
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { RecaptionError } from '../errors.ts';
import { exists } from '../files.ts';
import { parseConfig } from '../models/captioner-config.ts';
import { diffusionConfigSchema } from '../models/diffusion-transformer/config.ts';
import { modelFiles, readJson } from '../models/model-folder.ts';
import { drawSchema } from './config.ts';

/** Generators that come with the package, by name. */
const SHIPPED = fileURLToPath(new URL('../../assets/generators/', import.meta.url));

const fileSchema = z.looseObject({
  type: z.literal('recaption-generator'),
  format: z.literal(1),
  model: diffusionConfigSchema,
  draw: drawSchema,
  /** The frozen text encoder that it was trained on. */
  text: z.object({ ref: z.string(), id: z.string() }).optional(),
  /** The autoencoder whose latents it draws, and how these are scaled. */
  latent: z
    .object({
      ref: z.string(),
      id: z.string(),
      size: z.int().positive(),
      mean: z.array(z.number()),
      deviation: z.array(z.number().positive()),
    })
    .optional(),
  /** Name that pictures carry; default: the folder's name and a hash of the weights. */
  id: z.string().optional(),
});

/**
 * The folder of a generator by reference, the paths of its files, and its config.json.
 * @throws RecaptionError `no-generator`, `bad-model`, `bad-config`.
 */
export async function generatorFolder(ref: string) {
  const folder = await placeOf(ref);
  const place = join(folder, 'config.json');
  const hint = 'The file was changed, or is of another kind or version: copy the whole model folder again.';
  if (!(await exists(place))) await modelFiles(folder); // tells that it is missing
  const config = parseConfig(fileSchema, await readJson(place), place, hint);
  if (config.model.text.layers > 0) await modelFiles(folder);
  const [weights, tokenizer] = ['model.safetensors', 'tokenizer.json'].map((name) => join(folder, name));
  return { folder, files: { weights, tokenizer }, ...config };
}

/** A name means a generator that comes with the package, unless a model folder of that name is here; all else is a path. */
async function placeOf(ref: string): Promise<string> {
  const [here, shipped] = [resolve(ref), join(SHIPPED, ref)];
  const isName = !/[\\/.]/.test(ref);
  if (isName && (await exists(shipped)) && !(await exists(join(here, 'config.json')))) return shipped;
  if (await exists(here)) return here;
  throw new RecaptionError('no-generator', `there is no generator "${ref}"`, {
    place: here,
    hint: 'Name a folder made by `recaption train generator`, or one that comes with this package.',
  });
}
