/** The folder of a relation graph's classifier. */
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { RecaptionError } from '../../errors.ts';
import { exists } from '../../files.ts';
import { parseConfig } from '../../models/captioner-config.ts';
import { readJson, refuseOtherKind } from '../../models/model-folder.ts';
import { relationConfigSchema } from '../../models/relation-graph/config.ts';

const count = z.number().int().nonnegative();
const counted = z.object({ name: z.string().min(1), count });
const source = z.object({ ref: z.string(), id: z.string() });

export const relationFileSchema = z.looseObject({
  type: z.literal('recaption-relations'),
  format: z.literal(1),
  model: relationConfigSchema,
  /** Who proposed the regions that it was trained on, and what these may be called. */
  regions: source.extend({ labels: z.array(z.string()) }),
  vision: z.array(source),
  predicates: z.array(counted),
  objects: z.array(counted),
  /** Pairs of labels with a row of their own in the table of priors. */
  priors: z.array(z.tuple([count, count])),
  /** Relations that captions tell of, of a picture; as many are drawn, above this score. */
  edges: z.number().nonnegative(),
  threshold: z.number().min(0).max(1),
});
export type RelationFile = z.infer<typeof relationFileSchema>;

const WEIGHTS = 'model.safetensors';

/** @throws RecaptionError `no-relations`, `bad-model`, `bad-config` */
export async function relationFolder(
  ref: string,
): Promise<{ folder: string; weights: string; file: RelationFile }> {
  const folder = resolve(ref);
  await refuseOtherKind(folder, 'recaption-relations', 'no-relations');
  const place = join(folder, 'config.json');
  if (!(await exists(place)) || !(await exists(join(folder, WEIGHTS)))) {
    throw new RecaptionError('no-relations', `there is no relation graph "${ref}"`, {
      place: folder,
      hint: 'Name a folder made by `recaption train relations`.',
    });
  }
  const hint = 'Name a folder made by `recaption train relations`, whole and unchanged.';
  const file = parseConfig(relationFileSchema, await readJson(place), place, hint);
  const { model, predicates, priors, regions } = file;
  const fits =
    model.predicates === predicates.length &&
    model.priors === priors.length &&
    model.regions.labels === regions.labels.length;
  if (fits) return { folder, weights: join(folder, WEIGHTS), file };
  throw new RecaptionError('bad-model', 'the vocabularies of the relation graph do not fit its network', { place, hint }); // biome-ignore format: one line
}
