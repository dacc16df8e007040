import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { asFailure } from '../../data/dataset.ts';
import {
  failureList,
  loadImages,
  openDataset,
  openRecordCache,
  type RecordCache,
  writeFailures,
} from '../../data/index.ts';
import { mirrorBox, type Region, type RegionRelation, regionsOf, relationsOf } from '../../data/regions.ts';
import type { CaptionKind, Dataset, Failure, OnFailure, Sample } from '../../data/sample.ts';
import { RecaptionError } from '../../errors.ts';
import { writeError } from '../../files.ts';
import type { Image } from '../../image/index.ts';
import { normaliseCaption } from '../../text/normalise-caption.ts';
import { featureLength, type VisionEncoder } from '../vision/encoder.ts';

/** A cache being filled. */
export interface FeaturesEvent {
  kind: 'features';
  encoder: string;
  done: number;
  total: number;
  imagesPerSecond: number;
  secondsLeft: number;
}

/** A training image: its pixels or features lie in caches under its hash. */
export interface PreparedImage {
  key: string;
  /** Of the encoded file, so that a picture is the same wherever it lies. */
  hash: string;
  /** As they will be learnt; see `normaliseCaption`. */
  captions: string[];
  /** As they were written. */
  references: string[];
  /** Of each, in the same order. */
  kinds: CaptionKind[];
  /** Parts of the picture that the sample has words for, where they are asked for. */
  regions: Region[];
  /** How these stand to each other, where the sample says it. */
  relations?: RegionRelation[];
}

/** A decoded picture, or its mirror image, and what its sample says of its parts. */
export interface View {
  image: Image;
  regions: readonly Region[];
}

/** Something that turns decoded images into fixed-size records. */
export interface Recorder {
  cache: RecordCache;
  name: string;
  /** Decode to exactly this size, or to at most this side. */
  size?: { width: number; height: number };
  maxSide?: number;
  /** Records of the pictures and, under `HASH:flip`, of their mirror images if those cannot be made from the record. */
  record(views: View[]): Promise<Uint8Array[]>;
  flips: boolean;
}

/** Where caches lie: `RECAPTION_CACHE`, else the user's cache folder. */
export const cacheFolder = (): string =>
  process.env.RECAPTION_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'recaption');

/** Features of a frozen encoder, float16, also of mirrored images. */
export async function featureRecorder(encoder: VisionEncoder): Promise<Recorder> {
  const cache = await cacheOf('features', encoder.id, featureLength(encoder) * 2);
  return {
    cache,
    name: encoder.id,
    maxSide: encoder.resolution,
    flips: true,
    record: async (views) =>
      (await encoder.encode(views.map(({ image }) => image))).map(
        (f) => new Uint8Array(f.buffer, f.byteOffset, f.byteLength),
      ),
  };
}

/** Pixels of size × size. */
export async function pixelRecorder(size: number): Promise<Recorder> {
  const cache = await cacheOf('pixels', `${size}`, size * size * 3);
  return {
    cache,
    name: `pixels ${size}`,
    size: { width: size, height: size },
    flips: false,
    record: async (views) => views.map(({ image }) => image.data),
  };
}

/** A cache of its own for what `name` makes of pictures or texts. */
export async function cacheOf(folder: string, name: string, recordBytes: number): Promise<RecordCache> {
  return openRecordCache(join(cacheFolder(), folder, `${name}.records`), { recordBytes });
}

/** What a run learns from and is judged by, and where it lies. */
export interface Sources {
  data: string[];
  val?: string;
  out: string;
  signal: AbortSignal;
}

export interface Gathered {
  images: PreparedImage[];
  validation: PreparedImage[];
  /** Samples that were left out, and the list of them where there are any. */
  failed: number;
  failures?: string;
}

/**
 * Puts the pictures of a run through the caches, tells what had to be left out, and makes the run's folder with the list of it. Where it is stopped there
 * is no folder yet.
 * @param recorders of pictures that are learnt; `judged`: of those that it is judged by, which are never mirrored
 * @param inside folder within the run's that is made as well
 */
export async function* gatherImages(
  { data, val, out, signal }: Sources,
  recorders: Recorder[],
  { flip = false, judged = recorders, inside = '', ...about }: Partial<Omit<PrepareOptions, 'onFailure' | 'signal'>> & { judged?: Recorder[]; inside?: string } = {},
): AsyncGenerator<FeaturesEvent | { kind: 'failure'; failure: Failure }, Gathered> {
  const failures = failureList();
  const prepared = { ...about, onFailure: failures.add, signal };
  let images: PreparedImage[] = [];
  let validation: PreparedImage[] = [];
  try {
    images = yield* prepareImages(data, recorders, { ...prepared, flip });
    if (val) validation = yield* prepareImages([val], judged, { ...prepared, flip: false });
  } finally {
    for (const failure of failures.news()) yield { kind: 'failure', failure }; // perhaps the reason
  }
  const failed = failures.all().length;
  if (signal.aborted) return { images, validation, failed };
  await mkdir(join(out, inside), { recursive: true }).catch((error) => {
    throw writeError(out, error);
  });
  const place = join(out, 'failures.jsonl');
  await writeFailures(place, out, failures.all());
  return { images, validation, failed, ...(failed > 0 && { failures: place }) };
} // biome-ignore format: one line

