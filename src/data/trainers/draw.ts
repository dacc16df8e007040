/** What all exports begin with: captions drawn and brought into the trainer's form, pictures resized. */
import { realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { RecaptionError } from '../../errors.ts';
import { decodeImage, encodeJpeg, encodePng, formatOf, type ImageSource } from '../../image/index.ts';
import { isInside } from '../paths.ts';
import type { Caption, Dataset, Sample } from '../sample.ts';
import type { ExportOptions } from './profile.ts';

/** Brings a text into a form that the trainer reads as one caption with the same words; empty where none are left. */
export type Adapt = (text: string) => string;

/** For trainers that take a text as it is. */
export const asItIs: Adapt = (text) => text;

export interface Exported {
  /** With the captions that were drawn. */
  sample: Sample;
  /** Every caption that the sample had, adapted too. */
  all: Caption[];
}

/**
 * The samples as they are exported. Text is well-formed Unicode from here on: half a surrogate stops Python programs. Samples of
 * which no caption was drawn, or only empty ones, are left out (`no-caption`).
 * @throws RecaptionError `output-is-source`
 */
export async function* drawSamples(
  dataset: Dataset,
  adapt: Adapt,
  { to, draw, resize, onFailure, onChange }: ExportOptions,
): AsyncGenerator<Exported> {
  const isOwn = inFolder(to);
  for await (const sample of dataset) {
    const { key, image } = sample;
    if (await isOwn(image)) throw outputIsSource(to);
    const adapted = (captions: Caption[]) =>
      captions
        .map((before) => ({ before, after: { ...before, text: adapt(before.text.toWellFormed()) } }))
        .filter(({ after }) => after.text.trim() !== '');
    const drawn = adapted(draw(sample));
    for (const { before, after } of drawn) {
      if (after.text !== before.text) onChange?.({ key, before: before.text, after: after.text });
    }
    if (drawn.length === 0) {
      const message = 'there is no caption of the kinds that were asked for';
      onFailure?.({ key, place: image.name, code: 'no-caption', message });
      continue;
    }
    yield {
      sample: {
        ...sample,
        captions: drawn.map(({ after }) => after),
        image: resize === undefined ? image : resized(image, resize),
      },
      all: adapted(sample.captions).map(({ after }) => after),
    };
  }
}

/** Whether a caption was there before any captioner came. */
export const byPeople = ({ kind }: Caption): boolean => kind === 'human' || kind === 'alt';

/** Whether pictures lie in a folder, or in archives there; symbolic links on the way make no difference. */
function inFolder(to: string): (image: ImageSource) => Promise<boolean> {
  const real = (path: string) => realpath(path).catch(() => resolve(path));
  let [folder, answer] = ['', false];
  return async ({ path, name }) => {
    const [shard, member] = name.split('.tar#', 2);
    const file = path ?? (member === undefined ? undefined : shard);
    if (file === undefined) return false;
    const own = dirname(resolve(file));
    if (own !== folder) {
      const [outer, inner] = [await real(to), await real(own)];
      [folder, answer] = [own, outer === inner || isInside(outer, inner)];
    }
    return answer;
  };
}

function outputIsSource(place: string): RecaptionError {
  const message = 'the export would be written among the pictures that are read';
  return new RecaptionError('output-is-source', message, {
    place,
    hint: 'Name another folder to write to.',
  });
}

const JPEG_QUALITY = 95;

/** JPEG and what is as lossy becomes JPEG, all else PNG. The name has no extension: what the bytes are decides. */
function resized(image: ImageSource, maxSide: number): ImageSource {
  return {
    name: `${image.name} at most ${maxSide} px`,
    async bytes() {
      const bytes = await image.bytes();
      const picture = await decodeImage(bytes, { maxSide });
      const lossy = ['jpg', 'webp', 'avif'].includes(formatOf(bytes) ?? '');
      return lossy ? encodeJpeg(picture, JPEG_QUALITY) : encodePng(picture);
    },
  };
}
