/** What the training of a generator is put together from. */
import { type Blend, drawCaptions } from '../data/blend.ts';
import type { Caption } from '../data/sample.ts';
import { RecaptionError } from '../errors.ts';
import type { Codec } from '../models/autoencoder/codec.ts';
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

/** Width and height of the pictures in pixels. @throws RecaptionError `bad-config` where they do not divide into patches */
export function pictureSize({ model }: GeneratorFile, asked?: number, codec?: Codec): number {
  const wanted = asked ?? model.size * (codec?.factor ?? 1);
  const step = (codec?.factor ?? 1) * model.patch;
  if (wanted % step === 0) return wanted;
  throw new RecaptionError(
    'bad-config',
    `pictures of ${wanted} pixels do not divide into patches of ${step}`,
    {
      hint: `Take a multiple of ${step} for --size, or another model.patch.`,
    },
  );
}

export const learnTokenizer = (images: PreparedImage[], { model }: GeneratorFile): Tokenizer =>
  createTokenizer(
    trainBpe(
      images.flatMap(({ references }) => references),
      { vocabSize: model.text.vocabulary },
    ),
  );

/** Reads the captions of the blend's kinds. */
export async function readCaptions(images: PreparedImage[], words: Words, blend: Blend): Promise<Learnt[]> {
  const all: Learnt[] = [];
  for (const image of images) {
    const written = image.references
      .map((text, i): Caption => ({ text, kind: image.kinds[i], source: '' }))
      .filter(({ kind }) => blend.some((share) => share.kind === kind));
    const readings = await words.read(written.map(({ text }) => text));
    const read = written.map((caption, i) => ({
      ...caption,
      reading: readings[i],
      tokens: words.count(caption.text),
    }));
    all.push({ ...image, written: read });
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
