import type { RecordCache } from '../data/index.ts';
import { mirrorBox, type Region } from '../data/regions.ts';
import { RecaptionError } from '../errors.ts';
import type { CaptionerConfig, TrainingConfig } from '../models/captioner-config.ts';
import type { PreparedImage } from '../models/training/prepare.ts';
import type { Random } from '../random.ts';
import type { Arrays } from '../tensor/index.ts';

/** An image with its captions as tokens, without begin and end. */
export interface TokenisedImage extends PreparedImage {
  tokens: number[][];
  /** Per caption, when captions are reinforced: how much better it is than others of the image. */
  advantages?: number[];
  regions: (Region & { tokens: number[] })[];
  /** A caption speaks of left or right, so its mirror image would be described wrongly. */
  sided: boolean;
}

/** How the images of a batch are changed: which are mirrored, and where further changes are drawn from. */
export interface Augmentation {
  draw: Random;
  mirrored: boolean[];
}

/** Half of the images, of those whose captions say neither left nor right. */
export const drawMirrored = (images: readonly TokenisedImage[], draw: Random): boolean[] =>
  images.map(({ sided }) => draw.uniform() < 0.5 && !sided);

/** Puts records of the caches into arrays of a batch. */
export interface ImageFeeder {
  /** Image inputs of the network for these images; rows beyond them repeat the last. Without `augment` nothing is changed. */
  feed(images: readonly PreparedImage[], batch: number, augment?: Augmentation): Arrays;
}

/**
 * Frozen features: each group of each encoder is the input `PREFIX.NAME`; the record of an encoder holds its groups one after
 * another.
 */
export function featureFeeder(
  caches: { cache: RecordCache; groups: { name: string; tokens: number; width: number }[] }[],
  prefix = 'features',
): ImageFeeder {
  const buffers = new Map<number, { arrays: Arrays; records: Uint8Array[] }>();
  return {
    feed(images, batch, augment) {
      let buffer = buffers.get(batch);
      if (!buffer) {
        const arrays: Arrays = {};
        for (const { groups } of caches) {
          for (const { name, tokens, width } of groups)
            arrays[`${prefix}.${name}`] = new Uint16Array(batch * tokens * width);
        }
        buffer = {
          arrays,
          records: caches.map(
            ({ groups }) => new Uint8Array(2 * groups.reduce((s, g) => s + g.tokens * g.width, 0)),
          ),
        };
        buffers.set(batch, buffer);
      }
      for (let i = 0; i < batch; i++) {
        const image = images[Math.min(i, images.length - 1)];
        const mirrored = augment?.mirrored[Math.min(i, images.length - 1)];
        for (const [k, { cache, groups }] of caches.entries()) {
          const record = buffer.records[k];
          mustRead(cache, mirrored ? `${image.hash}:flip` : image.hash, record);
          const values = new Uint16Array(record.buffer, record.byteOffset, record.byteLength / 2);
          let at = 0;
          for (const { name, tokens, width } of groups) {
            const size = tokens * width;
            (buffer.arrays[`${prefix}.${name}`] as Uint16Array).set(values.subarray(at, at + size), i * size);
            at += size;
          }
        }
      }
      return buffer.arrays;
    },
  };
}

/** Pixels, with mirror images, crops and colour changes drawn at every access. */
export function pixelFeeder(
  cache: RecordCache,
  stored: number,
  size: number,
  options: Pick<TrainingConfig, 'minCrop' | 'colourJitter'>,
): ImageFeeder {
  const record = new Uint8Array(stored * stored * 3);
  const buffers = new Map<number, Uint8Array>();
  return {
    feed(images, batch, augment) {
      const pixels = buffers.get(batch) ?? new Uint8Array(batch * size * size * 3);
      buffers.set(batch, pixels);
      for (let i = 0; i < batch; i++) {
        const at = Math.min(i, images.length - 1);
        mustRead(cache, images[at].hash, record);
        const target = pixels.subarray(i * size * size * 3, (i + 1) * size * size * 3);
        resample(
          record,
          stored,
          target,
          size,
          augment ? drawView(augment.draw, options, augment.mirrored[at]) : WHOLE,
        );
      }
      return { pixels };
    },
  };
}

