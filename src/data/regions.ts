/** What a sample says of parts of its picture. */
import { z } from 'zod';

/** Top left corner and sides, as shares of the picture. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Where a box lies in the mirror image. */
export const mirrorBox = (box: Box): Box => ({ ...box, x: 1 - box.x - box.width });

/** Words for the part of a picture in a box. */
export interface Region {
  /** What it is: `circle`. */
  name: string;
  /** The name with what it is like: `small red circle`. */
  text: string;
  box: Box;
}

const share = z.number().min(0).max(1);
const objectSchema = z
  .object({
    name: z.string().min(1),
    attributes: z.array(z.string()).default([]),
    box: z.object({ x: share, y: share, width: share, height: share }),
  })
  .transform(({ name, attributes, box }): Region => ({ name, text: [...attributes, name].join(' '), box }));

const metaSchema = z.object({ graph: z.object({ objects: z.array(z.unknown()) }) });

/** Objects of `meta.graph` that have a box, as the world writes them. Whatever is something else is left out. */
export function regionsOf(meta: unknown): Region[] {
  const objects = metaSchema.safeParse(meta).data?.graph.objects ?? [];
  return objects.flatMap((object) => objectSchema.safeParse(object).data ?? []);
}

/** How two objects stand to each other, by their places. */
export interface RegionRelation {
  subject: number;
  predicate: string;
  object: number;
}

const place = z.int().nonnegative();
const relationSchema = z.object({ subject: place, predicate: z.string().min(1), object: place });
const relationsSchema = z.object({ graph: z.object({ relations: z.array(relationSchema) }) });

/** Relations of `meta.graph`, as the world writes them; undefined where it has none that can be read. */
export function relationsOf(meta: unknown): RegionRelation[] | undefined {
  return relationsSchema.safeParse(meta).data?.graph.relations;
}
