import type { Caption, CaptionKind, Sample } from '../sample.ts';

/** What a generator is best trained with where nobody names a blend, most wanted first. */
export const BEST_FIRST: readonly CaptionKind[] = ['descriptive', 'short', 'human', 'alt'];

/** The first `count` captions of a sample by the kinds of `BEST_FIRST`, within a kind in their own order. */
export function bestCaptions({ captions }: Sample, count = 1): Caption[] {
  return BEST_FIRST.flatMap((wanted) => captions.filter(({ kind }) => kind === wanted)).slice(0, count);
}
