/**
 * Reads a picture of the world back into a scene, by redrawing: what may lie where is guessed from patches of one colour, drawn with the
 * world's own outlines, and kept where the drawing agrees with the picture. What is in front is whole and is found first.
 */
import type { Image } from '../image/image.ts';
import {
  BACKDROP_NAMES,
  BACKDROPS,
  type Background,
  COLORS,
  type Color,
  colorDistance,
  INKS,
  LETTERS,
  type Letters,
  lineDistance,
  lineSize,
  OUTLINES,
  patternShare,
  type Rgb,
  type Scene,
  type SceneObject,
  SHAPES,
  type Shape,
  TEXTURES,
  type Texture,
} from '../world/index.ts';

export interface ReadScene extends Omit<Scene, 'letters'> {
  letters?: Letters;
  /** Share of the pixels that nothing found explains: 0 in a clean drawing. */
  unexplained: number;
}

/** Squared distances in sRGB are cut here: a pixel that is wrong is wrong, however far off. */
const CAP = 70 ** 2;
/** A pixel this far from the background shows something else; inks keep 90 from what lies behind them. */
const FOREGROUND = 45;
/** Patches of fewer pixels are noise, as a share of the canvas. */
const LEAST_PATCH = 0.006;
/** What fits worse than this is no object; the share of its pixels that are wrong, about. */
const WORST_FIT = 0.4;
const WORST_GLYPH = 0.4;
/** Less of an object than this is not enough to know it by. */
const LEAST_SEEN = 0.3;
const MOST_OBJECTS = 6;
/** Pixels that an outline covers at most, as a share of its area: it is drawn on a grid. */
const MOST_AREA = 1.15;
/** Extents between the two sizes: less is small, more is large. */
const SIZE_BOUND = 0.36;
const EXTENTS = { least: 0.2, most: 0.56 };

/** Objects from back to front, background and letters of a square picture. Pictures of other things give few objects and much that is unexplained. */
export function readScene({ width: size, height, data }: Image): ReadScene {
  const canvas = openCanvas(size, height, data);
  const letters = readLetters(canvas);
  const found: SceneObject[] = [];
  const known: Known = new Map();
  while (found.length < MOST_OBJECTS) {
    const next = nextObject(canvas, known);
    if (next === undefined) break;
    found.unshift(next);
  }
  const left = canvas.open.reduce((sum, open) => sum + open, 0);
  return {
    background: canvas.background,
    objects: found,
    ...(letters && { letters }),
    unexplained: left / (size * size),
  };
}

interface Canvas {
  size: number;
  data: Uint8Array;
  background: Background;
  /** Colour of the background in each row. */
  behind: Rgb[];
  /** The ink that each pixel is nearest to, as its place in COLORS. */
  ink: Uint8Array;
  /** For each ink, the share of its pattern in the mixture of its two colours that is nearest to each pixel. */
  mixtures: Float32Array[];
  /** 1 where the picture is not background and nothing found explains it. */
  open: Uint8Array;
  /** 1 where something found lies. */
  taken: Uint8Array;
}

function openCanvas(size: number, height: number, data: Uint8Array): Canvas {
  if (height !== size) throw new RangeError(`a scene is square, not ${size} × ${height}`);
  const background = readBackground(size, data);
  const behind = Array.from({ length: size }, (_, row) => backdropAt(background, row, size));
  const ink = new Uint8Array(size * size);
  const open = new Uint8Array(size * size);
  for (let i = 0; i < size * size; i++) {
    const pixel = pixelAt(data, i);
    if (colorDistance(pixel, behind[Math.floor(i / size)]) < FOREGROUND) continue;
    open[i] = 1;
    let nearest = Number.POSITIVE_INFINITY;
    for (const [k, color] of COLORS.entries()) {
      const off = inkDistance(pixel, color);
      if (off < nearest) [nearest, ink[i]] = [off, k];
    }
  }
  const mixtures = COLORS.map((color) => Float32Array.from({ length: size * size }, (_, i) => mixtureOf(pixelAt(data, i), color))); // biome-ignore format: one line
  return { size, data, background, behind, ink, mixtures, open, taken: new Uint8Array(size * size) };
}

