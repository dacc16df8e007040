import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Folder, temporaryFolder } from '../../test/helpers/collection.ts';
import { original, workspaceOf } from '../../test/helpers/workspace.ts';
import {
  addCaption,
  type Catalog,
  finishJob,
  historyOf,
  listFailures,
  recipeOf,
  revertJob,
  startJob,
} from '../data/catalog/index.ts';
import type { CaptionKind } from '../data/sample.ts';
import { RULE_NAMES } from '../text/hygiene/index.ts';
import { type CleanEvent, type CleanOptions, cleanWorkspace } from './clean-job.ts';

let folder: Folder;
let catalog: Catalog;
beforeEach(async () => {
  folder = await temporaryFolder();
  catalog = await workspaceOf(folder.path, { a: [original(' a  dog ')], b: [], c: [] });
  write({
    1: 'The image shows a dog on grass.',
    2: 'A cat on a sofa.',
    3: "I'm sorry, but I can't help with that.",
  });
});
afterEach(async () => {
  catalog.close();
  await folder.remove();
});

function write(texts: Record<number, string>, kind: CaptionKind = 'short'): void {
  const recipe = recipeOf(catalog, { captioner: 'talker@1', kind, request: {} }).id;
  const job = startJob(catalog, 'caption', {}, { recipe });
  for (const [image, text] of Object.entries(texts))
    addCaption(catalog, { image: Number(image), kind, text, author: 'talker@1' }, { job, recipe });
  finishJob(catalog, job);
}

async function clean(options: Partial<CleanOptions> = {}) {
  const events: CleanEvent[] = [];
  for await (const event of cleanWorkspace({ catalog, ...options })) events.push(event);
  const done = events.at(-1);
  if (done?.kind !== 'done') throw new Error('the last event is "done"');
  return { done, changes: events.filter((event) => event.kind === 'change') };
}

const current = (kind = 'short') =>
  catalog.db
    .all<{ text: string }>('SELECT text FROM captions WHERE state = 0 AND kind = ? ORDER BY image', kind)
    .map(({ text }) => text);

test('what captioners wrote is mended as new rows, and what came with the pictures is left alone', async () => {
  const { done } = await clean();
  expect(current()).toEqual(['A dog on grass.', 'A cat on a sofa.', '']);
  expect(current('alt')).toEqual([' a  dog ']);
  expect(done).toMatchObject({ captions: 3, changed: 2, refused: 1, byRule: { opening: 1, refusal: 1 } });
  expect(historyOf(catalog, 1).slice(1)).toMatchObject([
    { text: 'The image shows a dog on grass.', state: 'replaced' },
    { text: 'A dog on grass.', author: 'clean', task: 'clean', state: 'current', parent: 2 },
  ]);
});

test('originals are mended where that is asked for', async () => {
  await clean({ kinds: ['alt'] });
  expect(current('alt')).toEqual(['a dog']);
  expect(current()[0]).toBe('The image shows a dog on grass.');
});

test('a second cleaning finds nothing', async () => {
  await clean();
  expect((await clean()).done).toMatchObject({ captions: 2, changed: 0, refused: 0 });
});

test('a dry run tells the same changes, and writes nothing', async () => {
  const before = catalog.db.all('SELECT * FROM captions');
  const dry = await clean({ dryRun: true });
  expect(catalog.db.all('SELECT * FROM captions')).toEqual(before);
  expect(dry.done).not.toHaveProperty('job');
  expect((await clean()).changes).toEqual(dry.changes);
  expect(dry.changes[0]).toEqual({
    kind: 'change',
    key: 'a',
    captionKind: 'short',
    rules: ['opening'],
    before: 'The image shows a dog on grass.',
    after: 'A dog on grass.',
  });
});

test('only the rules that are named are applied', async () => {
  const { done } = await clean({ rules: ['refusal'] });
  expect(done.byRule).toEqual({ refusal: 1 });
  await expect(clean({ rules: ['grammar'] })).rejects.toMatchObject({
    code: 'unknown-rule',
    hint: expect.stringContaining(RULE_NAMES[0]),
  });
});

test('a caption that was refused is listed, so that the captioner can be asked again', async () => {
  await clean();
  expect(listFailures(catalog)).toMatchObject([
    { key: 'c', code: 'caption-refused', message: expect.stringContaining('refusal') },
  ]);
});

test('two cleanings at once are one too many', async () => {
  const first = cleanWorkspace({ catalog });
  await first.next();
  await expect(clean()).rejects.toMatchObject({ code: 'workspace-busy' });
  await first.return(undefined);
  expect((await clean()).done.captions).toBeGreaterThan(0);
});

test('an interrupted cleaning is taken up by a job of its own', async () => {
  const { done } = await clean({ rules: ['refusal'] });
  catalog.db.run('UPDATE jobs SET finished = NULL WHERE id = ?', done.job!);
  write({ 3: "I'm sorry, I can't." }, 'descriptive');
  const again = await clean({ rules: ['refusal'] });
  expect(again.done.job).not.toBe(done.job);
  expect(again.done).toMatchObject({ changed: 1 });
});

test('a refused caption of a picture that lies nowhere any more stops nothing', async () => {
  catalog.db.run('DELETE FROM places');
  expect((await clean()).done).toMatchObject({ refused: 1 });
  expect(listFailures(catalog)).toMatchObject([{ place: 'c', code: 'caption-refused' }]);
});

test('reverted, everything is as it was', async () => {
  const before = current();
  const { done } = await clean();
  for (const _ of revertJob(catalog, done.job!));
  expect(current()).toEqual(before);
});

test('an answer that suspiciously many pictures got is no caption', async () => {
  const many = await temporaryFolder();
  const pictures = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`p${i}`, []]));
  catalog.close();
  catalog = await workspaceOf(many.path, pictures);
  write(
    Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [i + 1, i < 20 ? `A man${i % 2 ? '.' : ''}` : `Picture ${i}.`]),
    ),
  );
  const { done } = await clean();
  expect(done).toMatchObject({ refused: 20, byRule: { 'repeated-answer': 20 } });
  expect(current().filter((text) => text !== '')).toHaveLength(80);
  await many.remove();
});

test('a cleaning that was interrupted lets no stuck answer off', async () => {
  const many = await temporaryFolder();
  catalog.close();
  catalog = await workspaceOf(
    many.path,
    Object.fromEntries(Array.from({ length: 1200 }, (_, i) => [`p${i}`, []])),
  );
  write(
    Object.fromEntries(
      Array.from({ length: 1200 }, (_, i) => [i + 1, i % 20 === 0 ? 'A man.' : `Picture ${i}.`]),
    ),
  );
  const controller = new AbortController();
  for await (const event of cleanWorkspace({ catalog, signal: controller.signal }))
    if (event.kind === 'progress') controller.abort();
  const before = current().filter((text) => text === 'A man.').length;
  expect(before).toBeGreaterThan(0);
  expect(before).toBeLessThan(60);
  expect((await clean()).done).toMatchObject({ refused: before });
  await many.remove();
});

test('a query chooses the pictures', async () => {
  expect((await clean({ where: 'key:c' })).done).toMatchObject({ captions: 1, refused: 1 });
});
