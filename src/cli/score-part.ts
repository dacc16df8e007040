/** What the parts of `recaption score captions` have in common: each measures captions in a way of its own. */
import type { Candidate } from '../data/index.ts';
import { type Additive, type BootstrapOptions, bootstrap, pairedBootstrap } from '../metrics/index.ts';
import type { Scores } from './score-tables.ts';

/** One set of captions, or two that are compared. */
export type Sets = readonly (readonly Candidate[])[];

/** What a part says, for people and for machines. */
export interface Part {
  title: string;
  lines: string[];
  notes: string[];
  warnings: string[];
  /** Something is missing from the figures. */
  leftOut: boolean;
  record: object;
}

export interface PartOptions extends BootstrapOptions {
  /** The file of the second set. */
  compare?: string;
  perImage: boolean;
}

/** Scores by name with what they are made of. */
export interface Measured {
  metrics: Scores;
  additive: Readonly<Record<string, Additive>>;
}

/** Scores with their intervals. */
export const withIntervals = ({ metrics, additive }: Measured, options: BootstrapOptions) => ({
  metrics,
  intervals: Object.fromEntries(
    Object.entries(additive).map(([name, of]) => [name, bootstrap(of, options)[0]] as const),
  ),
});

/** The second set's scores, and how they differ from the first's. */
export const compared = (one: Measured, other: Measured, options: BootstrapOptions) => ({
  metrics: other.metrics,
  differences: Object.fromEntries(
    Object.entries(one.additive)
      .filter(([name]) => name in other.additive)
      .map(([name, of]) => [name, pairedBootstrap(of, other.additive[name], options)[0]] as const),
  ),
});

/** What each image scores, under its id, where that is asked for. */
export const perImageOf =
  ({ perImage }: PartOptions, ids: readonly string[]) =>
  (of: { perImage: readonly object[] }) =>
    perImage && { perImage: Object.fromEntries(ids.map((id, i) => [id, of.perImage[i]])) };
