import { RecaptionError } from '../errors.ts';
import { loadSceneGraphParser } from '../text/scene-graph/index.ts';
import type { Additive } from './additive.ts';
import { bleu } from './bleu.ts';
import {
  type BootstrapOptions,
  bootstrap,
  type Difference,
  type Interval,
  pairedBootstrap,
} from './bootstrap.ts';
import { cider } from './cider.ts';
import type { CaptionItem, MetricResult } from './item.ts';
import { meteor } from './meteor.ts';
import { ptbTokenize } from './ptb-tokenizer.ts';
import { rougeL } from './rouge-l.ts';
import { scoreWarnings } from './score-warnings.ts';
import { spice } from './spice.ts';

/** What a scorer says; lists run parallel to its names. */
interface Scored {
  corpus: number[];
  perImage: number[][];
  additive: Additive;
  /** Parts of the score that have no score per image. */
  parts?: Record<string, number>;
}

interface Scorer<Name extends string = string> {
  names: readonly Name[];
  /** What a reader of its figures must know. */
  note?: string;
  score(items: readonly CaptionItem[]): Scored | Promise<Scored>;
}

const scorer = <const Name extends string>(of: Scorer<Name>): Scorer<Name> => of;

const single = ({ corpus, perImage, additive }: MetricResult): Scored => ({
  corpus: [corpus],
  perImage: perImage.map((value) => [value]),
  additive,
});

/** Every metric that needs the texts alone, in the order in which they are told: a new one is an entry here. */
const SCORERS = [
  scorer({ names: ['Bleu_1', 'Bleu_2', 'Bleu_3', 'Bleu_4'], score: bleu }),
  scorer({
    names: ['METEOR'],
    note: 'METEOR 1.5 with exact, stem and synonym matches (WordNet 3.1), without its table of paraphrases: about 0.005 below figures with it.',
    score: (items) => single(meteor(items)),
  }),
  scorer({ names: ['ROUGE_L'], score: (items) => single(rougeL(items)) }),
  scorer({ names: ['CIDEr'], score: (items) => single(cider(items, { variant: 'CIDEr' })) }),
  scorer({ names: ['CIDEr-D'], score: (items) => single(cider(items, { variant: 'CIDEr-D' })) }),
  scorer({
    names: ['SPICE'],
    note: "SPICE over Recaption's scene-graph parser (recaption/scene-graph): alike, but not equal, to figures of the reference program's parser.",
    score: async (items) => {
      const result = spice(items, await loadSceneGraphParser());
      return { ...single(result), parts: result.categories };
    },
  }),
];

export type CaptionMetric = (typeof SCORERS)[number]['names'][number];
export const CAPTION_METRICS: readonly CaptionMetric[] = SCORERS.flatMap(({ names }) => names);
export type CaptionScores<M extends CaptionMetric = CaptionMetric> = Record<M, number>;

export interface ScoreOptions<M extends CaptionMetric = CaptionMetric> {
  /** Default: all. */
  metrics?: readonly M[];
  /** How to split; for text that is already tokenised `(text) => text.split(' ')`. Default: `ptbTokenize`. */
  tokenize?: (text: string) => string[];
}

/** Corpus scores by name, and what they are made of: enough for intervals and comparisons. */
export interface Measured<M extends string = string> {
  metrics: Record<M, number>;
  parts: { names: readonly string[]; additive: Additive }[];
}

export interface ScoreReport<M extends CaptionMetric = CaptionMetric> extends Measured<M> {
  perImage: CaptionScores<M>[];
  /** Number of images. */
  n: number;
  /** Sentences about these captions for the reader of the figures, such as why a score is 0 by definition. */
  warnings: string[];
  /** Sentences about the metrics: in what ours differ from others of the same name. */
  notes: string[];
  /** What a metric says of parts of what it measures, such as SPICE of attributes. */
  details: Partial<Record<M, Record<string, number>>>;
}

/**
 * The metrics of captions against references that need the texts alone, from raw text.
 * @param candidates one caption per image.
 * @param references of the same images, in the same order, at least one each.
 * @throws RecaptionError `no-references`; `unequal-lengths` when the two lists differ in length; `bad-lexicon` where SPICE's parser
 * cannot be loaded.
 */
export async function scoreCaptions<M extends CaptionMetric = CaptionMetric>(
  candidates: readonly string[],
  references: readonly (readonly string[])[],
  { metrics, tokenize = ptbTokenize }: ScoreOptions<M> = {},
): Promise<ScoreReport<M>> {
  if (candidates.length !== references.length) {
    throw new RecaptionError(
      'unequal-lengths',
      `there are ${candidates.length} captions but references of ${references.length} images`,
      { hint: 'Give one caption and one list of references for each image, in the same order.' },
    );
  }
  const items = candidates.map(
    (candidateText, i): CaptionItem => ({
      candidate: tokenize(candidateText),
      references: references[i].map(tokenize),
      candidateText,
      referenceTexts: references[i],
    }),
  );
  const wanted: readonly string[] = metrics ?? CAPTION_METRICS;
  const chosen = SCORERS.filter(({ names }) => names.some((name) => wanted.includes(name)));
  const scored: (Scored & { names: readonly string[] })[] = [];
  for (const { names, score } of chosen) scored.push({ names, ...(await score(items)) });
  const named = (values: (of: Scored) => readonly number[]) =>
    Object.fromEntries(
      scored
        .flatMap((of) => of.names.map((name, k) => [name, values(of)[k]] as const))
        .filter(([name]) => wanted.includes(name)),
    ) as CaptionScores<M>;
  return {
    metrics: named(({ corpus }) => corpus),
    perImage: items.map((_, i) => named(({ perImage }) => perImage[i])),
    n: items.length,
    warnings: scoreWarnings(items, wanted),
    notes: chosen.flatMap(({ note }) => note ?? []),
    details: Object.fromEntries(
      scored.flatMap(({ names, parts }) => (parts === undefined ? [] : [[names[0], parts]])),
    ) as ScoreReport<M>['details'],
    parts: scored.map(({ names, additive }) => ({ names, additive })),
  };
}

/** The bootstrap interval of each metric of a report, over its images. */
export function scoreIntervals<M extends string>(
  report: Measured<M>,
  options?: BootstrapOptions,
): Record<M, Interval> {
  const all = report.parts.flatMap(({ names, additive }) => {
    const intervals = bootstrap(additive, options);
    return names.map((name, k) => [name, intervals[k]] as const);
  });
  return onlyOf(report, all);
}

/**
 * What the second report's captions score above the first's, for each metric that both have; over the same images, in the same
 * order.
 * @throws RecaptionError `unequal-lengths`.
 */
export function compareScores<M extends string>(
  one: Measured<M>,
  other: Measured<M>,
  options?: BootstrapOptions,
): Record<M, Difference> {
  const all = one.parts.flatMap(({ names, additive }) => {
    const same = other.parts.find((part) => part.names[0] === names[0]);
    if (same === undefined) return [];
    const differences = pairedBootstrap(additive, same.additive, options);
    return names.map((name, k) => [name, differences[k]] as const);
  });
  return onlyOf(one, all);
}

const onlyOf = <M extends string, T>(
  { metrics }: Measured<M>,
  all: (readonly [name: string, value: T])[],
): Record<M, T> => Object.fromEntries(all.filter(([name]) => name in metrics)) as Record<M, T>;