const pixelAt = (data: Uint8Array, i: number): Rgb => [data[3 * i], data[3 * i + 1], data[3 * i + 2]];

function backdropAt({ color, fadesTo = color }: Background, row: number, size: number): Rgb {
  const t = row / (size - 1);
  const [from, to] = [BACKDROPS[color], BACKDROPS[fadesTo]];
  return [0, 1, 2].map((c) => from[c] + (to[c] - from[c]) * t) as unknown as Rgb;
}

const BACKGROUNDS: Background[] = BACKDROP_NAMES.flatMap((color) => [
  { color },
  ...BACKDROP_NAMES.filter((fadesTo) => fadesTo !== color).map((fadesTo) => ({ color, fadesTo })),
]);

/** The background that explains the most pixels; of two that explain as many, the one that does not fade. */
function readBackground(size: number, data: Uint8Array): Background {
  let best: Background = BACKGROUNDS[0];
  let least = Number.POSITIVE_INFINITY;
  for (const background of BACKGROUNDS) {
    let cost = background.fadesTo === undefined ? 0 : 0.01 * size * size * CAP;
    for (let row = 0; row < size; row++) {
      const [r, g, b] = backdropAt(background, row, size);
      for (let i = row * size; i < (row + 1) * size; i++)
        cost += Math.min(
          CAP,
          (data[3 * i] - r) ** 2 + (data[3 * i + 1] - g) ** 2 + (data[3 * i + 2] - b) ** 2,
        );
    }
    if (cost < least) [least, best] = [cost, background];
  }
  return best;
}

/** Where the mixture of an ink's fill and pattern that is nearest to a pixel lies: 0 the fill, 1 the pattern. */
function mixtureOf([r, g, b]: Rgb, color: Color): number {
  const { fill, pattern } = INKS[color];
  const way = [pattern[0] - fill[0], pattern[1] - fill[1], pattern[2] - fill[2]];
  const dot = (r - fill[0]) * way[0] + (g - fill[1]) * way[1] + (b - fill[2]) * way[2];
  return Math.min(1, Math.max(0, dot / (way[0] ** 2 + way[1] ** 2 + way[2] ** 2)));
}

function inkAt(color: Color, share: number): Rgb {
  const { fill, pattern } = INKS[color];
  return [0, 1, 2].map((c) => fill[c] + share * (pattern[c] - fill[c])) as unknown as Rgb;
}

const inkDistance = (pixel: Rgb, color: Color): number =>
  colorDistance(pixel, inkAt(color, mixtureOf(pixel, color)));

/** A patch of pixels of one ink that touch each other. */
interface Patch {
  color: Color;
  area: number;
  left: number;
  top: number;
  right: number;
  bottom: number;
}

function patchesOf({ size, ink, open, taken }: Canvas): Patch[] {
  const seen = new Uint8Array(size * size);
  const patches: Patch[] = [];
  for (let start = 0; start < size * size; start++) {
    if (seen[start] || !open[start] || taken[start]) continue;
    const patch = { color: COLORS[ink[start]], area: 0, left: size, top: size, right: 0, bottom: 0 };
    const queue = [start];
    seen[start] = 1;
    for (let i = queue.pop(); i !== undefined; i = queue.pop()) {
      const [x, y] = [i % size, Math.floor(i / size)];
      patch.area++;
      patch.left = Math.min(patch.left, x);
      patch.right = Math.max(patch.right, x + 1);
      patch.top = Math.min(patch.top, y);
      patch.bottom = Math.max(patch.bottom, y + 1);
      for (const j of [x > 0 ? i - 1 : i, x < size - 1 ? i + 1 : i, i - size, i + size]) {
        if (j < 0 || j >= size * size || seen[j] || !open[j] || taken[j] || ink[j] !== ink[start]) continue;
        seen[j] = 1;
        queue.push(j);
      }
    }
    if (patch.area >= LEAST_PATCH * size * size) patches.push(patch);
  }
  return patches;
}

