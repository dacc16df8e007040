import { join } from 'node:path';
import { exists } from '../../files.ts';
import { openDataset } from '../open.ts';
import { METADATA } from '../readers/imagefolder.ts';
import { badConfig } from './configuration.ts';
import { asItIs } from './draw.ts';
import { lintDataset } from './lint-dataset.ts';
import { PICTURES_READ } from './pictures.ts';
import { placeWithMetadata } from './place.ts';
import type { TrainerProfile } from './profile.ts';
import { CLIP_TOKENS } from './tokens.ts';

/**
 * Diffusers' text-to-image scripts (`--train_data_dir DIR --image_column image`): an ImageFolder whose `metadata.jsonl` has the
 * main caption as `text` (`--caption_column text`) and all of them as `captions`, a list (`--caption_column captions`: one at random).
 */
export const diffusers: TrainerProfile = {
  name: 'diffusers',
  about: 'ImageFolder: pictures and metadata.jsonl with text and captions',
  lists: true,
  write: (dataset, run) => placeWithMetadata(dataset, asItIs, run),
  async *lint(dir, options) {
    const path = join(dir, METADATA);
    const csv = join(dir, 'metadata.csv');
    if (await exists(csv)) {
      const message = 'captions in CSV are read by the trainer, but not looked into here';
      yield { place: csv, trap: 'unchecked', severity: 'warning', message, hint: `Write ${METADATA}.` };
      return;
    }
    if (!(await exists(path)) && !(await exists(join(dir, 'metadata.parquet')))) {
      yield badConfig(
        path,
        `there is no ${METADATA}, and no .csv or .parquet of that name: pictures are loaded without captions`,
        'The file must have exactly this name and lie beside or above the pictures.',
      );
      return;
    }
    const missing = {
      severity: 'error',
      message: 'the picture has no caption: the script stops at it',
      hint: `Give every picture a line with "text" in ${METADATA}.`,
    } as const;
    const rules = { reads: PICTURES_READ.diffusers, missing, maxTokens: CLIP_TOKENS };
    yield* lintDataset((onFailure) => openDataset(dir, { onFailure }), rules, options);
  },
};
