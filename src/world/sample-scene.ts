/** Draws scenes: scene `index` of a seed is always the same scene, whatever else is drawn. */
import { z } from 'zod';
import type { Box } from '../data/regions.ts';
import { RecaptionError } from '../errors.ts';
import { type Random, random } from '../random.ts';
import { LETTERS, lineSize } from './glyphs.ts';
import { type Arrangement, layOut, MARGIN } from './layout.ts';
import type { Attributes, Background, Letters, Scene } from './scene.ts';
import {
  BACKDROP_NAMES,
  BACKDROPS,
  COLORS,
  type Color,
  colorDistance,
  INKS,
  type Rgb,
  SHAPES,
  type Shape,
  SIZES,
} from './vocabulary.ts';

const probability = (usual: number) => z.number().min(0).max(1).default(usual);
const howMany = (usual: number) => z.int().min(1).max(4).default(usual);

/** Scenes without what takes longest to learn: textures, letters, fading backgrounds, objects on objects. */
export const PLAIN = { textures: 0, letters: 0, gradients: 0, overlaps: 0 } as const;

const optionsSchema = z.object({
  /** 1 to 4. */
  minObjects: howMany(1),
  /** 1 to 4. */
  maxObjects: howMany(4),
  /** Probability that an object is striped or dotted. */
  textures: probability(0.35),
  /** Probability of letters; a scene of four objects has no room for them. */
  letters: probability(0.15),
  /** Probability that the background fades from one colour to another. */
  gradients: probability(0.15),
  /**
   * Centres of objects lie on the lines of a grid of so many cells each way, and all small objects are of one extent, as all large ones;
   * 0: any place and extent. A grid is learnt much sooner.
   */
  grid: z.int().min(0).max(64).default(0),
  /** Probability that several objects are alike ("three red circles"), where there are several. */
  alike: probability(0.35),
  /** Probability that one object is inside or in front of another, where two differ. */
  overlaps: probability(0.3),
  shapes: z.array(z.enum(SHAPES)).min(1).readonly().default(SHAPES),
  colors: z.array(z.enum(COLORS)).min(1).readonly().default(COLORS),
  /** Objects that match are drawn with this share of their usual probability only: 0 holds them out. */
  rare: z.object({ match: z.custom<(object: Attributes) => boolean>(), share: probability(0) }).optional(),
  /** Scenes that do not match are drawn again. */
  accept: z.custom<(scene: Scene) => boolean>().optional(),
});

export type SceneOptions = z.input<typeof optionsSchema>;
type Options = z.output<typeof optionsSchema>;

/** Least distance in sRGB between what is drawn and what lies behind it. */
const CONTRAST = 90;
const LETTER_CONTRAST = 150;
/** Two colours of a background differ visibly, and not so much that half-way between them another colour turns up. */
const FADE = { least: 60, most: 130 };

/** A small object fits inside these when they are large. */
const CONTAINERS: readonly Shape[] = ['circle', 'square'];

const LETTER_COLORS = ['black', 'white', 'red', 'blue'] as const;
const LETTER_MARGIN = 0.04;

/**
 * Scene number `index` of a world. The same seed, index and options give the same scene.
 * @throws RecaptionError `world-options` for options out of range, or that no scene can meet.
 */
export function sampleScene(seed: number, index: number, options: SceneOptions = {}): Scene {
  const checked = checkOptions(options);
  const source = random(seed, 'world', index);
  for (let tries = 0; tries < 1000; tries++) {
    const count = checked.minObjects + source.int(checked.maxObjects - checked.minObjects + 1);
    const lettered = count < 4 && source.uniform() < checked.letters;
    // What finds no place is drawn anew with the same count, so that full scenes stay as frequent as empty ones.
    for (let layouts = 0; layouts < 60; layouts++) {
      const scene = attempt(count, lettered, checked, source);
      if (scene === undefined) continue;
      if (checked.accept === undefined || checked.accept(scene)) return scene;
      break;
    }
  }
  throw new RecaptionError('world-options', 'no scene was found that meets these options', {
    place: `scene ${index} of seed ${seed}`,
    hint: 'Allow more shapes, colours or objects, or accept more scenes.',
  });
}

/** Options with their defaults. @throws RecaptionError `world-options` */
export function checkOptions(options: SceneOptions): Options {
  const parsed = optionsSchema.safeParse(options);
  const [issue] = parsed.error?.issues ?? [];
  if (issue === undefined && parsed.data!.minObjects <= parsed.data!.maxObjects) return parsed.data!;
  const wrong =
    issue === undefined ? 'minObjects is more than maxObjects' : `${issue.path.join('.')}: ${issue.message}`;
  throw new RecaptionError('world-options', `these scenes cannot be drawn (${wrong})`, {
    hint: 'A scene has 1 to 4 objects; probabilities lie between 0 and 1.',
  });
}