function mustRead(cache: RecordCache, key: string, record: Uint8Array): void {
  if (cache.readInto(key, record)) return;
  throw new RecaptionError(
    'cache-incomplete',
    `a picture's features have left the cache while they were needed (${key})`,
    {
      hint: 'Run the same command again with --resume: what is missing is computed anew.',
    },
  );
}

/** A view of a picture: part of it (as shares of the side), mirrored or not, with a gain and offset per channel. */
interface View {
  left: number;
  top: number;
  width: number;
  height: number;
  mirrored: boolean;
  gain: [number, number, number];
  offset: number;
}

const WHOLE: View = { left: 0, top: 0, width: 1, height: 1, mirrored: false, gain: [1, 1, 1], offset: 0 };

function drawView(
  draw: Random,
  { minCrop, colourJitter }: Pick<TrainingConfig, 'minCrop' | 'colourJitter'>,
  mirrored: boolean,
): View {
  const area = minCrop + (1 - minCrop) * draw.uniform();
  const ratio = minCrop < 1 ? Math.exp((draw.uniform() - 0.5) * 0.5) : 1;
  const width = Math.min(1, Math.sqrt(area * ratio));
  const height = Math.min(1, Math.sqrt(area / ratio));
  const shift = () => (draw.uniform() * 2 - 1) * colourJitter;
  const brightness = 1 + shift();
  const gain: View['gain'] = [
    brightness * (1 + shift() / 3),
    brightness * (1 + shift() / 3),
    brightness * (1 + shift() / 3),
  ];
  return {
    left: draw.uniform() * (1 - width),
    top: draw.uniform() * (1 - height),
    width,
    height,
    mirrored,
    gain,
    offset: shift() * 64,
  };
}

/** Bilinear resampling of a view of a square picture. */
function resample(from: Uint8Array, side: number, to: Uint8Array, size: number, view: View): void {
  if (view === WHOLE && side === size) {
    to.set(from);
    return;
  }
  const place = (i: number, start: number, share: number) => {
    const at = Math.min(side - 1, Math.max(0, (start + (share * (i + 0.5)) / size) * side - 0.5));
    const low = Math.min(side - 2, Math.floor(at));
    return { low: Math.max(0, low), share: side > 1 ? at - low : 0 };
  };
  const columns = Array.from({ length: size }, (_, x) =>
    place(view.mirrored ? size - 1 - x : x, view.left, view.width),
  );
  const next = side > 1 ? 3 : 0;
  const below = side > 1 ? side * 3 : 0;
  for (let y = 0, out = 0; y < size; y++) {
    const row = place(y, view.top, view.height);
    for (let x = 0; x < size; x++) {
      const { low, share } = columns[x];
      const at = (row.low * side + low) * 3;
      for (let c = 0; c < 3; c++) {
        const upper = from[at + c] * (1 - share) + from[at + next + c] * share;
        const lower = from[at + below + c] * (1 - share) + from[at + below + next + c] * share;
        const value = (upper * (1 - row.share) + lower * row.share) * view.gain[c] + view.offset;
        to[out++] = value < 0 ? 0 : value > 255 ? 255 : value + 0.5;
      }
    }
  }
}

