/** The folder of a graph captioner; its relation graph lies in `relations/`. */
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { RecaptionError } from '../../errors.ts';
import { exists } from '../../files.ts';
import { parseConfig } from '../../models/captioner-config.ts';
import { graphCaptionerConfigSchema } from '../../models/graph-captioner/index.ts';
import { modelFiles, readJson, refuseOtherKind } from '../../models/model-folder.ts';
import { EDGE_SOURCES } from './edges.ts';

const source = z.object({ ref: z.string(), id: z.string() });

const fileSchema = z.looseObject({
  type: z.literal('recaption-graph-captioner'),
  format: z.literal(1),
  model: graphCaptionerConfigSchema,
  regions: source.extend({ labels: z.array(z.string()) }),
  vision: z.array(source),
  /** Absent where regions are all it sees. */
  graph: z
    .object({
      by: z.enum(EDGE_SOURCES),
      predicates: z.array(z.string()),
      threshold: z.number().min(0).max(1),
    })
    .optional(),
});
export type GraphCaptionerFile = z.infer<typeof fileSchema>;

export const RELATIONS = 'relations';

/** Whether a reference means a graph captioner. */
export async function isGraphCaptioner(ref: string): Promise<boolean> {
  const config = join(resolve(ref), 'config.json');
  if (!(await exists(config))) return false;
  return fileSchema.pick({ type: true }).safeParse(await readJson(config)).success;
}

/** @throws RecaptionError `no-captioner`, `bad-model`, `bad-config` */
export async function graphCaptionerFolder(ref: string) {
  const folder = resolve(ref);
  await refuseOtherKind(folder, 'recaption-graph-captioner', 'no-captioner');
  const files = await modelFiles(folder);
  const place = files['config.json'];
  const hint = 'Name a folder made by `recaption train graph-captioner`, whole and unchanged.';
  const file = parseConfig(fileSchema, await readJson(place), place, hint);
  const { model, regions, graph } = file;
  const fits = model.regions.labels === regions.labels.length && model.predicates === (graph?.predicates.length ?? 0); // biome-ignore format: one line
  if (!fits) throw new RecaptionError('bad-model', 'the vocabularies of the captioner do not fit its network', { place, hint }); // biome-ignore format: one line
  return { folder, files, file, relations: join(folder, RELATIONS) };
}
