/** What a scene is, as plain data: it survives JSON, and `parseScene` reads it back. */
import { z } from 'zod';
import type { Box } from '../data/regions.ts';
import { RecaptionError } from '../errors.ts';
import { LETTERS } from './glyphs.ts';
import { OUTLINES } from './shapes.ts';
import { BACKDROP_NAMES, COLORS, SHAPES, SIZE_NAMES, TEXTURES } from './vocabulary.ts';

const share = z.number().min(0).max(1);

const objectSchema = z.strictObject({
  shape: z.enum(SHAPES),
  color: z.enum(COLORS),
  size: z.enum(SIZE_NAMES),
  texture: z.enum(TEXTURES),
  /** Centre of the bounding box, as a share of the canvas from its top left corner. */
  x: share,
  y: share,
  /** Longer side of the bounding box, as a share of the canvas. */
  extent: share,
});

const sceneSchema = z.strictObject({
  background: z.strictObject({
    color: z.enum(BACKDROP_NAMES),
    /** With it, the background fades from `color` at the top to this at the bottom. */
    fadesTo: z.enum(BACKDROP_NAMES).optional(),
  }),
  /** From back to front. */
  objects: z.array(objectSchema).min(1).max(4),
  letters: z
    .strictObject({
      text: z.string().regex(new RegExp(`^[${LETTERS.join('')}]{1,4}$`)),
      color: z.enum(COLORS),
      place: z.enum(['top', 'bottom']),
      x: share,
      y: share,
    })
    .optional(),
});

export type Scene = z.infer<typeof sceneSchema>;
export type SceneObject = Scene['objects'][number];
export type Background = Scene['background'];
export type Letters = NonNullable<Scene['letters']>;
/** What a caption can say of an object by itself. */
export type Attributes = Pick<SceneObject, 'shape' | 'color' | 'size' | 'texture'>;

/** The tight box around an object. */
export function boxOf({ shape, extent, x, y }: Pick<SceneObject, 'shape' | 'x' | 'y' | 'extent'>): Box {
  const width = OUTLINES[shape].width * extent;
  const height = OUTLINES[shape].height * extent;
  return { x: x - width / 2, y: y - height / 2, width, height };
}

/** Objects that nobody could tell apart in words: "three red circles". */
export interface Group extends Attributes {
  objects: SceneObject[];
}

/** The objects of a scene by what they look like, in order of first appearance. */
export function groupsOf(scene: Scene): Group[] {
  const groups = new Map<string, Group>();
  for (const object of scene.objects) {
    const { shape, color, size, texture } = object;
    const key = `${shape} ${color} ${size} ${texture}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { shape, color, size, texture, objects: [object] });
    else group.objects.push(object);
  }
  return [...groups.values()];
}

/**
 * A scene out of `meta.scene` of a sample, or any other JSON.
 * @throws RecaptionError `world-scene` naming the field that is wrong.
 */
export function parseScene(value: unknown, place?: string): Scene {
  const parsed = sceneSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  throw new RecaptionError(
    'world-scene',
    `this is not a scene (${path.join('.') || 'all of it'}: ${message})`,
    {
      place,
      hint: 'Scenes come from `sampleScene`, or from `meta.scene` of a sample of the world.',
    },
  );
}
