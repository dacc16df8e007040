/** Caption metrics to the definitions of the COCO evaluation; usable alone. */
export { type BleuResult, bleu } from './bleu.ts';
export {
  type CiderOptions,
  type CiderReference,
  type CiderScorer,
  type CiderVariant,
  cider,
  ciderD,
  ciderScorer,
  type DocumentFrequencies,
  documentFrequencies,
} from './cider.ts';
export type { MetricItem, MetricResult } from './item.ts';
export { ptbTokenize } from './ptb-tokenizer.ts';
export { rougeL } from './rouge-l.ts';
export {
  CAPTION_METRICS,
  type CaptionMetric,
  type CaptionScores,
  type ScoreReport,
  scoreCaptions,
} from './score-captions.ts';
