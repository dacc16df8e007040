/** Where the results of a captioning job go, and how they get there. */
import { readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeDataset } from '../data/index.ts';
import { tryJson } from '../data/lines.ts';
import type { Dataset, OnFailure } from '../data/sample.ts';
import { RecaptionError } from '../errors.ts';
import { exists, writeAtomic, writeFileAtomic } from '../files.ts';
import { type CaptionRow, type Journal, type Recipe, recipeDifference } from './journal.ts';

export const OUTPUT_FORMATS = ['jsonl', 'sidecars', 'webdataset'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export interface OutputFiles {
  out: string;
  format: OutputFormat;
  /** The captions as JSON lines, in the collection's order: `out` itself, or beside it when `out` is a folder. */
  rows: string;
  /** Work in progress. */
  journal: string;
  /** How the finished rows were made. */
  recipe: string;
  failures: string;
}

export function outputFiles(out: string, format: OutputFormat): OutputFiles {
  return {
    out,
    format,
    rows: format === 'jsonl' ? out : `${out}.jsonl`,
    journal: `${out}.partial.jsonl`,
    recipe: `${out}.recipe.json`,
    failures: join(dirname(out), 'failures.jsonl'),
  };
}

/** @throws RecaptionError `output-exists`, `output-mismatch` when what stands at `out` is not this recipe's earlier work. */
export async function refuseOtherOutput(files: OutputFiles, recipe: Recipe): Promise<void> {
  if (await exists(files.journal)) return; // the journal knows its recipe
  const hint = 'Give another --out, or move it away.';
  if (!(await exists(files.rows))) {
    if (files.format !== 'webdataset' || (await shardsIn(files.out)).length === 0) return;
    throw new RecaptionError('output-exists', 'there are shards already that this command did not write', {
      place: files.out,
      hint,
    });
  }
  const found = await readFile(files.recipe, 'utf8').catch(() => undefined);
  if (found === undefined) {
    throw new RecaptionError('output-exists', 'there is a file already that this command did not write', {
      place: files.rows,
      hint,
    });
  }
  const made = tryJson(found) as { recipe?: unknown } | null | undefined;
  const difference = recipeDifference(made?.recipe, recipe);
  if (difference !== undefined) {
    throw new RecaptionError('output-mismatch', `the captions here were made with another ${difference}`, {
      place: files.rows,
      hint,
    });
  }
}

interface PublishOptions {
  /** The collection's order. */
  keys: Set<string>;
  recipe: Recipe;
  dataset: Dataset;
  onFailure: OnFailure;
}

/** Samples in a shard. */
const SHARD = 1000;

/**
 * Writes the journal's captions to their final place, in the order of `keys`. Captions of pictures that have left the
 * collection come last: nothing that was paid for is thrown away.
 */
export async function publish(
  files: OutputFiles,
  journal: Journal,
  { keys, recipe, dataset, onFailure }: PublishOptions,
): Promise<void> {
  await writeAtomic(files.rows, async (write) => {
    for (const key of keys) if (journal.has(key)) await write(line(await journal.read(key)));
    for (const key of journal.keys()) if (!keys.has(key)) await write(line(await journal.read(key)));
  });
  const made = { recipe, captions: journal.size(), finished: new Date().toISOString() };
  await writeFileAtomic(files.recipe, `${JSON.stringify(made, null, 2)}\n`);
  const samples = captioned(dataset, journal);
  if (files.format === 'sidecars') {
    await writeDataset(samples, { to: files.out, format: 'sidecars', onFailure });
  } else if (files.format === 'webdataset') {
    // These are our own shards of an earlier run, or none at all: `refuseOtherOutput` has seen to that.
    const target = {
      to: files.out,
      format: 'webdataset',
      maxPerShard: SHARD,
      overwrite: true,
      onFailure,
    } as const;
    const written = await writeDataset(samples, target);
    for (const name of (await shardsIn(files.out)).slice(Math.ceil(written / SHARD)))
      await rm(join(files.out, name));
  }
}

/** Names of the shards our writer makes, in order. */
async function shardsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => /^\d+\.tar$/.test(name)).sort();
}

/** The samples that have a caption in the journal, with that caption and no other. */
async function* captioned(dataset: Dataset, journal: Journal): Dataset {
  for await (const sample of dataset) {
    if (!journal.has(sample.key)) continue;
    const { caption, kind, captioner } = await journal.read(sample.key);
    yield { ...sample, captions: [{ text: caption, kind, source: captioner }] };
  }
}

function line(row: CaptionRow): Uint8Array {
  return Buffer.from(`${JSON.stringify(row)}\n`);
}
