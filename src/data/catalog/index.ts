/** A workspace's catalog: pictures, their captions as versioned rows, jobs, failures. */
export {
  addCaption,
  addDerived,
  addFailure,
  type CaptionVersion,
  historyOf,
  type RevertEvent,
  revertJob,
} from './captions.ts';
export { CATALOG_FILE, type Catalog, explained, isWorkspace, openCatalog, STATE } from './catalog.ts';
export { type Added, addImages, findImages, type NewImage } from './images.ts';
export { type ImportEvent, type ImportOptions, importSources } from './import.ts';
export {
  finishJob,
  type JobRow,
  listJobs,
  type Recipe,
  recipeOf,
  startJob,
  type Task,
  turnOf,
  unfinishedJob,
} from './jobs.ts';
export { countImages, FIELDS, type Filter, filterOf } from './query.ts';
export { type CatalogSample, readWorkspace, samplesOf, selectSamples } from './samples.ts';
export { type Selection, type SelectOptions, select } from './selection.ts';
export { listFailures, type Status, statusOf } from './status.ts';
