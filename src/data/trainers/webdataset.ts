import { readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { readError } from '../../files.ts';
import { openDataset } from '../open.ts';
import { splitName } from '../readers/webdataset.ts';
import { readTar } from '../tar.ts';
import { writeWebDataset } from '../writers/webdataset.ts';
import { lintDataset } from './lint-dataset.ts';
import { forWriter } from './place.ts';
import type { Finding, TrainerProfile } from './profile.ts';

/** WebDataset shards: `KEY.jpg`, `KEY.txt` with the main caption, `KEY.json` with all of them. Pictures are always copied. */
export const webdataset: TrainerProfile = {
  name: 'webdataset',
  about: 'shards 00000.tar … of KEY.jpg, KEY.txt, KEY.json',
  lists: true,
  write: (dataset, options) =>
    writeWebDataset(forWriter(dataset, options, { named: false }), options.to, options),
  async *lint(dir, options) {
    for (const shard of await shardsOf(dir)) yield* lintMembers(shard);
    const missing = {
      severity: 'warning',
      message: 'the picture has neither a text in a .txt nor a caption in a .json',
    } as const;
    yield* lintDataset((onFailure) => openDataset(dir, { onFailure }), missing, options);
  },
};

async function shardsOf(dir: string): Promise<string[]> {
  if (extname(dir) === '.tar') return [dir];
  const names = await readdir(dir).catch((error) => {
    throw readError(dir, error);
  });
  return names
    .filter((name) => extname(name) === '.tar')
    .sort()
    .map((name) => join(dir, name));
}

/** What reading the samples does not show. */
async function* lintMembers(shard: string): AsyncGenerator<Finding> {
  const damageIsToldByReading = () => {};
  for await (const { name, size } of readTar(shard, () => false, damageIsToldByReading)) {
    const { key, extension } = splitName(name);
    const place = `${shard}#${name}`;
    if (extension.includes('.')) {
      yield {
        place,
        trap: 'dotted-name',
        severity: 'error',
        message: `the key ends at the first dot: this is a part "${extension}" of the sample "${key}"`,
        hint: 'Write keys without dots.',
      };
    }
    if (size === 0 && extension === 'txt')
      yield { place, trap: 'empty-file', severity: 'warning', message: 'the text is empty' };
  }
}
