import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Folder, temporaryFolder } from '../../../test/helpers/collection.ts';
import { addPictures, integrity, original, workspaceOf } from '../../../test/helpers/workspace.ts';
import type { CaptionKind } from '../sample.ts';
import {
  addCaption,
  addDerived,
  addFailure,
  type Catalog,
  finishJob,
  historyOf,
  listFailures,
  openCatalog,
  recipeOf,
  revertJob,
  selectSamples,
  startJob,
  statusOf,
  turnOf,
} from './index.ts';

let folder: Folder;
let catalog: Catalog;
beforeEach(async () => {
  folder = await temporaryFolder();
  catalog = await workspaceOf(folder.path, {
    a: [original('a dog'), original('a brown dog')],
    b: [original(' a cat ')],
  });
});
afterEach(async () => {
  catalog.close();
  await folder.remove();
});

/** A job in which a captioner writes one caption of the picture; returns its number. */
function captionBy(
  captioner: string,
  text: string,
  { kind = 'short' as CaptionKind, image = 1, again = false } = {},
) {
  const recipe = recipeOf(catalog, { captioner, kind, request: { beam: 3 } }).id;
  const job = startJob(catalog, 'caption', { captioner, text }, { recipe });
  const added = addCaption(
    catalog,
    { image, kind, text, author: captioner, score: -1 },
    { job, recipe, again },
  );
  finishJob(catalog, job);
  return { job, recipe, added };
}

function cleanLast(text: string) {
  const job = startJob(catalog, 'clean', { text });
  addDerived(catalog, historyOf(catalog, 1).at(-1)!.id, text, { author: 'clean', job });
  finishJob(catalog, job);
  return job;
}

/** Takes a job back; how many captions of how many pictures. */
function revert(job: number) {
  const done = [...revertJob(catalog, job)].at(-1);
  if (done?.kind !== 'reverted') throw new Error('the last event is "reverted"');
  return { captions: done.captions, images: done.images };
}

async function current(key = 'a'): Promise<string[]> {
  for await (const sample of selectSamples(catalog))
    if (sample.key === key) return sample.captions.map(({ text }) => text);
  throw new Error(`no ${key}`);
}

test('captions come back as they were given, originals first', async () => {
  captionBy('starter@1', 'dog');
  expect(await current()).toEqual(['a dog', 'a brown dog', 'dog']);
  expect(await current('b')).toEqual([' a cat ']);
  expect(historyOf(catalog, 1).at(-1)).toMatchObject({
    kind: 'short', text: 'dog', author: 'starter@1', request: { beam: 3 }, score: -1, task: 'caption', state: 'current',
  }); // biome-ignore format: one line
});

test('importing the same once more adds nothing, and what is new in it is added', () => {
  expect(addPictures(catalog, { a: [original('a dog')], b: [original(' a cat ')] })).toEqual({
    images: 0,
    captions: 0,
    copies: 0,
  });
  expect(addPictures(catalog, { a: [original('a hound')] })).toEqual({ images: 0, captions: 1, copies: 0 });
});

test('two pictures of one key keep both, the second under another name', async () => {
  const picture = { bytes: 1, captions: [], hash: new Uint8Array(32).fill(171) };
  const { addImages } = await import('./images.ts');
  addImages(catalog, [{ ...picture, key: 'a', place: { path: '/other/a.jpg', modified: 1 } }], { job: 1 });
  const keys = [];
  for await (const { key } of selectSamples(catalog)) keys.push(key);
  expect(keys).toEqual(['a', 'b', 'a~abababababab']);
});

describe('a recipe', () => {
  test('is the same whatever the order of its fields, and another with another seed', () => {
    const of = (request: object) => recipeOf(catalog, { captioner: 'x', kind: 'short', request }).hash;
    expect(of({ seed: 1, beam: 3 })).toBe(of({ beam: 3, seed: 1, topP: undefined }));
    expect(of({ seed: 2, beam: 3 })).not.toBe(of({ seed: 1, beam: 3 }));
  });

  test('keeps what is nested in a request', () => {
    const { id, hash } = recipeOf(catalog, {
      captioner: 'x',
      kind: 'short',
      request: { prompt: { text: 'one' } },
    });
    const other = recipeOf(catalog, { captioner: 'x', kind: 'short', request: { prompt: { text: 'two' } } });
    expect(other.hash).not.toBe(hash);
    expect(catalog.db.get('SELECT request FROM recipes WHERE id = ?', id)).toEqual({
      request: '{"prompt":{"text":"one"}}',
    });
  });

  test('captions a picture once', () => {
    expect(captionBy('starter@1', 'dog').added).toBe(true);
    expect(captionBy('starter@1', 'another dog').added).toBe(false);
    expect(captionBy('starter@2', 'a hound').added).toBe(true);
  });
});