interface Where {
  shape: Shape;
  color: Color;
  /** Centre and longer side, as shares of the canvas. */
  x: number;
  y: number;
  extent: number;
}

interface Guess extends Where {
  /** How badly it agrees, from 0. */
  cost: number;
}

interface Found {
  guess: Guess;
  texture: Texture;
  cost: number;
}

/** What each patch most likely is, by patch: asked again only where something next to it has been taken. */
type Known = Map<string, { patch: Patch; found: Found | undefined }>;

/** The object that fits best, drawn into what is taken. */
function nextObject(canvas: Canvas, known: Known): SceneObject | undefined {
  let best: Found | undefined;
  for (const patch of patchesOf(canvas)) {
    const name = JSON.stringify(patch);
    if (!known.has(name)) known.set(name, { patch, found: likeliest(canvas, patch) });
    const found = known.get(name)?.found;
    if (found && (best === undefined || found.cost < best.cost)) best = found;
  }
  if (best === undefined || best.cost > WORST_FIT) return undefined;
  const { cost: _, ...where } = best.guess;
  take(canvas, (x, y) => distanceTo(where, x, y) * canvas.size < 1);
  const reach = EXTENTS.most * canvas.size;
  const apart = (low: number, high: number, at: number) => at < low - reach || at > high + reach;
  for (const [name, { patch }] of known) {
    const [x, y] = [where.x * canvas.size, where.y * canvas.size];
    if (!apart(patch.left, patch.right, x) && !apart(patch.top, patch.bottom, y)) known.delete(name);
  }
  return { ...where, size: where.extent < SIZE_BOUND ? 'small' : 'large', texture: best.texture };
}

/** The best of the guesses at a patch, refined, with its texture. */
function likeliest(canvas: Canvas, patch: Patch): Found | undefined {
  let best: Found | undefined;
  for (const guess of fewOf(guessesOf(canvas, patch))) {
    const refined = refine(canvas, guess);
    for (const texture of TEXTURES) {
      const limit = best === undefined ? undefined : 2 * best.cost - refined.cost;
      const cost = (refined.cost + costOf(canvas, refined, texture, limit)) / 2;
      if (best === undefined || cost < best.cost) best = { guess: refined, texture, cost };
    }
  }
  return best;
}

/** The best guess of each shape, and of these the best few. */
function fewOf(guesses: Guess[]): Guess[] {
  const best = new Map<Shape, Guess>();
  for (const guess of guesses)
    if (guess.cost < (best.get(guess.shape)?.cost ?? 1)) best.set(guess.shape, guess);
  return [...best.values()].sort((a, b) => a.cost - b.cost).slice(0, 4);
}

/** Every shape in every size at the patch, flush with each side of it in turn: what is partly hidden is larger than its patch. */
function guessesOf(canvas: Canvas, { color, left, top, right, bottom }: Patch): Guess[] {
  const { size } = canvas;
  const guesses: Guess[] = [];
  for (const shape of SHAPES) {
    const { width, height } = OUTLINES[shape];
    const own = Math.max((right - left) / size / width, (bottom - top) / size / height);
    const extents = [own, 0.29, 0.44].filter((extent) => extent >= EXTENTS.least && extent <= EXTENTS.most);
    let least = 1; // of this shape: worse ones are not looked at
    for (const extent of extents) {
      const [halfX, halfY] = [(extent * width) / 2, (extent * height) / 2];
      const across = [(left + right) / 2 / size, left / size + halfX, right / size - halfX];
      const along = [(top + bottom) / 2 / size, top / size + halfY, bottom / size - halfY];
      for (const x of across)
        for (const y of along) {
          const guess = { shape, color, x, y, extent };
          const cost = costOf(canvas, guess, undefined, least);
          least = Math.min(least, cost);
          guesses.push({ ...guess, cost });
        }
    }
  }
  return guesses;
}

