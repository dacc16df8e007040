/**
 * Recaption as a library: collections of pictures, captioners, scores. Nothing here prints; long work is an async generator of
 * plain events. The parts beneath have entries of their own: `recaption/tensor`, `recaption/nn`, `recaption/metrics`,
 * `recaption/world`.
 */
export {
  CAPTION_BATCH,
  type Captioner,
  type CaptionRequest,
  type CaptionResult,
} from './captioners/captioner.ts';
export { openClip } from './captioners/clip.ts';
export { type LoadOptions as LoadCaptionerOptions, loadCaptioner } from './captioners/load.ts';
export { type TrainCaptionerOptions, trainCaptioner } from './captioners/train.ts';
export type { TrainEvent } from './captioners/train-events.ts';
export { openVision } from './captioners/vision.ts';
export {
  addCaption,
  asDataset,
  type Blend,
  type BlendReport,
  bestCaptions,
  blendCounts,
  CAPTION_KINDS,
  type Caption,
  type CaptionKind,
  type CaptionVersion,
  type Catalog,
  countImages,
  type Dataset,
  drawCaptions,
  type ExportOptions,
  exportDataset,
  type Failure,
  type Finding,
  fileImage,
  findImages,
  historyOf,
  type ImportEvent,
  type ImportOptions,
  importSources,
  type LoadedSample,
  type LoadOptions,
  lintExport,
  loadImages,
  type OnFailure,
  openCatalog,
  openDataset,
  parseBlend,
  type ReadOptions,
  revertJob,
  type Sample,
  type Status,
  statusOf,
  TRAINERS,
  type Trainer,
  WRITE_FORMATS,
  type WriteDatasetOptions,
  type WriteFormat,
  writeDataset,
} from './data/index.ts';
export { type ErrorDetails, RecaptionError, UsageError } from './errors.ts';
export { checkScene, SKILLS, type Skill, type Verdict } from './evaluate/scene-check.ts';
export { type ReadScene, readScene } from './evaluate/scene-reader.ts';
export { evaluateScenes, type SceneEvaluation, type SceneScores } from './evaluate/scenes.ts';
export type { GenerateRequest, Generator } from './generators/generator.ts';
export { type LoadGeneratorOptions, loadGenerator } from './generators/load.ts';
export { type TrainGeneratorOptions, trainGenerator } from './generators/train.ts';
export type { GeneratorEvent } from './generators/train-events.ts';
export {
  type DecodeOptions as DecodeImageOptions,
  decodeImage,
  encodeJpeg,
  encodePng,
  type Image,
  type ImageSource,
  resizeImage,
} from './image/index.ts';
export { type CaptionJobEvent, type CaptionJobOptions, captionCollection } from './jobs/caption-job.ts';
export { OUTPUT_FORMATS, type OutputFormat } from './jobs/caption-output.ts';
export { type CleanEvent, type CleanOptions, cleanWorkspace } from './jobs/clean-job.ts';
export {
  FINETUNE_KINDS,
  type FinetuneKind,
  type FinetuneSample,
  type FinetuneSetOptions,
  finetuneSet,
} from './jobs/finetune-set.ts';
export {
  type GenerateEvent,
  type GenerateJobOptions,
  generatePictures,
  type PictureRow,
} from './jobs/generate-job.ts';
export { type CaptionRow, readRows as readCaptions } from './jobs/journal.ts';
export {
  captionWorkspace,
  OVERWRITE,
  type Overwrite,
  type WorkspaceJobOptions,
} from './jobs/workspace-job.ts';
export {
  type CaptionScores,
  type ClipEncoder,
  type ClipScoreReport,
  clipScores,
  compareScores,
  type ScoreReport,
  scoreCaptions,
  scoreIntervals,
} from './metrics/index.ts';
export {
  type CaptionerConfig,
  captionerConfigSchema,
  type TrainingConfig,
  trainingConfigSchema,
} from './models/captioner-config.ts';
export type { FeatureGroup, VisionEncoder } from './models/vision/encoder.ts';
export { DEVICES, type Device } from './tensor/index.ts';
export { trainBpe } from './text/bpe.ts';
export { descriptiveCaption, shortCaption } from './text/fusion/index.ts';
export {
  answerKey,
  type Cleaned,
  cleanCaption,
  HYGIENE_RULES,
  type HygieneOptions,
  type HygieneRule,
  RULE_NAMES,
  repeatedAnswers,
} from './text/hygiene/index.ts';
export { normaliseCaption } from './text/normalise-caption.ts';
export { createTokenizer, loadTokenizer, type Tokenizer } from './text/tokenizer.ts';
export { type WorldOptions, worldDataset } from './world/index.ts';
