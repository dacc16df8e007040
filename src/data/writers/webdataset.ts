import { dirname, join, resolve } from 'node:path';
import { pack } from 'tar-stream';
import { RecaptionError } from '../../errors.ts';
import { writeAtomic } from '../../files.ts';
import type { Dataset, OnFailure, Sample } from '../sample.ts';
import { captionColumns } from './columns.ts';
import { imageFile, makeFolder, refuseExisting, type WriteOptions } from './target.ts';

export interface WebDatasetOptions extends WriteOptions {
  maxPerShard?: number;
  /** Told of each shard when it is whole, by its name. */
  onShard?: (name: string) => Promise<void>;
}

const KEY_DIGITS = 9;

/**
 * WebDataset shards `00000.tar`, `00001.tar` …: members `KEY.jpg`, `KEY.json` and, where there is a caption, `KEY.txt` with
 * the first. Keys are running numbers of fixed width, so they are sorted and free of dots whatever the collection's own keys
 * are; those are kept in the JSON as `source_key`. Headers carry no time and no owner: the same samples give the same bytes.
 * @returns the number of samples written
 */
export async function writeWebDataset(
  dataset: Dataset,
  to: string,
  { maxPerShard = 1000, onShard, overwrite, onFailure }: WebDatasetOptions = {},
): Promise<number> {
  await makeFolder(to);
  const samples = dataset[Symbol.asyncIterator]();
  let written = 0;
  try {
    let next = await samples.next();
    for (let shard = 0; !next.done; shard++) {
      const name = `${String(shard).padStart(5, '0')}.tar`;
      const path = join(to, name);
      await refuseExisting(path, overwrite);
      await writeAtomic(path, async (write) => {
        const before = written;
        while (!next.done && written - before < maxPerShard) {
          refuseSource(next.value, to);
          const members = await membersOf(next.value, String(written).padStart(KEY_DIGITS, '0'), onFailure);
          for (const { name, bytes } of members) await writeMember(name, bytes, write);
          if (members.length > 0) written++;
          next = await samples.next();
        }
        await write(END_OF_ARCHIVE);
      });
      await onShard?.(name);
    }
  } finally {
    await samples.return?.();
  }
  return written;
}

interface Member {
  name: string;
  bytes: Uint8Array;
}

async function membersOf(sample: Sample, key: string, onFailure?: OnFailure): Promise<Member[]> {
  const file = await imageFile(sample, onFailure);
  if (!file) return [];
  const [first] = sample.captions;
  return [
    { name: `${key}.${file.extension}`, bytes: file.bytes },
    { name: `${key}.json`, bytes: Buffer.from(JSON.stringify(captionColumns(sample, sample.key))) },
    ...(first ? [{ name: `${key}.txt`, bytes: Buffer.from(first.text) }] : []),
  ];
}

/** Two empty blocks. Each member is packed by itself, so that the writer decides when the next one may follow. */
const END_OF_ARCHIVE = new Uint8Array(1024);

async function writeMember(name: string, bytes: Uint8Array, write: (chunk: Uint8Array) => Promise<void>) {
  const member = pack();
  member.entry({ name, mode: 0o644, uid: 0, gid: 0, mtime: new Date(0) }, bytes);
  member.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of member) chunks.push(chunk as Buffer);
  const whole = Buffer.concat(chunks);
  await write(whole.subarray(0, whole.length - END_OF_ARCHIVE.length));
}

/** The shard a picture lies in must not be replaced by the one it is being copied to. */
function refuseSource({ image }: Sample, to: string): void {
  const [shard, member] = image.name.split('.tar#', 2);
  if (member === undefined || dirname(resolve(shard)) !== resolve(to)) return;
  throw new RecaptionError('output-is-source', 'the shards would be written over the ones that are read', {
    place: to,
    hint: 'Name another folder to write to.',
  });
}
