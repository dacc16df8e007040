/** Collections of pictures with captions: open them in any form, load their pixels, write them. */
export { mapAhead, mapAny } from './ahead.ts';
export {
  type Blend,
  type BlendReport,
  blendCounts,
  type Drawn,
  drawCaptions,
  parseBlend,
  type Share,
} from './blend.ts';
export {
  type Candidate,
  type CandidateSet,
  canonicalId,
  type Paired,
  pairCaptions,
  type References,
  readAllCaptions,
  readCandidates,
  readReferences,
  sampleNames,
} from './caption-sets.ts';
export * from './catalog/index.ts';
export { asDataset, type ReadOptions, withKeys } from './dataset.ts';
export { type FailureList, failureList, writeFailures } from './failures.ts';
export { type LoadedSample, type LoadOptions, loadEach, loadImages } from './load.ts';
export { openDataset } from './open.ts';
export { fileImage, keyOf } from './paths.ts';
export * from './readers/index.ts';
export { openRecordCache, type RecordCache } from './record-cache.ts';
export {
  CAPTION_KINDS,
  type Caption,
  type CaptionKind,
  type Dataset,
  type Failure,
  type OnFailure,
  type Sample,
} from './sample.ts';
export * from './trainers/index.ts';
export { WRITE_FORMATS, type WriteDatasetOptions, type WriteFormat, writeDataset } from './write.ts';
export * from './writers/index.ts';
