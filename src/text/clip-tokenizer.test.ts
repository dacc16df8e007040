import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Folder, temporaryFolder } from '../../test/helpers/collection.ts';
import { sharedData } from '../../test/shared.ts';
import { loadClipTokenizer } from './clip-tokenizer.ts';

let folder: Folder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const files = sharedData('tokenizers', 'clip');
const golden = sharedData('tokenizers', 'expected.json');

test.skipIf(files === undefined || golden === undefined)(
  "gives the ids that CLIP's own program gives, whatever the script (skipped where the shared data is missing)",
  async () => {
    const tokenizer = await loadClipTokenizer(files!);
    const expected = JSON.parse(readFileSync(golden!, 'utf8')) as { text: string; clip_ids: number[] }[];
    for (const { text, clip_ids: ids } of expected)
      expect([text, ...tokenizer.encode(text)]).toEqual([text, ...ids]);
  },
);

test('a folder without the two files, or with others, is told', async () => {
  await expect(loadClipTokenizer(folder.path)).rejects.toMatchObject({ code: 'file-not-found' });
  await folder.write({ 'merges.txt': '#version: 0.2\na b</w>\n', 'vocab.json': '{"a": ' });
  await expect(loadClipTokenizer(folder.path)).rejects.toMatchObject({ code: 'bad-tokenizer' });
  await folder.write({ 'vocab.json': '{"a": 0}' });
  await expect(loadClipTokenizer(folder.path)).rejects.toMatchObject({ code: 'bad-tokenizer' });
  await folder.write({ 'vocab.json': 'null' });
  await expect(loadClipTokenizer(folder.path)).rejects.toMatchObject({ code: 'bad-tokenizer' });
});
