/** What all exports begin with: captions drawn and brought into the trainer's form, pictures that it can read. */
import { asFailure } from '../dataset.ts';
import type { Caption, Dataset, Sample } from '../sample.ts';
import { refuseOwnPictures } from './apart.ts';
import { type Fitted, fitPicture } from './pictures.ts';
import type { ExportRun } from './profile.ts';

/** Brings a text into a form that the trainer reads as one caption with the same words; empty where none are left. */
export type Adapt = (text: string) => string;

/** For trainers that take a text as it is. */
export const asItIs: Adapt = (text) => text;

export interface Exported {
  /** With the captions that were drawn. */
  sample: Sample;
  /** Every caption that the sample had, adapted too. */
  all: Caption[];
  /** The sample's picture, as it is written. */
  picture: Omit<Fitted, 'image'>;
}

/**
 * The samples as they are exported. Text is well-formed Unicode from here on: half a surrogate stops Python programs. Samples of
 * which no caption was drawn, or only empty ones, are left out (`no-caption`), and so are those whose picture cannot be read.
 * @throws RecaptionError `output-is-source`
 */
export async function* drawSamples(dataset: Dataset, adapt: Adapt, run: ExportRun): AsyncGenerator<Exported> {
  const { to, draw, onFailure, onChange } = run;
  const refuseOwn = refuseOwnPictures(to);
  for await (const sample of dataset) {
    const { key, image } = sample;
    await refuseOwn(image);
    const adapted = (captions: Caption[]) =>
      captions
        .map((before) => ({ before, after: { ...before, text: adapt(before.text.toWellFormed()) } }))
        .filter(({ after }) => after.text.trim() !== '');
    const drawn = adapted(draw(sample));
    if (drawn.length === 0) {
      const message = 'there is no caption of the kinds that were asked for';
      onFailure?.({ key, place: image.name, code: 'no-caption', message });
      continue;
    }
    const fitted = await fitPicture(image, run).catch((error) => {
      onFailure?.(asFailure(error, key, image.name, 'image-unreadable'));
    });
    if (!fitted) continue;
    for (const { before, after } of drawn) {
      if (after.text !== before.text) onChange?.({ key, before: before.text, after: after.text });
    }
    const { image: exported, ...picture } = fitted;
    yield {
      sample: { ...sample, captions: drawn.map(({ after }) => after), image: exported },
      all: adapted(sample.captions).map(({ after }) => after),
      picture,
    };
  }
}

/** Without those whose text another one before them has. */
export const distinct = (captions: Caption[]): Caption[] =>
  captions.filter(({ text }, i) => captions.findIndex((other) => other.text === text) === i);

/** Whether a caption was there before any captioner came. */
export const byPeople = ({ kind, synthetic }: Caption): boolean =>
  !synthetic && (kind === 'human' || kind === 'alt');
