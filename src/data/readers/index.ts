/** One reader for each form a collection has on disk; `openDataset` chooses among them. */
export { readCoco } from './coco.ts';
export { readFolder, readSingle } from './folder.ts';
export { readImageFolder } from './imagefolder.ts';
export { readJsonl } from './jsonl.ts';
export { readKarpathy } from './karpathy.ts';
export { readParquet } from './parquet.ts';
export { readWebDataset } from './webdataset.ts';
