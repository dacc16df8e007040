import { readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { readError } from '../../files.ts';
import { openDataset } from '../open.ts';
import { splitName } from '../readers/webdataset.ts';
import type { Dataset, Sample } from '../sample.ts';
import { readTar } from '../tar.ts';
import { writeWebDataset } from '../writers/webdataset.ts';
import { asItIs, drawSamples } from './draw.ts';
import { lintDataset } from './lint-dataset.ts';
import { PICTURES_READ } from './pictures.ts';
import type { ExportRun, Finding, TrainerProfile } from './profile.ts';

const SAMPLES_PER_SHARD = 1000;

/** WebDataset shards: `KEY.jpg`, `KEY.txt` with the main caption, `KEY.json` with all of them. Pictures are always copied. */
export const webdataset: TrainerProfile = {
  name: 'webdataset',
  about: 'shards 00000.tar … of KEY.jpg, KEY.txt, KEY.json',
  lists: true,
  async write(dataset, run) {
    const options = {
      ...run,
      maxPerShard: SAMPLES_PER_SHARD,
      onShard: (name: string) => run.wrote(name, true),
    };
    return writeWebDataset(named(dataset, run), run.to, options);
  },
  async *lint(dir, options) {
    for (const shard of await shardsOf(dir)) yield* lintMembers(shard);
    const missing = {
      severity: 'warning',
      message: 'the picture has neither a text in a .txt nor a caption in a .json',
    } as const;
    const rules = { reads: PICTURES_READ.webdataset, missing };
    for await (const finding of lintDataset((onFailure) => openDataset(dir, { onFailure }), rules, options))
      if (finding.trap !== APART) yield finding; // told above, of pictures too
  },
};

const APART = 'member-apart';

/** The writer takes a picture's extension from its name. */
async function* named(dataset: Dataset, run: ExportRun): AsyncGenerator<Sample> {
  for await (const { sample, picture } of drawSamples(dataset, asItIs, run))
    yield {
      ...sample,
      image: { name: `picture.${picture.extension}`, bytes: async () => picture.bytes },
    };
}

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
  const keys = new Set<string>();
  const members = new Set<string>();
  let last = '';
  for await (const { name, size } of readTar(shard, () => false, damageIsToldByReading)) {
    const { key, extension } = splitName(name);
    const place = `${shard}#${name}`;
    if (key === '') continue;
    if (key !== last && keys.has(key) && !members.has(name)) {
      yield {
        place,
        trap: APART,
        severity: 'error',
        message: `it does not stand beside the other members of "${key}": it is taken for a sample of its own`,
        hint: 'Sort the archive by name.',
      };
    }
    last = key;
    keys.add(key);
    members.add(name);
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