/** Moves and scales a guess for as long as that makes it better. */
function refine(canvas: Canvas, guess: Guess): Guess {
  let best = guess;
  for (let step = 0.75; step > 0.2; step /= 2) {
    for (let tries = 0, better = true; better && tries < 6; tries++) {
      better = false;
      for (const [axis, sign] of [
        ['x', 1],
        ['x', -1],
        ['y', 1],
        ['y', -1],
        ['extent', 1],
        ['extent', -1],
      ] as const) {
        // biome-ignore format: a table
        const moved = { ...best, [axis]: best[axis] + (sign * step) / canvas.size };
        if (moved.extent < EXTENTS.least || moved.extent > EXTENTS.most) continue;
        moved.cost = costOf(canvas, moved, undefined, best.cost);
        if (moved.cost < best.cost - 1e-6) [best, better] = [moved, true];
      }
    }
  }
  return best;
}

/**
 * Share of an object's pixels that are wrong, those counted in that have its ink and lie outside of it. Without a texture any mixture of
 * the ink's two colours is right.
 * @param limit what costs more than this is as good as infinitely bad, and need not be looked at to its end
 */
function costOf(canvas: Canvas, guess: Where, texture?: Texture, limit = Number.POSITIVE_INFINITY): number {
  const { size, data, behind, ink, open, taken, mixtures } = canvas;
  const { color, x, y, extent, shape } = guess;
  const own = COLORS.indexOf(color);
  const { fill, pattern } = INKS[color];
  const mixture = mixtures[own];
  const table = tableOf(shape);
  const margin = extent / 2 + 3 / size;
  const [first, last] = [y - margin, y + margin].map((v) =>
    Math.min(size, Math.max(0, Math.round(v * size))),
  );
  const [from, to] = [x - margin, x + margin].map((v) => Math.min(size, Math.max(0, Math.round(v * size))));
  const whole = areaOf(shape) * (extent * size) ** 2;
  const most = limit * (MOST_AREA * whole + 1);
  let [cost, area] = [0, 0];
  for (let row = first; row < last; row++) {
    if (cost > most) return Number.POSITIVE_INFINITY;
    const v = ((row + 0.5) / size - y) / extent;
    for (let column = from; column < to; column++) {
      const i = row * size + column;
      if (taken[i]) continue;
      const u = ((column + 0.5) / size - x) / extent;
      const distance = lookUp(table, u, v) * extent;
      const share = 0.5 - distance * size;
      if (share <= 0) {
        if (open[i] && ink[i] === own) cost += 1;
        continue;
      }
      const cover = Math.min(1, share);
      area += cover;
      let mix = cover > 0.5 ? mixture[i] : 0; // a pattern keeps off the rim
      if (texture !== undefined) mix = patternShare(texture, u * extent, v * extent, distance, size);
      const beside = cover < 1 ? 3 * besides(canvas, guess, table, row, column) : 0;
      let [off, alone] = [0, 0]; // beside whatever is next to it, and on the background alone: at a tip nothing is clearly next to it
      for (let c = 0; c < 3; c++) {
        const said = fill[c] + mix * (pattern[c] - fill[c]);
        off += (data[3 * i + c] - cover * said - (1 - cover) * data[beside + c]) ** 2;
        alone += (data[3 * i + c] - cover * said - (1 - cover) * behind[row][c]) ** 2;
      }
      cost += Math.min(CAP, off, alone) / CAP;
      // Grey is half-way between white and its pattern: what may be background is no good sign of an object.
      if (texture === undefined && cover === 1 && !open[i]) cost += 0.5;
    }
  }
  // What leaves the canvas, or is hidden for the most part, is no object of this world.
  return area < LEAST_SEEN * whole ? Number.POSITIVE_INFINITY : cost / area;
}

/** The pixel just outside of an object, from one on its rim. */
function besides(
  { size }: Canvas,
  { x, y, extent }: Where,
  table: Float32Array,
  row: number,
  column: number,
): number {
  const [u, v] = [((column + 0.5) / size - x) / extent, ((row + 0.5) / size - y) / extent];
  const nudge = 0.5 / (extent * size);
  const across = lookUp(table, u + nudge, v) - lookUp(table, u - nudge, v);
  const along = lookUp(table, u, v + nudge) - lookUp(table, u, v - nudge);
  const length = Math.hypot(across, along) || 1;
  const clamp = (value: number) => Math.min(size - 1, Math.max(0, Math.round(value)));
  return clamp(row + (1.5 * along) / length) * size + clamp(column + (1.5 * across) / length);
}

