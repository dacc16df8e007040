import { RecaptionError } from '../errors.ts';
import { bleu } from './bleu.ts';
import { cider } from './cider.ts';
import { ptbTokenize } from './ptb-tokenizer.ts';
import { rougeL } from './rouge-l.ts';

export const CAPTION_METRICS = [
  'Bleu_1',
  'Bleu_2',
  'Bleu_3',
  'Bleu_4',
  'ROUGE_L',
  'CIDEr',
  'CIDEr-D',
] as const;
export type CaptionMetric = (typeof CAPTION_METRICS)[number];
export type CaptionScores = Record<CaptionMetric, number>;

export interface ScoreReport {
  metrics: CaptionScores;
  perImage: CaptionScores[];
  /** Number of images. */
  n: number;
  /** Sentences for the reader of the figures, such as why a score is 0 by definition. */
  warnings: string[];
}

/**
 * All n-gram metrics of captions against references, from raw text.
 * @param candidates one caption per image.
 * @param references of the same images, in the same order, at least one each.
 * @param tokenize how to split; for text that is already tokenised pass `(text) => text.split(' ')`.
 * @throws RecaptionError `no-references`; `unequal-lengths` when the two lists differ in length.
 */
export function scoreCaptions(
  candidates: readonly string[],
  references: readonly (readonly string[])[],
  tokenize: (text: string) => string[] = ptbTokenize,
): ScoreReport {
  if (candidates.length !== references.length) {
    throw new RecaptionError(
      'unequal-lengths',
      `there are ${candidates.length} captions but references of ${references.length} images`,
      { hint: 'Give one caption and one list of references for each image, in the same order.' },
    );
  }
  const items = candidates.map((candidate, i) => ({
    candidate: tokenize(candidate),
    references: references[i].map(tokenize),
  }));
  const b = bleu(items);
  const r = rougeL(items);
  const c = cider(items, { variant: 'CIDEr' });
  const d = cider(items, { variant: 'CIDEr-D' });
  const scores = (bleus: number[], rouge: number, plain: number, damped: number): CaptionScores => ({
    Bleu_1: bleus[0],
    Bleu_2: bleus[1],
    Bleu_3: bleus[2],
    Bleu_4: bleus[3],
    ROUGE_L: rouge,
    CIDEr: plain,
    'CIDEr-D': damped,
  });
  return {
    metrics: scores(b.corpus, r.corpus, c.corpus, d.corpus),
    perImage: items.map((_, i) => scores(b.perImage[i], r.perImage[i], c.perImage[i], d.perImage[i])),
    n: items.length,
    warnings:
      items.length === 1
        ? ['CIDEr and CIDEr-D of a single image are 0 by definition: every word occurs in all images.']
        : [],
  };
}
