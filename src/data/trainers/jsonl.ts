import { openDataset } from '../open.ts';
import { writeJsonl } from '../writers/jsonl.ts';
import { lintDataset } from './lint-dataset.ts';
import { forWriter } from './place.ts';
import type { TrainerProfile } from './profile.ts';

/**
 * Our own JSON lines, `dataset.jsonl`, with kinds, authors and metadata. Pictures are copied to `images/` beside it, or with `link`
 * stay where they are and are named there.
 */
export const jsonl: TrainerProfile = {
  name: 'jsonl',
  about: 'dataset.jsonl with all that is known, pictures in images/',
  lists: true,
  write: (dataset, options) => writeJsonl(forWriter(dataset, options, { named: true }), options.to, options),
  lint(dir, options) {
    const missing = { severity: 'warning', message: 'the picture has no caption' } as const;
    return lintDataset((onFailure) => openDataset(dir, { onFailure }), missing, options);
  },
};
