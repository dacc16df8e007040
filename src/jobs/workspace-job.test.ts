import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Folder, temporaryFolder } from '../../test/helpers/collection.ts';
import { fakeCaptioner, numberedPicture } from '../../test/helpers/fake-captioner.ts';
import { integrity } from '../../test/helpers/workspace.ts';
import type { Captioner } from '../captioners/captioner.ts';
import {
  type Catalog,
  importSources,
  listFailures,
  openCatalog,
  revertJob,
  statusOf,
} from '../data/catalog/index.ts';
import type { CaptionJobEvent } from './caption-job.ts';
import { cleanWorkspace } from './clean-job.ts';
import { captionWorkspace, type WorkspaceJobOptions } from './workspace-job.ts';

let folder: Folder;
let catalog: Catalog;
const photos = () => join(folder.path, 'photos');

beforeEach(async () => {
  folder = await temporaryFolder();
  await mkdir(photos());
  for (let n = 0; n < 10; n++) await writeFile(join(photos(), `p${n}.png`), await numberedPicture(n));
  catalog = await openCatalog(folder.path, { create: true });
  for await (const _ of importSources(catalog, [photos()]));
});
afterEach(async () => {
  catalog.close();
  await folder.remove();
});

/** A captioner that counts the pictures it was shown. */
function counting(more: Partial<Captioner> = {}) {
  const fake = fakeCaptioner(more);
  const seen: number[] = [];
  const caption = vi.fn(async (...[images, request]: Parameters<Captioner['caption']>) => {
    seen.push(...images.map(({ data }) => data[0]));
    return fake.caption(images, request);
  });
  return { seen, captioner: { ...fake, caption } };
}

async function run(more: Partial<WorkspaceJobOptions> = {}) {
  const events: CaptionJobEvent[] = [];
  for await (const event of captionWorkspace({ catalog, captioner: fakeCaptioner(), batch: 4, ...more }))
    events.push(event);
  const done = events.at(-1);
  if (done?.kind !== 'done') throw new Error('the last event is "done"');
  return { events, done };
}

const captions = (kind = 'short') =>
  catalog.db.all<{ key: string; text: string }>(
    'SELECT key, text FROM captions JOIN images ON images.id = image WHERE kind = ? AND state = 0 ORDER BY image',
    kind,
  );
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

test('every picture gets one caption, and the second run does nothing', async () => {
  const { events, done } = await run();
  expect(captions().map(({ text }) => text)).toEqual(numbers(0, 10).map((n) => `picture number ${n}`));
  expect(done).toMatchObject({ captioned: 10, added: 10, failed: 0, stopped: false });
  expect(events[0]).toMatchObject({ kind: 'plan', images: 10, done: 0, todo: 10 });
  expect(JSON.parse(JSON.stringify(events))).toEqual(events);
  const { captioner, seen } = counting();
  expect((await run({ captioner })).done).toMatchObject({ captioned: 10, added: 0 });
  expect(seen).toEqual([]);
  expect(statusOf(catalog).jobs).toHaveLength(2);
});

test('new pictures alone are captioned after another import', async () => {
  await run();
  await writeFile(join(photos(), 'p10.png'), await numberedPicture(10));
  for await (const _ of importSources(catalog, [photos()]));
  const { captioner, seen } = counting();
  await run({ captioner });
  expect(seen).toEqual([10]);
});

test('another captioner, kind or request is another recipe', async () => {
  await run();
  expect((await run({ captioner: fakeCaptioner({ id: 'fake@2' }) })).done.added).toBe(10);
  expect((await run({ captioner: fakeCaptioner({ kind: 'descriptive' }) })).done.added).toBe(10);
  expect((await run({ request: { beam: 2 } })).done.added).toBe(10);
  expect((await run({ request: { beam: 2, seed: undefined } })).done.added).toBe(0);
  expect(captions()).toHaveLength(10);
  expect(captions('descriptive')).toHaveLength(10);
});

