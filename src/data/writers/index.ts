/** One writer for each form; `writeDataset` chooses by name. */
export { writeImageFolder } from './imagefolder.ts';
export { writeJsonl } from './jsonl.ts';
export { writeParquet } from './parquet.ts';
export { sidecarLine, writeSidecars } from './sidecars.ts';
export type { WriteOptions } from './target.ts';
export { type WebDatasetOptions, writeWebDataset } from './webdataset.ts';