/** Distances to an outline in a table, for they are asked for millions of times. */
const SIDE = 160;
const REACH = 0.8;
const tables = new Map<Shape, Float32Array>();
function tableOf(shape: Shape): Float32Array {
  let table = tables.get(shape);
  if (table === undefined) {
    const { distance } = OUTLINES[shape];
    const at = (i: number) => ((i + 0.5) / SIDE) * 2 * REACH - REACH;
    table = Float32Array.from({ length: SIDE * SIDE }, (_, i) =>
      distance(at(i % SIDE), at(Math.floor(i / SIDE))),
    );
    tables.set(shape, table);
  }
  return table;
}

function lookUp(table: Float32Array, x: number, y: number): number {
  const column = Math.floor(((x + REACH) / (2 * REACH)) * SIDE);
  const row = Math.floor(((y + REACH) / (2 * REACH)) * SIDE);
  return column < 0 || row < 0 || column >= SIDE || row >= SIDE ? 1 : table[row * SIDE + column];
}

const distanceTo = ({ shape, x, y, extent }: Where, px: number, py: number): number =>
  lookUp(tableOf(shape), (px - x) / extent, (py - y) / extent) * extent;

/** Area of a shape whose longer side is 1. */
function areaOf(shape: Shape): number {
  let area = areas.get(shape);
  if (area === undefined) {
    area =
      (tableOf(shape).reduce((sum, distance) => sum + Number(distance < 0), 0) * (2 * REACH) ** 2) /
      SIDE ** 2;
    areas.set(shape, area);
  }
  return area;
}
const areas = new Map<Shape, number>();

/** Marks the pixels within `radius` as explained. */
function take({ size, open, taken }: Canvas, covers: (x: number, y: number) => boolean): void {
  for (let i = 0; i < size * size; i++) {
    if (!covers(((i % size) + 0.5) / size, (Math.floor(i / size) + 0.5) / size)) continue;
    taken[i] = 1;
    open[i] = 0;
  }
}

const LETTER_COLORS = ['black', 'white', 'red', 'blue'] as const;
const LETTER_BOX = lineSize('A');
const PITCH = lineSize('AA').width - LETTER_BOX.width;
const LETTER_MARGIN = 0.04;

interface Glyph {
  letter: string;
  /** Squared distance to the background that drawing it takes away, in wrong pixels. */
  gain: number;
}

/** The line of letters at the top or the bottom, if there is one. */
function readLetters(canvas: Canvas): Letters | undefined {
  let best: (Letters & { gain: number }) | undefined;
  const end = 8 * canvas.size; // places along the line are in eighths of a pixel
  for (const place of ['top', 'bottom'] as const) {
    const middle = LETTER_MARGIN + LETTER_BOX.height / 2;
    const y = place === 'top' ? middle : 1 - middle;
    const spots = remembered((at) => spotAt(canvas, at, y));
    for (const color of LETTER_COLORS) {
      const glyphAt = remembered((at) => {
        const spot = spots(at);
        return spot && readGlyph(spot, color, canvas.size, y);
      });
      for (let first = 0; first < end; first++) {
        let [text, gain] = ['', 0];
        for (let k = 0; k < 4; k++) {
          const glyph = glyphAt(Math.round(first + k * PITCH * end));
          if (glyph === undefined) break;
          text += glyph.letter;
          gain += glyph.gain;
          const x = first / end + (k * PITCH) / 2;
          if (best === undefined || gain > best.gain) best = { text, color, place, x, y, gain };
        }
      }
    }
  }
  if (best === undefined) return undefined;
  const { gain: _, ...letters } = best;
  take(canvas, (x, y) => {
    const { width, height } = lineSize(letters.text);
    return Math.abs(x - letters.x) < width / 2 + 1 / canvas.size && Math.abs(y - letters.y) < height / 2 + 1 / canvas.size; // biome-ignore format: one line
  });
  return letters;
}