/** Text inputs of a step: the captions of each image packed one after the other (see `captionerLoss`). */
export function packCaptions(
  images: readonly TokenisedImage[],
  config: CaptionerConfig,
  {
    batch,
    packedTokens: t,
    captionsPerImage: k,
  }: Pick<TrainingConfig, 'batch' | 'packedTokens' | 'captionsPerImage'>,
  special: { bos: number; eos: number },
  draw: Random,
): Arrays {
  const grid = () => new Int32Array(batch * t);
  const [tokens, targets, positions, segments] = [grid(), grid(), grid(), grid()];
  const ends = new Int32Array(batch * k);
  const present = new Float32Array(batch * k);
  const advantages = images.some((image) => image.advantages) ? new Float32Array(batch * t) : undefined;
  for (const [i, image] of images.entries()) {
    let at = 0;
    let taken = 0;
    for (const which of draw.shuffle([...image.tokens.keys()])) {
      const caption = image.tokens[which];
      if (taken === k || at === t) break;
      // A caption that is too long is cut without an end: nothing shall learn to stop in the middle of a sentence.
      const whole = [special.bos, ...caption.slice(0, config.maxTokens), special.eos];
      const ids = whole.slice(0, config.maxTokens + 1);
      if (at + ids.length - 1 > t) {
        if (taken > 0) continue;
        ids.length = t + 1;
      }
      for (let j = 0; j + 1 < ids.length; j++, at++) {
        const cell = i * t + at;
        tokens[cell] = ids[j];
        targets[cell] = ids[j + 1];
        positions[cell] = j;
        segments[cell] = taken + 1;
        if (advantages) advantages[cell] = image.advantages?.[which] ?? 0;
      }
      ends[i * k + taken] = i * t + at - 1;
      present[i * k + taken] = 1;
      taken++;
    }
  }
  return { tokens, targets, positions, segments, ends, present, ...(advantages && { advantages }) };
}

/** ln(images / images whose captions have the token), per token: what every caption says tells nothing about an image. */
export function wordRarity(images: readonly TokenisedImage[], vocabulary: number): Float32Array {
  const having = new Float32Array(vocabulary);
  for (const { tokens } of images) for (const token of new Set(tokens.flat())) having[token]++;
  return having.map((count) => (count > 0 ? Math.log(images.length / count) : 0));
}

/**
 * The words of each image's captions (B, V), of sum 1 per image (0 where nothing is rare). A word weighs its rarity times the share
 * of the captions that have it: what many say is there to be seen, what one says may be a manner of speaking.
 */
export function wordWeights(images: readonly TokenisedImage[], rarity: Float32Array): Float32Array {
  const out = new Float32Array(images.length * rarity.length);
  for (const [i, { tokens }] of images.entries()) {
    const row = out.subarray(i * rarity.length, (i + 1) * rarity.length);
    for (const caption of tokens) for (const token of new Set(caption)) row[token] += rarity[token];
    const total = row.reduce((sum, weight) => sum + weight, 0);
    if (total > 0) for (let token = 0; token < row.length; token++) row[token] /= total;
  }
  return out;
}

/**
 * Inputs `regions.cells` (B, R, S) and `regions.words` (B, R, V) of `captionerLoss`, each row of sum 1, or 0 where an image has fewer
 * regions. A cell of the grid of S belongs to the smallest box that has its centre: what is in front is mostly smaller.
 */
export function regionInputs(
  images: readonly TokenisedImage[],
  { regions: most, cells, vocabulary }: { regions: number; cells: number; vocabulary: number },
  mirrored: readonly boolean[],
): Arrays {
  const side = Math.sqrt(cells);
  const where = new Float32Array(images.length * most * cells);
  const words = new Float32Array(images.length * most * vocabulary);
  for (const [i, image] of images.entries()) {
    const regions = image.regions
      .filter(({ tokens }) => tokens.length > 0)
      .slice(0, most)
      .map(({ box, tokens }) => ({
        box: mirrored[i] ? mirrorBox(box) : box,
        tokens: [...new Set(tokens)],
        area: box.width * box.height,
        at: [] as number[],
      }));
    for (let cell = 0; cell < cells; cell++) {
      const [x, y] = [((cell % side) + 0.5) / side, (Math.floor(cell / side) + 0.5) / side];
      const around = regions.filter(
        ({ box }) => x >= box.x && x < box.x + box.width && y >= box.y && y < box.y + box.height,
      );
      if (around.length > 0) around.reduce((a, b) => (b.area < a.area ? b : a)).at.push(cell);
    }
    for (const [r, { at, tokens }] of regions.entries()) {
      if (at.length === 0) continue;
      const row = i * most + r;
      for (const cell of at) where[row * cells + cell] = 1 / at.length;
      for (const token of tokens) words[row * vocabulary + token] = 1 / tokens.length;
    }
  }
  return { 'regions.cells': where, 'regions.words': words };
}