describe('a later caption of the kind', () => {
  test('takes the place of what a captioner wrote, not of what came with the picture', async () => {
    captionBy('one', 'dog');
    captionBy('two', 'hound');
    captionBy('one', 'a dog on grass', { kind: 'descriptive' });
    expect(await current()).toEqual(['a dog', 'a brown dog', 'hound', 'a dog on grass']);
    expect(historyOf(catalog, 1).map(({ state }) => state)).toEqual([
      'current',
      'current',
      'replaced',
      'current',
      'current',
    ]);
  });

  test('may come from the same recipe where that is asked for', async () => {
    captionBy('one', 'dog');
    captionBy('one', 'hound', { again: true });
    expect(await current()).toEqual(['a dog', 'a brown dog', 'hound']);
  });
});

test('a caption that is in use no more is not derived from', () => {
  captionBy('one', ' dog');
  const { id } = historyOf(catalog, 1).at(-1)!;
  const job = startJob(catalog, 'clean', {});
  expect(addDerived(catalog, id, 'dog', { author: 'clean', job })).toBe(true);
  expect(addDerived(catalog, id, 'dog', { author: 'clean', job })).toBe(false);
  expect(historyOf(catalog, 1).map(({ text }) => text)).toEqual(['a dog', 'a brown dog', ' dog', 'dog']);
});

test('what people wrote is theirs, also where a captioner wrote the same', async () => {
  const { job } = captionBy('one', 'a hound', { kind: 'human' });
  expect(addPictures(catalog, { a: [original('a hound', 'human')] }).captions).toBe(1);
  revert(job);
  expect(await current()).toEqual(['a dog', 'a brown dog', 'a hound']);
});

describe('reverting a job', () => {
  test('brings back what stood before', async () => {
    captionBy('one', 'dog');
    const { job } = captionBy('two', 'hound');
    expect(revert(job)).toEqual({ captions: 1, images: 1 });
    expect(await current()).toEqual(['a dog', 'a brown dog', 'dog']);
    expect(
      historyOf(catalog, 1)
        .map(({ text, state }) => [text, state])
        .at(-1),
    ).toEqual(['hound', 'withdrawn']);
  });

  test('leaves what another captioner wrote later', async () => {
    const { job } = captionBy('one', 'dog');
    captionBy('two', 'hound');
    revert(job);
    expect(await current()).toEqual(['a dog', 'a brown dog', 'hound']);
  });

  test('takes along what was made from its captions', async () => {
    captionBy('zero', 'animal');
    const { job } = captionBy('one', 'the image shows a dog');
    cleanLast('a dog, cleaned');
    expect(await current()).toEqual(['a dog', 'a brown dog', 'a dog, cleaned']);
    expect(revert(job)).toEqual({ captions: 2, images: 1 });
    expect(await current()).toEqual(['a dog', 'a brown dog', 'animal']);
  });

  test('a cleaning alone is undone too, also one that left no words', async () => {
    captionBy('one', "I'm sorry");
    const job = cleanLast('');
    expect(await current()).toEqual(['a dog', 'a brown dog']);
    revert(job);
    expect(await current()).toEqual(['a dog', 'a brown dog', "I'm sorry"]);
  });

  test('the newest standing caption is the one in use, whatever is reverted in whatever order', async () => {
    const jobs = ['one', 'two', 'three'].map((name) => captionBy(name, name).job);
    revert(jobs[1]);
    expect((await current()).at(-1)).toBe('three');
    revert(jobs[2]);
    expect((await current()).at(-1)).toBe('one');
    revert(jobs[0]);
    expect(await current()).toEqual(['a dog', 'a brown dog']);
    expect(revert(jobs[0])).toEqual({ captions: 0, images: 0 });
    expect(captionBy('one', 'one again').added).toBe(true);
    expect(integrity(catalog)).toBe('ok');
  });

  test('forgets its failures, so that its pictures are tried again', () => {
    const { job, recipe } = captionBy('one', 'dog');
    const failure = { key: 'b', place: '/photos/b.jpg', code: 'image-missing', message: 'gone' };
    addFailure(catalog, failure, { job, recipe, image: 2 });
    revert(job);
    expect(listFailures(catalog)).toEqual([]);
  });

  test('waits for nobody: while the job runs, it is refused', () => {
    const { job } = captionBy('one', 'dog');
    const { hash } = catalog.db.get<{ hash: string }>('SELECT hash FROM recipes')!;
    const endTurn = turnOf(catalog, 'caption', hash);
    expect(() => revert(job)).toThrow(expect.objectContaining({ code: 'workspace-busy' }));
    endTurn();
    expect(revert(job)).toEqual({ captions: 1, images: 1 });
  });

  test('an import stays, and a job that is not there is named', () => {
    expect(() => revert(1)).toThrow(expect.objectContaining({ code: 'not-revertible' }));
    expect(() => revert(99)).toThrow(
      expect.objectContaining({ code: 'no-job', message: expect.stringContaining('99') }),
    );
  });
});

