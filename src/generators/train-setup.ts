/** What the training of a generator is put together from. */
import { type Blend, drawCaptions } from '../data/blend.ts';
import type { Caption, CaptionKind } from '../data/sample.ts';
import { RecaptionError } from '../errors.ts';
import type { PreparedImage } from '../models/training/prepare.ts';
import { trainBpe } from '../text/bpe.ts';
import { createTokenizer, type Tokenizer } from '../text/tokenizer.ts';
import type { GeneratorFile } from './config.ts';
import type { GeneratorEvent } from './train-events.ts';
import type { Reading, Words } from './words.ts';

/** A training picture with each of its captions of the blend's kinds, as the network reads them. */
export interface Learnt extends PreparedImage {
  written: ReadCaption[];
}
type ReadCaption = Caption & { reading: Reading; tokens: number };

/** Texts longer than this share of all are cut, so that a few do not make every step slow. */
const CUT = 0.995;

/** What is learnt in place of a caption of a picture. */
export type Reword = (caption: string, of: { key: string; kind: CaptionKind }) => string;

/** The images that are to be learnt, as they are to be. */
export function chosen(
  images: PreparedImage[],
  { leaveOut, reword }: { leaveOut?: ReadonlySet<string>; reword?: Reword },
): PreparedImage[] {
  const learnt = leaveOut ? images.filter(({ key }) => !leaveOut.has(key)) : images;
  if (!reword) return learnt;
  return learnt.map((image) => {
    const { key, kinds } = image;
    const references = image.references.map((text, i) => reword(text, { key, kind: kinds[i] }));
    return { ...image, references, captions: references };
  });
}

/** The images that have a caption of the blend. @throws RecaptionError `no-captions` */
export function withKinds(images: PreparedImage[], blend: Blend, places: string[]): PreparedImage[] {
  const wanted = new Set(blend.map(({ kind }) => kind));
  const found = images.filter(({ kinds }) => kinds.some((kind) => wanted.has(kind)));
  if (found.length > 0 || images.length === 0) return found;
  const there = [...new Set(images.flatMap(({ kinds }) => kinds))];
  throw new RecaptionError(
    'no-captions',
    `no picture has a caption of the kind ${[...wanted].join(' or ')}`,
    {
      place: places.join(', '),
      hint: `There are captions of the kind ${there.join(', ')}: name these in --captions.`,
    },
  );
}

/**
 * The user's configuration for pictures of `asked` pixels a side, where somebody asked; `factor` of them are a side of what is drawn. Where
 * it names no patch, it gets the largest that leaves six along a side.
 * @throws RecaptionError `bad-config` where the pictures do not divide into latents or patches
 */
export function sized(config: unknown, asked: number | undefined, factor: number): unknown {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) return config;
  const { model, ...rest } = config as { model?: { size?: unknown; patch?: unknown } };
  const side = asked === undefined ? model?.size : asked / factor;
  if (typeof side !== 'number') return config;
  const step = factor * (typeof model?.patch === 'number' ? model.patch : 1);
  if (asked !== undefined && asked % step !== 0) {
    throw new RecaptionError(
      'bad-config',
      `pictures of ${asked} pixels do not divide into patches of ${step}`,
      {
        hint: `Take a multiple of ${step} for --size, or another model.patch.`,
      },
    );
  }
  return { ...rest, model: { patch: largestPatch(side, side / 6), ...model, size: side } };
}

/** The largest divisor of a side that is at most this. */
export function largestPatch(side: number, most: number): number {
  for (let patch = Math.min(side, Math.floor(most)); patch > 1; patch--) if (side % patch === 0) return patch;
  return 1;
}

export const learnTokenizer = (images: PreparedImage[], { model }: GeneratorFile): Tokenizer =>
  createTokenizer(
    trainBpe(
      images.flatMap(({ references }) => references),
      { vocabSize: model.text.vocabulary },
    ),
  );

/** Pictures whose captions are read together: as many as keep an encoder's batches full, and few enough to be stopped soon. */
const READ_TOGETHER = 32;

/** Reads the captions of the blend's kinds. Of a frozen encoder, which takes its time, it tells how far it is. */
export async function* readCaptions(
  images: PreparedImage[],
  words: Words,
  blend: Blend,
  signal: AbortSignal,
): AsyncGenerator<GeneratorEvent, Learnt[]> {
  const all: Learnt[] = [];
  const started = performance.now();
  for (let at = 0; at < images.length && !signal.aborted; at += READ_TOGETHER) {
    const part = images.slice(at, at + READ_TOGETHER).map((image) => ({
      image,
      captions: image.references
        .map((text, i): Caption => ({ text, kind: image.kinds[i], source: '' }))
        .filter(({ kind }) => blend.some((share) => share.kind === kind)),
    }));
    const readings = await words.read(part.flatMap(({ captions }) => captions.map(({ text }) => text)));
    let next = 0;
    for (const { image, captions } of part)
      all.push({ ...image, written: captions.map((caption) => ({ ...caption, reading: readings[next++], tokens: words.count(caption.text) })) }); // biome-ignore format: one line
    if (words.encoder === undefined) continue;
    const rate = (1000 * all.length) / (performance.now() - started);
    yield { kind: 'features', encoder: words.encoder, done: all.length, total: images.length, imagesPerSecond: rate, secondsLeft: (images.length - all.length) / rate }; // biome-ignore format: one line
  }
  return all;
}

/** Tokens that all but a few texts fit into, at most `most`. */
export function roomFor(images: Learnt[], most: number): number {
  const lengths = images.flatMap(({ written }) => written.map(({ tokens }) => tokens)).sort((a, b) => a - b);
  const usual = lengths[Math.min(lengths.length - 1, Math.floor(CUT * lengths.length))];
  return Math.min(most, 8 * Math.ceil(Math.max(1, usual) / 8));
}

/** What of the captions is not learnt, as warnings. */
export function* shortfalls(images: Learnt[], blend: Blend, room: number): Generator<GeneratorEvent> {
  const cut = images.flatMap(({ written }) => written).filter(({ tokens }) => tokens > room).length;
  if (cut > 0) {
    const captions = cut === 1 ? '1 caption is' : `${cut} captions are`;
    const message = `${captions} longer than ${room} tokens; what is beyond is not learnt`;
    yield { kind: 'warning', code: 'caption-cut', message };
  }
  for (const { kind } of blend) {
    const without = images.filter(({ kinds }) => !kinds.includes(kind)).length;
    if (without === 0) continue;
    const message = `${without} of ${images.length} pictures have no ${kind} caption; for these another kind of the blend is drawn`;
    yield { kind: 'warning', code: 'kind-missing', message };
  }
}

/** The caption that a picture is learnt with in an epoch. */
export const drawReading = ({ key, written }: Learnt, blend: Blend, seed: number, epoch: number): Reading =>
  (drawCaptions({ key, captions: written }, blend, { seed, epoch }).captions[0] as ReadCaption).reading;
