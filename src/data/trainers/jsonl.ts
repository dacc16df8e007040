import { join } from 'node:path';
import { DATASET_FILE, openDataset } from '../open.ts';
import { writeJsonl } from '../writers/jsonl.ts';
import { lintDataset } from './lint-dataset.ts';
import { PICTURES_READ } from './pictures.ts';
import { placedForWriter } from './place.ts';
import type { TrainerProfile } from './profile.ts';

/** Our own JSON lines, `dataset.jsonl`, with kinds, authors and metadata. Pictures are copied to `images/` beside it, or linked there. */
export const jsonl: TrainerProfile = {
  name: 'jsonl',
  about: 'dataset.jsonl with all that is known, pictures in images/',
  lists: true,
  async write(dataset, run) {
    const written = await writeJsonl(placedForWriter(dataset, run), join(run.to, DATASET_FILE), run);
    await run.wrote(DATASET_FILE);
    return written;
  },
  lint(dir, options) {
    const missing = { severity: 'warning', message: 'the picture has no caption' } as const;
    const rules = { reads: PICTURES_READ.jsonl, missing };
    return lintDataset((onFailure) => openDataset(dir, { onFailure }), rules, options);
  },
};