test('a query chooses the pictures', async () => {
  await run({ where: 'key:p3 OR key:p7' });
  expect(captions().map(({ key }) => key)).toEqual(['p3', 'p7']);
  const { captioner, seen } = counting({ id: 'other' });
  await run({ captioner, where: 'no:short' });
  expect(seen).toHaveLength(8);
});

test('the first so many can be asked for, and the rest follows', async () => {
  await run({ limit: 3 });
  expect((await run({ limit: 3 })).done).toMatchObject({ added: 0 });
  expect(captions()).toHaveLength(3);
  const { captioner, seen } = counting();
  await run({ captioner });
  expect(seen).toEqual(numbers(3, 10));
});

test('stopped, it keeps whole batches, and the next run is the same job', async () => {
  const controller = new AbortController();
  const fake = fakeCaptioner();
  const caption: Captioner['caption'] = (images) => {
    controller.abort();
    return fake.caption(images);
  };
  const { done } = await run({ captioner: { ...fake, caption }, signal: controller.signal });
  expect(done).toMatchObject({ stopped: true, added: 4 });
  expect(statusOf(catalog).jobs[0]).not.toHaveProperty('finished');
  const { captioner, seen } = counting();
  expect((await run({ captioner })).events[0]).toMatchObject({ kind: 'plan', done: 4, todo: 6 });
  expect(seen).toEqual(numbers(4, 10));
  expect(statusOf(catalog).jobs).toHaveLength(2);
});

describe('a broken picture', () => {
  beforeEach(async () => {
    for await (const _ of importSources(catalog, [photos()], { look: false }));
    await writeFile(join(photos(), 'p5.png'), 'broken since');
  });

  test('is listed with its reason, and stops nothing', async () => {
    const { done } = await run();
    expect(done).toMatchObject({ captioned: 9, added: 9, failed: 1 });
    expect(listFailures(catalog)).toMatchObject([
      { key: 'p5', code: 'image-changed', place: join(photos(), 'p5.png') },
    ]);
  });

  test('is tried again where that is asked for, and only it', async () => {
    await run();
    const { captioner, seen } = counting();
    expect((await run({ captioner })).done).toMatchObject({ added: 0, failed: 1 });
    await writeFile(join(photos(), 'p5.png'), await numberedPicture(5));
    expect((await run({ captioner, overwrite: 'failed' })).done).toMatchObject({
      captioned: 10,
      added: 1,
      failed: 0,
    });
    expect(seen).toEqual([5]);
    expect(listFailures(catalog)).toEqual([]);
  });
});

test('always captions everything anew, once, also when it is stopped on the way', async () => {
  await run();
  const loud = fakeCaptioner();
  const caption: Captioner['caption'] = async (images) =>
    (await loud.caption(images)).map(({ text, score }) => ({ text: text.toUpperCase(), score }));
  const controller = new AbortController();
  const stopping: Captioner['caption'] = (images) => {
    controller.abort();
    return caption(images);
  };
  await run({ captioner: { ...loud, caption: stopping }, overwrite: 'always', signal: controller.signal });
  const { captioner, seen } = counting({ caption });
  await run({ captioner, overwrite: 'always' });
  expect(seen).toEqual(numbers(4, 10));
  expect(captions().map(({ text }) => text)).toEqual(numbers(0, 10).map((n) => `PICTURE NUMBER ${n}`));
  const [{ id }] = statusOf(catalog).jobs;
  for (const _ of revertJob(catalog, id));
  expect(captions().map(({ text }) => text)).toEqual(numbers(0, 10).map((n) => `picture number ${n}`));
  expect(integrity(catalog)).toBe('ok');
});

test('several batches are under way at once where that is asked for, and captions find their pictures', async () => {
  let [now, most] = [0, 0];
  const fake = fakeCaptioner();
  const caption: Captioner['caption'] = async (images) => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setTimeout(resolve, images[0].data[0] === 0 ? 30 : 5));
    now--;
    return fake.caption(images);
  };
  await run({ captioner: { ...fake, caption }, batch: 1, concurrency: 3 });
  expect(most).toBe(3);
  expect(captions().map(({ text }) => text)).toEqual(numbers(0, 10).map((n) => `picture number ${n}`));
});