test('a failure stands until the recipe has captioned the picture', () => {
  const recipe = recipeOf(catalog, { captioner: 'one', kind: 'short', request: { beam: 3 } }).id;
  const failure = {
    key: 'a',
    place: '/photos/a.jpg',
    code: 'image-missing',
    message: 'there is no such picture',
  };
  addFailure(catalog, failure, { job: 1, recipe, image: 1 });
  addFailure(catalog, { ...failure, code: 'image-truncated' }, { job: 1, recipe, image: 1 });
  expect(statusOf(catalog).failures).toEqual([{ code: 'image-truncated', count: 1 }]);
  expect(listFailures(catalog)).toMatchObject([{ key: 'a', code: 'image-truncated' }]);
  captionBy('one', 'dog');
  expect(listFailures(catalog)).toEqual([]);
});

test('an unfinished job of the same task and details is taken up', () => {
  const first = startJob(catalog, 'clean', { rules: ['spaces'] });
  expect(startJob(catalog, 'clean', { rules: ['spaces'] })).toBe(first);
  expect(startJob(catalog, 'clean', { rules: ['opening'] })).not.toBe(first);
  finishJob(catalog, first);
  expect(startJob(catalog, 'clean', { rules: ['spaces'] })).not.toBe(first);
});

test('the status counts what is in use', () => {
  const { job } = captionBy('one', 'a dog on grass', { kind: 'descriptive' });
  const { images, bytes, copies, kinds, jobs } = statusOf(catalog);
  expect({ images, bytes, copies }).toEqual({ images: 2, bytes: 3000, copies: 0 });
  expect(kinds).toEqual([
    { kind: 'alt', captions: 3, images: 2, words: 7 / 3 },
    { kind: 'descriptive', captions: 1, images: 1, words: 4 },
  ]);
  expect(jobs[0]).toMatchObject({
    id: job,
    task: 'caption',
    captioner: 'one',
    kind: 'descriptive',
    captions: 1,
    standing: 1,
  });
});

describe('a folder that cannot be opened as a workspace', () => {
  test('has none', async () => {
    await expect(openCatalog(join(folder.path, 'elsewhere'))).rejects.toMatchObject({
      code: 'no-workspace',
      hint: expect.stringContaining('recaption import'),
    });
  });

  test('has a damaged one', async () => {
    const other = await temporaryFolder();
    await writeFile(join(other.path, 'recaption.db'), 'my diary, and no database at all '.repeat(40));
    await expect(openCatalog(other.path)).rejects.toMatchObject({ code: 'catalog-corrupt' });
    await other.remove();
  });

  test('has one from the future', async () => {
    catalog.db.exec('PRAGMA user_version = 99');
    await expect(openCatalog(folder.path)).rejects.toMatchObject({ code: 'catalog-newer' });
  });
});
