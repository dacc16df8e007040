import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Folder, temporaryFolder } from '../../test/helpers/collection.ts';
import { jsonLines, say } from '../../test/helpers/program.ts';

let folder: Folder;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

const rows = (...captions: string[]) =>
  captions
    .map((caption, id) => JSON.stringify({ id, caption, references: ['a brown dog on a sofa'] }))
    .join('\n');
const score = (...args: string[]) =>
  say('score', 'captions', ...args, '--tuples', '--metrics', 'bleu_1', '--draws', '50');

test('--tuples counts what captions say, true and hallucinated, and compares two sets', async () => {
  const file = await folder.write({ 'one.jsonl': rows('a dog', 'a dog on a couch') });
  const other = await folder.write({ 'other.jsonl': rows('a brown dog in a hat', 'a brown dog on a couch') });
  const { code, stdout } = await score(file, '--compare', other, '--per-image', '--json');
  expect(code).toBe(0);
  const [{ tuples }] = jsonLines(stdout);
  expect(tuples.metrics).toMatchObject({ True: 2, Hallucination: 0, Recall: 1 / 2, Recall_Attribute: 0 });
  expect(tuples.perImage[1]).toEqual({ words: 5, true: ['dog', 'couch', 'dog on couch'], hallucinated: [] });
  expect(tuples.compare.metrics).toMatchObject({ True: 3, Hallucination: 1 / 4, Recall_Attribute: 1 });
  expect(tuples.compare.differences.True.difference).toBe(1);
  expect(tuples.compare.perImage[0].hallucinated).toEqual(['hat', 'dog in hat']);
});

test('--tuples is a table for people', async () => {
  const { stdout } = await score(await folder.write({ 'one.jsonl': rows('a dog in a hat', 'a dog') }));
  expect(stdout).toMatch(/^2 images, by what their captions say; 95 % intervals/m);
  expect(stdout).toMatch(/^Hallucination +0\.5000 +0\.\d{4} to 0\.\d{4}$/m);
});

test('--tuples without references is refused', async () => {
  const file = await folder.write({ 'bare.jsonl': JSON.stringify({ id: 1, caption: 'a dog' }) });
  const { code, stderr } = await score(file);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^error: .*reference/);
});