export interface PrepareOptions {
  flip: boolean;
  regions?: boolean;
  /** Pictures without captions count as well. */
  wordless?: boolean;
  kind?: CaptionKind;
  onFailure: OnFailure;
  signal: AbortSignal;
}

const BATCH = 16;

/**
 * Reads sources once, fills the caches, and returns the images that have everything. Progress is yielded; bad samples go to
 * `onFailure`. @throws RecaptionError `no-captions` when not one caption was found.
 */
export async function* prepareImages(
  sources: string[],
  recorders: Recorder[],
  { flip, regions = false, wordless = false, kind, onFailure, signal }: PrepareOptions,
): AsyncGenerator<FeaturesEvent, PreparedImage[]> {
  const images: PreparedImage[] = [];
  const seen = new Set<string>();
  for (const source of sources) {
    for await (const sample of await openDataset(source, { onFailure })) {
      if (signal.aborted) return [];
      const captions = sample.captions.filter(
        (caption) => (!kind || caption.kind === kind) && normaliseCaption(caption.text) !== '',
      );
      if (captions.length === 0 && !wordless) continue;
      const references = captions.map(({ text }) => text);
      if (seen.has(sample.key)) {
        onFailure({
          key: sample.key,
          place: sample.image.name,
          code: 'duplicate-key',
          message: 'another source has this key; the first was kept',
        });
        continue;
      }
      const hash = await contentHash(sample, onFailure);
      if (hash === undefined) continue;
      seen.add(sample.key);
      images.push({
        key: sample.key,
        hash,
        references,
        kinds: captions.map(({ kind }) => kind),
        captions: references.map(normaliseCaption),
        regions: regions ? regionsOf(sample.meta) : [],
        relations: regions ? relationsOf(sample.meta) : undefined,
      });
    }
  }
  if (images.length === 0) throw noCaptions(sources, 'no picture with a caption was found');
  for (const recorder of recorders) {
    const wanted = new Set<string>();
    for (const { hash } of images) {
      if (!recorder.cache.has(hash) || (flip && recorder.flips && !recorder.cache.has(`${hash}:flip`)))
        wanted.add(hash);
    }
    yield* fill(sources, recorder, wanted, { flip: flip && recorder.flips, onFailure, signal });
  }
  const ready = images.filter(({ hash }) => recorders.every(({ cache }) => cache.has(hash)));
  if (ready.length === 0 && !signal.aborted)
    throw noCaptions(sources, 'not one of the pictures with captions could be read');
  return ready;
}

function noCaptions(sources: string[], message: string): RecaptionError {
  return new RecaptionError('no-captions', message, {
    place: sources.join(', '),
    hint: 'Training needs captions: sidecar .txt files, a metadata.jsonl, COCO annotations or WebDataset members.',
  });
}

/** Undefined for a picture whose file cannot be read, after telling `onFailure`. */
async function contentHash({ key, image }: Sample, onFailure: OnFailure): Promise<string | undefined> {
  try {
    return createHash('sha256')
      .update(await image.bytes())
      .digest('hex')
      .slice(0, 32);
  } catch (error) {
    onFailure(asFailure(error, key, image.name, 'image-unreadable'));
    return undefined;
  }
}

async function* fill(
  sources: string[],
  { cache, name, size, maxSide, record }: Recorder,
  wanted: Set<string>,
  { flip, onFailure, signal }: { flip: boolean; onFailure: OnFailure; signal: AbortSignal },
): AsyncGenerator<FeaturesEvent> {
  if (wanted.size === 0) return;
  const hashes = new Map<Sample, string>();
  const missing: Dataset = {
    async *[Symbol.asyncIterator]() {
      for (const source of sources) {
        for await (const sample of await openDataset(source)) {
          const hash = await contentHash(sample, onFailure);
          if (hash === undefined || !wanted.delete(hash)) continue;
          hashes.set(sample, hash);
          yield sample;
        }
      }
    },
  };
  const total = wanted.size;
  const start = performance.now();
  let done = 0;
  let batch: (View & { hash: string })[] = [];
  const flush = async () => {
    const views = flip
      ? batch.flatMap((view) => [view, { hash: `${view.hash}:flip`, ...mirrorView(view) }])
      : batch;
    const records = await record(views);
    await cache.append(views.map(({ hash }, i) => [hash, records[i]]));
    done += batch.length;
    batch = [];
  };
  for await (const { sample, image } of loadImages(missing, { size, maxSide, onFailure })) {
    batch.push({ hash: hashes.get(sample)!, image, regions: regionsOf(sample.meta) });
    hashes.delete(sample);
    if (batch.length < BATCH) continue;
    await flush();
    const rate = done / ((performance.now() - start) / 1000);
    yield {
      kind: 'features',
      encoder: name,
      done,
      total,
      imagesPerSecond: rate,
      secondsLeft: (total - done) / rate,
    };
    if (signal.aborted) break;
  }
  if (batch.length > 0) await flush();
  await cache.flush();
}

const mirrorView = ({ image, regions }: View): View => ({
  image: mirror(image),
  regions: regions.map((region) => ({ ...region, box: mirrorBox(region.box) })),
});

/** Left and right exchanged. */
export function mirror({ width, height, data }: Image): Image {
  const out = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [from, to] = [(y * width + x) * 3, (y * width + width - 1 - x) * 3];
      out[to] = data[from];
      out[to + 1] = data[from + 1];
      out[to + 2] = data[from + 2];
    }
  }
  return { width, height, data: out };
}
