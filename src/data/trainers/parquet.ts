import { join } from 'node:path';
import { openDataset, TABLE_FILE } from '../open.ts';
import type { Caption } from '../sample.ts';
import { writeParquet } from '../writers/parquet.ts';
import { byPeople, type Exported } from './draw.ts';
import { lintDataset } from './lint-dataset.ts';
import { PICTURES_READ } from './pictures.ts';
import { placedForWriter } from './place.ts';
import type { TrainerProfile } from './profile.ts';

/**
 * Parquet in the form of Recap-DataComp, where trainers blend by themselves: whatever was drawn, a row has the sample's first caption
 * by people and its first by a captioner too, where it has them. Pictures are copied to `images/`, or linked there.
 */
export const parquet: TrainerProfile = {
  name: 'parquet',
  about: 'captions.parquet with re_caption and org_caption, pictures in images/',
  lists: true,
  async write(dataset, run) {
    const written = await writeParquet(
      placedForWriter(dataset, run, bothSides),
      join(run.to, TABLE_FILE),
      run,
    );
    await run.wrote(TABLE_FILE);
    return written;
  },
  lint(dir, options) {
    const missing = { severity: 'warning', message: 'the row has no caption' } as const;
    const rules = { reads: PICTURES_READ.parquet, missing };
    return lintDataset((onFailure) => openDataset(dir, { onFailure }), rules, options);
  },
};

function bothSides({ sample: { captions }, all }: Exported): Caption[] {
  const lacking = [true, false].filter((people) => !captions.some((caption) => byPeople(caption) === people));
  return [
    ...captions,
    ...lacking.flatMap((people) => all.find((caption) => byPeople(caption) === people) ?? []),
  ];
}
