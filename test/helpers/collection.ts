/** Small collections on disk, for tests. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pack } from 'tar-stream';
import type { ReadOptions } from '../../src/data/dataset.ts';
import type { Dataset, Failure, Sample } from '../../src/data/sample.ts';
import { encodePng } from '../../src/image/encode.ts';

/** A tiny PNG whose pixels all have this value, 0–255. */
export function picture(value: number): Promise<Uint8Array> {
  return encodePng({ width: 4, height: 3, data: new Uint8Array(36).fill(value) });
}

export interface Folder {
  path: string;
  /** Writes files, making folders on the way; returns the path of the last. */
  write(files: Record<string, string | Uint8Array>): Promise<string>;
  remove(): Promise<void>;
}

/** A folder of its own for a test, or for the tests of a file; whoever asks for it removes it. */
export async function temporaryFolder(): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), 'recaption-test-'));
  return {
    path,
    async write(files) {
      let full = path;
      for (const [name, content] of Object.entries(files)) {
        full = join(path, name);
        await mkdir(dirname(full), { recursive: true });
        await writeFile(full, content);
      }
      return full;
    },
    remove: () => rm(path, { recursive: true, force: true }),
  };
}

/** A tar archive of these members, in this order; a name may occur twice. */
export async function tarOf(members: [name: string, content: string | Uint8Array][]): Promise<Buffer> {
  const archive = pack();
  for (const [name, content] of members) archive.entry({ name }, Buffer.from(content));
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Everything a dataset has, and everything it complained of. */
export async function readAll(open: (options: ReadOptions) => Dataset | Promise<Dataset>) {
  const failures: Failure[] = [];
  const samples: Sample[] = [];
  for await (const sample of await open({ onFailure: (failure) => failures.push(failure) }))
    samples.push(sample);
  const captions = Object.fromEntries(
    samples.map(({ key, captions }) => [key, captions.map(({ text }) => text)]),
  );
  return { samples, captions, failures, codes: failures.map(({ code }) => code) };
}
