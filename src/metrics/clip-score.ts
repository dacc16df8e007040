import { RecaptionError } from '../errors.ts';
import type { Image } from '../image/image.ts';
import { type Additive, additiveMean } from './additive.ts';
import { mean } from './item.ts';

/** A model that puts pictures and texts into one space. */
export interface ClipEncoder {
  /** Names the model and its weights: a figure without it says nothing. */
  id: string;
  /** Longest side of a picture, in pixels, that it can make use of. */
  resolution: number;
  embedImages(images: readonly Image[]): Promise<Float32Array[]>;
  /** `cut`: how many of the texts were too long, and were cut before their end token. */
  embedTexts(texts: readonly string[]): Promise<{ embeddings: Float32Array[]; cut: number }>;
  close(): Promise<void>;
}

/** The same encoder, which looks at a picture once, whoever asks for it and how often. */
export function lookingOnce(encoder: ClipEncoder): ClipEncoder {
  const known = new WeakMap<Image, Promise<Float32Array>>();
  return {
    ...encoder,
    async embedImages(images) {
      const fresh = images.filter((image) => !known.has(image));
      const embedded = fresh.length > 0 ? encoder.embedImages(fresh) : Promise.resolve([]);
      for (const [i, image] of fresh.entries()) known.set(image, embedded.then((all) => all[i])); // biome-ignore format: one line
      return Promise.all(images.map((image) => known.get(image)!));
    },
  };
}

/** Hessel et al. 2021, equation 1: the factor that stretches the cosines in use over [0, 1]. */
const WEIGHT = 2.5;

/** Cosine of two vectors of one length, in [−1, 1]; 0 where one of them is 0. */
export function cosine(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) {
    throw new RecaptionError('shape', `embeddings of ${a.length} and of ${b.length} numbers`, {
      hint: 'Compare embeddings of one model.',
    });
  }
  let [product, squareA, squareB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    product += a[i] * b[i];
    squareA += a[i] * a[i];
    squareB += b[i] * b[i];
  }
  return product === 0 ? 0 : product / Math.sqrt(squareA * squareB);
}

/** CLIPScore (Hessel et al. 2021) of a picture and a caption: 2.5 · max(cos, 0). */
export const clipScoreOf = (image: Float32Array, caption: Float32Array): number =>
  WEIGHT * Math.max(cosine(image, caption), 0);

/** RefCLIPScore (the same, equation 2): harmonic mean of CLIPScore and the likeness to the closest reference. */
export function refClipScoreOf(
  image: Float32Array,
  caption: Float32Array,
  references: readonly Float32Array[],
): number {
  const own = clipScoreOf(image, caption);
  const closest = Math.max(0, ...references.map((reference) => cosine(caption, reference)));
  return own === 0 || closest === 0 ? 0 : (2 * own * closest) / (own + closest);
}

export interface ClipItem {
  image: Image;
  caption: string;
  /** For RefCLIPScore; an image without is left out of it. */
  references?: readonly string[];
}

/** `CLIP_cosine` is 100 · cos, as the DALL-E 3 paper reports it; `RefCLIPScore` is there when every item has references. */
export interface ClipScores {
  CLIP_cosine: number;
  CLIPScore: number;
  RefCLIPScore?: number;
}

export interface ClipScoreReport {
  /** Of the model. */
  model: string;
  metrics: ClipScores;
  perImage: ClipScores[];
  n: number;
  /** Texts that were too long for the model and were scored by their beginning. */
  cut: { captions: number; references: number };
  /** For intervals: see `bootstrap`. */
  additive: Partial<Record<keyof ClipScores, Additive>>;
}

export interface ClipScoreOptions {
  /** Set before every caption and reference; the metric's paper uses "A photo depicts ". */
  prefix?: string;
  /** Pictures at a time. */
  batch?: number;
}

/** CLIPScore, RefCLIPScore and plain cosine of captions with their pictures; means over the images. */
export async function clipScores(
  encoder: ClipEncoder,
  items: Iterable<ClipItem> | AsyncIterable<ClipItem>,
  { prefix = '', batch = 32 }: ClipScoreOptions = {},
): Promise<ClipScoreReport> {
  const perImage: ClipScores[] = [];
  const cut = { captions: 0, references: 0 };
  const embed = async (texts: readonly string[], what: keyof typeof cut) => {
    if (texts.length === 0) return [];
    const embedded = await encoder.embedTexts(texts.map((text) => prefix + text));
    cut[what] += embedded.cut;
    return embedded.embeddings;
  };

  for await (const group of groups(items, batch)) {
    const images = await encoder.embedImages(group.map(({ image }) => image));
    const captions = await embed(
      group.map(({ caption }) => caption),
      'captions',
    );
    const references = await embed(
      group.flatMap(({ references = [] }) => references),
      'references',
    );
    let first = 0;
    for (const [i, item] of group.entries()) {
      const own = references.slice(first, first + (item.references?.length ?? 0));
      first += own.length;
      perImage.push({
        CLIP_cosine: 100 * cosine(images[i], captions[i]),
        CLIPScore: clipScoreOf(images[i], captions[i]),
        ...(own.length > 0 && { RefCLIPScore: refClipScoreOf(images[i], captions[i], own) }),
      });
    }
  }

  const names = (['CLIP_cosine', 'CLIPScore', 'RefCLIPScore'] as const).filter(
    (name) => name !== 'RefCLIPScore' || (perImage.length > 0 && perImage.every((scores) => name in scores)),
  );
  const columns = names.map((name) => [name, perImage.map((scores) => scores[name]!)] as const);
  return {
    model: encoder.id,
    metrics: Object.fromEntries(
      columns.map(([name, values]) => [name, mean(values)]),
    ) as unknown as ClipScores,
    perImage,
    n: perImage.length,
    cut,
    additive: Object.fromEntries(columns.map(([name, values]) => [name, additiveMean(values)])),
  };
}

async function* groups<T>(items: Iterable<T> | AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let group: T[] = [];
  for await (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