function remembered<T>(make: (key: number) => T): (key: number) => T {
  const known = new Map<number, T>();
  return (key) => {
    if (!known.has(key)) known.set(key, make(key));
    return known.get(key) as T;
  };
}

/** The pixels where a letter would be. */
interface Spot {
  /** Of each: its colour, that of the background, its row, and eighths of a pixel from the middle. */
  pixels: { pixel: Rgb; back: Rgb; row: number; eighths: number }[];
  /** How far they are from the background together, in wrong pixels. */
  empty: number;
}

/** Around the place `at` eighths of a pixel along a line at height `y`; undefined where the picture shows next to nothing. */
function spotAt({ size, data, behind, open }: Canvas, at: number, y: number): Spot | undefined {
  const { width, height } = LETTER_BOX;
  const x = at / (8 * size);
  if (x < width / 2 || x > 1 - width / 2) return undefined;
  const pixels: Spot['pixels'] = [];
  let [empty, seen] = [0, 0];
  const last = Math.min(size, Math.ceil((y + height / 2) * size));
  const right = Math.min(size - 1, Math.ceil((x + width / 2) * size));
  for (let row = Math.max(0, Math.floor((y - height / 2) * size)); row < last; row++)
    for (let column = Math.max(0, Math.floor((x - width / 2) * size - 1)); column <= right; column++) {
      const i = row * size + column;
      const pixel = pixelAt(data, i);
      const back = behind[row];
      empty += Math.min(CAP, colorDistance(pixel, back) ** 2) / CAP;
      seen += open[i];
      pixels.push({ pixel, back, row, eighths: 8 * column + 4 - at });
    }
  return seen < 0.1 * pixels.length ? undefined : { pixels, empty };
}

/** The letter of a colour that a spot agrees with, if there is one. */
function readGlyph({ pixels, empty }: Spot, color: Color, size: number, y: number): Glyph | undefined {
  const { fill } = INKS[color];
  // What a pixel is off by, were a share s of it the letter's: |p − b|² − 2s (p − b)·(f − b) + s² |f − b|².
  const terms = pixels.map(({ pixel, back, row, eighths }) => {
    let [own, across, whole] = [0, 0, 0];
    for (let c = 0; c < 3; c++) {
      const [seen, wanted] = [pixel[c] - back[c], fill[c] - back[c]];
      own += seen * seen;
      across += seen * wanted;
      whole += wanted * wanted;
    }
    return { own, across, whole, row, eighths };
  });
  let best: string | undefined;
  let least = WORST_GLYPH * empty;
  for (const letter of LETTERS) {
    const covers = coverage(letter, size, y);
    let cost = 0;
    for (const { own, across, whole, row, eighths } of terms) {
      const share = covers(row, eighths);
      cost += Math.min(CAP, own - 2 * share * across + share * share * whole) / CAP;
      if (cost > least) break;
    }
    if (cost < least || (best === undefined && cost === least)) [best, least] = [letter, cost];
  }
  return best === undefined ? undefined : { letter: best, gain: empty - least };
}

/** Share of a pixel that a letter at height `y` covers, by its row and its distance in eighths of a pixel: asked for at every place. */
function coverage(letter: string, size: number, y: number): (row: number, eighths: number) => number {
  const name = `${letter} ${size} ${y}`;
  let covers = coverages.get(name);
  if (covers === undefined) {
    const reach = 4 * Math.ceil(LETTER_BOX.width * size) + 16;
    const shares = new Float32Array(size * 2 * reach).fill(-1);
    covers = (row, eighths) => {
      const at = row * 2 * reach + eighths + reach;
      if (shares[at] < 0)
        shares[at] = Math.min(1, Math.max(0, 0.5 - lineDistance(letter, eighths / (8 * size), (row + 0.5) / size - y) * size)); // biome-ignore format: one line
      return shares[at];
    };
    coverages.set(name, covers);
  }
  return covers;
}
const coverages = new Map<string, ReturnType<typeof coverage>>();
