import { join } from 'node:path';
import type { Dataset } from '../sample.ts';
import { fileNameOf, imageFile, placeFile, placeImage, type WriteOptions } from './target.ts';

/**
 * Pictures with a text file beside each: `KEY.jpg`, `KEY.txt`, one caption a line. Trainers take a new line for a new
 * caption, so line breaks within a caption become spaces (`sidecarLine`); this form also forgets kinds and authors. No
 * text file is written where there is no caption: an empty one stops some trainers.
 * @param to a folder; where it holds the pictures already, only the texts are written
 * @returns the number of samples written
 */
export async function writeSidecars(
  dataset: Dataset,
  to: string,
  { overwrite, onFailure }: WriteOptions = {},
): Promise<number> {
  let written = 0;
  for await (const sample of dataset) {
    const file = await imageFile(sample, onFailure);
    if (!file) continue;
    const path = join(to, fileNameOf(sample.key));
    const lines = sample.captions.map(({ text }) => sidecarLine(text)).filter((line) => line !== '');
    await placeImage(sample.image, file.bytes, `${path}.${file.extension}`, overwrite);
    if (lines.length > 0) await placeFile(`${path}.txt`, Buffer.from(`${lines.join('\n')}\n`), overwrite);
    written++;
  }
  return written;
}

/** What some program takes for the end of a line (Python's `splitlines` knows the most), and other control characters. */
const BREAKS = /[\p{Cc}\u2028\u2029]+/gu;

/** A caption as one line of a sidecar: line breaks become spaces, the ends are trimmed. */
export function sidecarLine(text: string): string {
  return text.toWellFormed().replace(BREAKS, ' ').trim();
}
