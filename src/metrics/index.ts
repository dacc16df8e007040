/** Caption metrics to the definitions of the COCO evaluation, and what they leave out; usable alone. */
export { type Additive, additive, additiveMean, sumRows } from './additive.ts';
export { type BleuResult, bleu } from './bleu.ts';
export {
  type BootstrapOptions,
  bootstrap,
  type Difference,
  type Interval,
  pairedBootstrap,
} from './bootstrap.ts';
export { type ChairResult, chair, type ObjectVocabulary, objectVocabulary } from './chair.ts';
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
export {
  type ClipEncoder,
  type ClipItem,
  type ClipScoreOptions,
  type ClipScoreReport,
  type ClipScores,
  clipScoreOf,
  clipScores,
  cosine,
  refClipScoreOf,
} from './clip-score.ts';
export { FRECHET_LEAST, frechetDistance, Moments } from './frechet.ts';
export type { CaptionItem, MetricItem, MetricResult } from './item.ts';
export { type MeteorOptions, meteor } from './meteor.ts';
export { METEOR_MODULES, type MeteorModule } from './meteor-words.ts';
export { ptbTokenize } from './ptb-tokenizer.ts';
export { rougeL } from './rouge-l.ts';
export {
  CAPTION_METRICS,
  type CaptionMetric,
  type CaptionScores,
  compareScores,
  type Measured,
  type ScoreOptions,
  type ScoreReport,
  scoreCaptions,
  scoreIntervals,
} from './score-captions.ts';
export { SPICE_CATEGORIES, type SpiceCategory, type SpiceResult, spice } from './spice.ts';
export {
  type CaptionStyle,
  captionStyle,
  countStyle,
  type Frequent,
  LETTER_CASES,
  type LetterCase,
  type StyleCounts,
  type StyledCaption,
} from './style.ts';
export { compareStyles, type ShareDifference, type StyleDifference } from './style-difference.ts';
export { type TupleFigures, type TupleResult, tupleFigures } from './tuples.ts';