test('a picture without words is a failure, not an empty caption', async () => {
  const caption: Captioner['caption'] = async (images) => images.map(() => ({ text: ' ', score: -1 }));
  expect((await run({ captioner: fakeCaptioner({ caption }) })).done).toMatchObject({ added: 0, failed: 10 });
  expect(statusOf(catalog).failures).toEqual([{ code: 'empty-caption', count: 10 }]);
});

test('when the captioner fails, the job fails, and what was done stays', async () => {
  const fake = fakeCaptioner();
  const caption: Captioner['caption'] = async (images) => {
    if (images[0].data[0] >= 4) throw new Error('the runtime gave up');
    return fake.caption(images);
  };
  await expect(run({ captioner: { ...fake, caption } })).rejects.toThrow('the runtime gave up');
  expect(captions()).toHaveLength(4);
  await run();
  expect(captions()).toHaveLength(10);
});

test('a job that was killed after its last batch is finished by the next run, and the one after begins anew', async () => {
  await run();
  await run({ overwrite: 'always' });
  catalog.db.run('UPDATE jobs SET finished = NULL WHERE id = 3');
  expect((await run({ overwrite: 'always' })).done).toMatchObject({ added: 0, captioned: 10 });
  expect((await run({ overwrite: 'always' })).done).toMatchObject({ added: 10 });
});

test('pictures that are all gone are told as they are met, and Ctrl-C is heard between them', async () => {
  catalog.db.run("UPDATE places SET path = path || '.gone'");
  const { events, done } = await run();
  expect(done).toMatchObject({ added: 0, failed: 10 });
  expect(events.filter(({ kind }) => kind === 'failure')).toHaveLength(10);
  const aborted = AbortSignal.abort();
  expect((await run({ overwrite: 'failed', signal: aborted })).done).toMatchObject({ stopped: true });
});

test('a picture whose file was written over is no failure once what is there now is imported', async () => {
  await run();
  await writeFile(join(photos(), 'p5.png'), await numberedPicture(500));
  expect((await run({ overwrite: 'always' })).done).toMatchObject({ added: 9, failed: 1 });
  for await (const _ of importSources(catalog, [photos()]));
  expect((await run()).done).toMatchObject({ captioned: 10, added: 1, failed: 0 });
  expect(listFailures(catalog)).toEqual([]);
});

test('a caption that hygiene refused is not done, is tried again on request, and so once more after that is taken back', async () => {
  const fake = fakeCaptioner();
  const sorry: Captioner['caption'] = async (images) =>
    images.map(() => ({ text: "I'm sorry, but I can't help.", score: -1 }));
  await run({ captioner: { ...fake, caption: sorry }, where: 'key:p1' });
  for await (const _ of cleanWorkspace({ catalog }));
  expect((await run({ where: 'key:p1' })).done).toMatchObject({ captioned: 0, added: 0, failed: 1 });
  expect((await run({ where: 'key:p1', overwrite: 'failed' })).done).toMatchObject({
    captioned: 1,
    added: 1,
    failed: 0,
  });
  for (const _ of revertJob(catalog, statusOf(catalog).jobs[0].id));
  expect((await run({ where: 'key:p1' })).done).toMatchObject({ added: 0, failed: 1 });
  expect((await run({ where: 'key:p1', overwrite: 'failed' })).done).toMatchObject({ added: 1, failed: 0 });
});

test('a second job of the same recipe is refused while the first runs', async () => {
  const fake = fakeCaptioner();
  const refused: unknown[] = [];
  const caption: Captioner['caption'] = async (images) => {
    if (refused.length === 0) refused.push(await run().catch((error) => error));
    return fake.caption(images);
  };
  await run({ captioner: { ...fake, caption } });
  expect(refused).toMatchObject([{ code: 'workspace-busy', hint: expect.stringContaining('.lock') }]);
  expect(captions()).toHaveLength(10);
});
