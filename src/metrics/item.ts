import { RecaptionError } from '../errors.ts';
import type { Additive } from './additive.ts';

/** One image: tokens of the caption under test, and of the captions people gave. */
export interface MetricItem {
  candidate: readonly string[];
  /** At least one. */
  references: readonly (readonly string[])[];
}

/** A `MetricItem` with the captions as they were written, for metrics that read more than tokens. */
export interface CaptionItem extends MetricItem {
  candidateText: string;
  referenceTexts: readonly string[];
}

/** A metric over a set of images. */
export interface MetricResult {
  corpus: number;
  /** In the order of the items. */
  perImage: number[];
  /** What the corpus value is made of, for intervals. */
  additive: Additive;
}

/** @throws RecaptionError `no-references`. */
export function requireReferences(items: readonly { references: readonly unknown[] }[]): void {
  const at = items.findIndex(({ references }) => references.length === 0);
  if (at < 0) return;
  throw new RecaptionError('no-references', 'a caption has no reference to be compared with', {
    place: `item ${at}`,
    hint: 'Give every image at least one reference caption, or leave the image out.',
  });
}

/** 0 for an empty list. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