/** One try at a scene; undefined where objects found no place or no colour. */
function attempt(count: number, lettered: boolean, options: Options, random: Random): Scene | undefined {
  const background = drawBackground(options, random);
  const letters = lettered ? drawLetters(background, random) : undefined;
  const counts = drawCounts(count, options, random);
  const singles = counts.flatMap((n, group) => (n === 1 ? [group] : []));

  const overlapping = singles.length > 1 && random.uniform() < options.overlaps;
  const containers = options.shapes.filter((shape) => CONTAINERS.includes(shape));
  const inside = overlapping && containers.length > 0 && random.uniform() < 0.5;
  const [lower, upper] = overlapping ? singles : [];

  const looks: Attributes[] = [];
  for (const [group, n] of counts.entries()) {
    const behind = behindOf(background);
    if (group === upper) behind.push(INKS[looks[lower].color].fill);
    const look = drawLook(options, random, {
      behind,
      unlike: looks,
      large: inside && group === lower ? 1 : inside && group === upper ? 0 : n === 1 ? 0.45 : 0.2,
      textures: inside && group === lower ? 0 : options.textures,
      shapes: inside && group === lower ? containers : options.shapes,
    });
    if (look === undefined) return undefined;
    looks.push(look);
  }

  const groupOf = counts.flatMap((n, group) => Array<number>(n).fill(group));
  const extents = groupOf.map((group) => {
    const [least, most] = SIZES[looks[group].size];
    if (inside && group === lower) return most;
    if (inside && group === upper) return least;
    return least + (options.grid > 0 ? 0.5 : random.uniform()) * (most - least);
  });
  const pieces = groupOf.map((group, i) => ({ shape: looks[group].shape, extent: extents[i] }));
  const membersOf = (group: number) => groupOf.flatMap((other, i) => (other === group ? [i] : []));

  let arrangement: Arrangement = { kind: 'scatter' };
  if (overlapping) {
    arrangement = {
      kind: inside ? 'inside' : 'in front of',
      lower: membersOf(lower)[0],
      upper: membersOf(upper)[0],
    };
  } else if (counts.length === 2 && random.uniform() < 0.7) {
    const relation = random.pick(['left of', 'above'] as const);
    const [first, second] = random.shuffle([membersOf(0), membersOf(1)]);
    arrangement = { kind: 'sides', relation, first, second };
  }
  const bodies = layOut(pieces, arrangement, regionBeside(letters), random, options.grid && 1 / options.grid);
  if (bodies === undefined) return undefined;
  const objects = bodies.map((body, i) => ({ ...looks[groupOf[i]], ...body }));
  return letters === undefined ? { background, objects } : { background, objects, letters };
}

/** How many objects each group has: all one of a kind, or two and more alike among others. */
function drawCounts(count: number, options: Options, random: Random): number[] {
  const alike = count > 1 && random.uniform() < options.alike ? 2 + random.int(count - 1) : 1;
  return random.shuffle([alike, ...Array<number>(count - alike).fill(1)]);
}

interface LookRequest {
  behind: Rgb[];
  /** Looks already taken: shape and colour together must differ. */
  unlike: Attributes[];
  /** Probability of a large object. */
  large: number;
  textures: number;
  shapes: readonly Shape[];
}

function drawLook(options: Options, random: Random, request: LookRequest): Attributes | undefined {
  for (let tries = 0; tries < 50; tries++) {
    const look: Attributes = {
      shape: random.pick(request.shapes),
      color: random.pick(options.colors),
      size: random.uniform() < request.large ? 'large' : 'small',
      texture: random.uniform() < request.textures ? random.pick(['striped', 'dotted'] as const) : 'solid',
    };
    const kept = !options.rare?.match(look) || random.uniform() < options.rare.share;
    const taken = request.unlike.some(({ shape, color }) => shape === look.shape && color === look.color);
    if (
      kept &&
      !taken &&
      request.behind.every((color) => colorDistance(INKS[look.color].fill, color) >= CONTRAST)
    )
      return look;
  }
  return undefined;
}

function behindOf({ color, fadesTo }: Background): Rgb[] {
  return fadesTo === undefined ? [BACKDROPS[color]] : [BACKDROPS[color], BACKDROPS[fadesTo]];
}

function drawBackground(options: Options, random: Random): Background {
  const color = random.pick(BACKDROP_NAMES);
  if (random.uniform() >= options.gradients) return { color };
  const others = BACKDROP_NAMES.filter((other) => {
    const distance = colorDistance(BACKDROPS[color], BACKDROPS[other]);
    return distance >= FADE.least && distance <= FADE.most;
  });
  return others.length === 0 ? { color } : { color, fadesTo: random.pick(others) };
}

function drawLetters(background: Background, random: Random): Letters {
  const text = Array.from({ length: 1 + random.int(4) }, () => random.pick(LETTERS)).join('');
  const legible = LETTER_COLORS.filter((color) =>
    behindOf(background).every((behind) => colorDistance(INKS[color].fill, behind) >= LETTER_CONTRAST),
  );
  const place = random.pick(['top', 'bottom'] as const);
  const { width, height } = lineSize(text);
  const x = LETTER_MARGIN + width / 2 + random.uniform() * (1 - 2 * LETTER_MARGIN - width);
  const y = LETTER_MARGIN + height / 2;
  const color: Color = random.pick(legible);
  return { text, color, place, x, y: place === 'top' ? y : 1 - y };
}

/** Where objects may be: everywhere, or the part of the canvas that the letters leave. */
function regionBeside(letters: Letters | undefined): Box {
  const side = 1 - 2 * MARGIN;
  if (letters === undefined) return { x: MARGIN, y: MARGIN, width: side, height: side };
  const band = LETTER_MARGIN + lineSize(letters.text).height;
  return { x: MARGIN, y: letters.place === 'top' ? band + MARGIN : MARGIN, width: side, height: side - band };
}
