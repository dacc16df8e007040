import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Folder, temporaryFolder } from '../../test/helpers/collection.ts';
import { fakeCaptioner, numberedPictures } from '../../test/helpers/fake-captioner.ts';
import type { Captioner } from '../captioners/captioner.ts';
import { openDataset } from '../data/index.ts';
import { type CaptionJobEvent, type CaptionJobOptions, captionCollection } from './caption-job.ts';

let folder: Folder;
let out: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  out = join(folder.path, 'captions.jsonl');
});
afterEach(() => folder.remove());

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

/** A captioner that counts the pictures it was shown. */
function counting(more: Partial<Captioner> = {}) {
  const fake = fakeCaptioner();
  const seen: number[] = [];
  const caption = vi.fn(async (...[images, request]: Parameters<Captioner['caption']>) => {
    seen.push(...images.map(({ data }) => data[0]));
    return fake.caption(images, request);
  });
  return { seen, captioner: { ...fake, caption, ...more } };
}

async function run(pictures: (number | null)[], more: Partial<CaptionJobOptions> = {}) {
  const events: CaptionJobEvent[] = [];
  const job = captionCollection({
    open: () => numberedPictures(pictures),
    source: '/photos',
    captioner: fakeCaptioner(),
    out,
    batch: 4,
    ...more,
  });
  for await (const event of job) events.push(event);
  const done = events.at(-1);
  if (done?.kind !== 'done') throw new Error('the last event is "done"');
  return { events, done };
}

/** Starts a job and aborts it after its first batch. */
async function runOneBatch(pictures: (number | null)[], more: Partial<CaptionJobOptions> = {}) {
  const controller = new AbortController();
  const fake = fakeCaptioner();
  const caption: Captioner['caption'] = (images, request) => {
    controller.abort();
    return fake.caption(images, request);
  };
  return run(pictures, { captioner: { ...fake, caption }, signal: controller.signal, ...more });
}

async function rows(path = out): Promise<Record<string, unknown>[]> {
  return (await readFile(path, 'utf8')).trimEnd().split('\n').map((line) => JSON.parse(line)); // biome-ignore format: one line
}

const captionsOf = async () => (await rows()).map(({ caption }) => caption);
const words = (numbers: number[]) => numbers.map((n) => `picture number ${n}`);

test('every picture gets one row, in the order of the collection', async () => {
  const { events, done } = await run([7, 5, 3, 1, 300]);
  expect(await captionsOf()).toEqual(words([7, 5, 3, 1, 300]));
  expect((await rows())[1]).toEqual({
    key: 'p001',
    image: 'p001.png',
    caption: 'picture number 5',
    kind: 'short',
    captioner: 'fake@1',
    score: -6 / 8,
  });
  expect(done).toMatchObject({ captioned: 5, added: 5, failed: 0, stopped: false });
  expect(events[0]).toMatchObject({ kind: 'plan', images: 5, done: 0, todo: 5 });
  expect((await readdir(folder.path)).sort()).toEqual(['captions.jsonl', 'captions.jsonl.recipe.json']);
});

test('events are plain data, and progress counts to the end', async () => {
  const { events } = await run(range(10), { now: () => 0 });
  expect(JSON.parse(JSON.stringify(events))).toEqual(events);
  const progress = events.filter((event) => event.kind === 'progress');
  expect(progress.map(({ done, total }) => [done, total])).toEqual([[4, 10], [8, 10], [10, 10]]); // biome-ignore format: one line
});

test('a stopped job keeps what is done, and the next run does only the rest', async () => {
  const { done } = await runOneBatch(range(10));
  expect(done).toMatchObject({ stopped: true, added: 4 });
  const { captioner, seen } = counting();
  const { events } = await run(range(10), { captioner });
  expect(events[0]).toMatchObject({ kind: 'plan', done: 4, todo: 6 });
  expect(seen).toEqual([4, 5, 6, 7, 8, 9]);
  expect(await captionsOf()).toEqual(words(range(10)));
});

test.each(['{"key":"p004","ima', '{"key":"p004"', '\0\0\0'])(
  'a torn last line %j is dropped',
  async (torn) => {
    await runOneBatch(range(10));
    await appendFile(`${out}.partial.jsonl`, torn);
    const { captioner, seen } = counting();
    await run(range(10), { captioner });
    expect(seen).toEqual([4, 5, 6, 7, 8, 9]);
    expect(await captionsOf()).toEqual(words(range(10)));
  },
);

test('while a job writes to an output, a second one is refused, and the first does not notice', async () => {
  const fake = fakeCaptioner();
  const refused: unknown[] = [];
  const caption: Captioner['caption'] = async (images, request) => {
    if (refused.length === 0) refused.push(await run(range(10)).catch((error) => error));
    return fake.caption(images, request);
  };
  await run(range(10), { captioner: { ...fake, caption } });
  expect(refused).toMatchObject([
    {
      code: 'output-busy',
      message: `process ${process.pid} is writing captions to this output`,
      place: `${out}.partial.jsonl`,
      hint: expect.stringContaining('another --out'),
    },
  ]);
  expect(await captionsOf()).toEqual(words(range(10)));
  expect(await readdir(folder.path)).toHaveLength(2);
});

test('a job that fails, or refuses to go on, lets go of its output', async () => {
  await writeFile(`${out}.partial.jsonl`, 'my notes\n');
  for (let i = 0; i < 2; i++) await expect(run([1])).rejects.toMatchObject({ code: 'journal-mismatch' });
  expect(await readdir(folder.path)).toEqual(['captions.jsonl.partial.jsonl']);
});

test('unfinished work of another recipe or source is refused and kept', async () => {
  await runOneBatch(range(10), { request: { beam: 3 } });
  const journal = await readFile(`${out}.partial.jsonl`, 'utf8');
  const refused = (more: Partial<CaptionJobOptions>) => expect(run(range(10), more)).rejects;
  await refused({ request: { beam: 4 } }).toMatchObject({
    code: 'journal-mismatch',
    message: expect.stringContaining('request.beam (there 3, now 4)'),
    place: `${out}.partial.jsonl`,
    hint: expect.stringContaining('--out'),
  });
  await refused({ request: { beam: 3 }, source: '/other' }).toMatchObject({ code: 'journal-mismatch' });
  await refused({ request: { beam: 3 }, captioner: fakeCaptioner({ id: 'fake@2' }) }).toMatchObject({
    code: 'journal-mismatch',
  });
  expect(await readFile(`${out}.partial.jsonl`, 'utf8')).toBe(journal);
  await run(range(10), { request: { beam: 3, topP: undefined } });
  expect(await captionsOf()).toHaveLength(10);
});

test('a file that is no journal is refused', async () => {
  await writeFile(`${out}.partial.jsonl`, 'my notes\n');
  await expect(run([1])).rejects.toMatchObject({ code: 'journal-mismatch' });
  await writeFile(`${out}.partial.jsonl`, '');
  await expect(run([1])).rejects.toMatchObject({ code: 'journal-mismatch' });
});

test('a finished output is complete: run again, nothing is done', async () => {
  await run(range(5));
  const before = await readFile(out, 'utf8');
  const { captioner, seen } = counting();
  const { done } = await run(range(5), { captioner });
  expect(done).toMatchObject({ captioned: 5, added: 0, stopped: false });
  expect(seen).toEqual([]);
  expect(await readFile(out, 'utf8')).toBe(before);
});

test('pictures that are new in the collection are added to a finished output', async () => {
  await run(range(5));
  const { captioner, seen } = counting();
  const { done } = await run(range(7), { captioner });
  expect(seen).toEqual([5, 6]);
  expect(done).toMatchObject({ captioned: 7, added: 2 });
  expect(await captionsOf()).toEqual(words(range(7)));
});

test('captions of pictures that have left the collection are kept, at the end', async () => {
  await run(range(5));
  const fewer = numberedPictures(range(6));
  const open = async function* () {
    for await (const sample of fewer) if (sample.key !== 'p001') yield sample;
  };
  await run([], { open });
  expect(await captionsOf()).toEqual(words([0, 2, 3, 4, 5, 1]));
});

test('a limit takes the first pictures; without it, the rest follows', async () => {
  await run(range(9), { limit: 5 });
  expect(await captionsOf()).toEqual(words(range(5)));
  const { captioner, seen } = counting();
  await run(range(9), { captioner });
  expect(seen).toEqual([5, 6, 7, 8]);
});

test('a finished output of another recipe is left alone', async () => {
  await run(range(3));
  await expect(run(range(3), { request: { beam: 5 } })).rejects.toMatchObject({
    code: 'output-mismatch',
    message: expect.stringContaining('request.beam'),
  });
  expect(await captionsOf()).toEqual(words(range(3)));
});

test("a file of the user's own is left alone", async () => {
  await writeFile(out, 'my diary');
  await expect(run(range(3))).rejects.toMatchObject({ code: 'output-exists', place: out });
  expect(await readFile(out, 'utf8')).toBe('my diary');
});

test('a broken picture is skipped, counted and listed; once it is mended, the next run captions it', async () => {
  const { done, events } = await run([0, null, 2]);
  const failures = join(folder.path, 'failures.jsonl');
  expect(done).toMatchObject({ captioned: 2, failed: 1, failures });
  expect(events.filter(({ kind }) => kind === 'failure')).toHaveLength(1);
  expect(await rows(failures)).toEqual([
    { key: 'p001', place: 'p001.png', code: 'image-unreadable', message: expect.any(String), output: out },
  ]);
  const { captioner, seen } = counting();
  const second = await run([0, 1, 2], { captioner });
  expect(second.done).toMatchObject({ captioned: 3, added: 1, failed: 0 });
  expect(seen).toEqual([1]);
  expect(await captionsOf()).toEqual(words([0, 1, 2]));
  expect(await readdir(folder.path)).not.toContain('failures.jsonl');
});

test('two outputs in one folder share the list of failures without losing each other', async () => {
  await run([null, 1]);
  await run([1, null], { out: join(folder.path, 'other.jsonl') });
  const listed = await rows(join(folder.path, 'failures.jsonl'));
  expect(listed.map(({ key }) => key)).toEqual(['p000', 'p001']);
});

test('failures that the source reports on every pass are told once', async () => {
  const failure = { key: 'x', place: 'a.tar#x.jpg', code: 'tar-corrupt', message: 'the archive is damaged' };
  const { events, done } = await run([], {
    open: (onFailure) => ({
      async *[Symbol.asyncIterator]() {
        onFailure(failure);
        yield* numberedPictures([1, 2]);
      },
    }),
  });
  expect(events.filter(({ kind }) => kind === 'failure')).toEqual([{ kind: 'failure', failure }]);
  expect(done).toMatchObject({ captioned: 2, failed: 1 });
});

test('a picture without words is a failure, not an empty caption', async () => {
  const caption: Captioner['caption'] = async (images) =>
    images.map(({ data }) => ({ text: data[0] === 1 ? '  ' : 'a dog', score: -1 }));
  const { done } = await run([0, 1, 2], { captioner: fakeCaptioner({ caption }) });
  expect(done).toMatchObject({ captioned: 2, failed: 1 });
  expect(await rows(join(folder.path, 'failures.jsonl'))).toMatchObject([
    { key: 'p001', code: 'empty-caption' },
  ]);
});

test('when the captioner itself fails, the job fails, and what was done stays', async () => {
  const fake = fakeCaptioner();
  const caption: Captioner['caption'] = async (images) => {
    if (images[0].data[0] >= 4) throw new Error('the runtime gave up');
    return fake.caption(images);
  };
  await expect(run(range(10), { captioner: { ...fake, caption } })).rejects.toThrow('the runtime gave up');
  const { captioner, seen } = counting();
  await run(range(10), { captioner });
  expect(seen).toEqual([4, 5, 6, 7, 8, 9]);
});

test('a line of a finished file that is no caption is named, and nothing is changed', async () => {
  await run(range(3));
  await appendFile(out, 'oops\n');
  await expect(run(range(4))).rejects.toMatchObject({ code: 'bad-caption-row', place: `${out}:4` });
});

test('the last line counts also when an editor has taken its new line away', async () => {
  await run(range(3));
  await writeFile(out, (await readFile(out, 'utf8')).replace('number 2', 'of a dog').trimEnd());
  await run(range(4));
  expect(await captionsOf()).toEqual([...words([0, 1]), 'picture of a dog', 'picture number 3']);
});

test('a folder that cannot be made is a sentence', async () => {
  await writeFile(join(folder.path, 'file'), '');
  await expect(run([1], { out: join(folder.path, 'file', 'captions.jsonl') })).rejects.toMatchObject({
    code: 'write-failed',
  });
});

test('sidecars stand beside copies of the pictures, in the folder of the output', async () => {
  const target = join(folder.path, 'sidecars');
  await run([4, 5], { out: target, format: 'sidecars' });
  expect(await readFile(join(target, 'p000.txt'), 'utf8')).toBe('picture number 4\n');
  await run([4, 5, 6], { out: target, format: 'sidecars' });
  expect(await readFile(join(target, 'p002.txt'), 'utf8')).toBe('picture number 6\n');
  expect(await rows(`${target}.jsonl`)).toHaveLength(3);
});

test('WebDataset shards are written when all is done', async () => {
  const target = join(folder.path, 'shards');
  const { done } = await run(range(6), { out: target, format: 'webdataset' });
  expect(done.stopped).toBe(false);
  expect((await readdir(target)).filter((name) => name.endsWith('.tar'))).toHaveLength(1);
});

test('shards of an earlier run are replaced when pictures have come, those of somebody else never', async () => {
  const target = join(folder.path, 'shards');
  await run(range(3), { out: target, format: 'webdataset' });
  await run(range(5), { out: target, format: 'webdataset' });
  const captions = [];
  for await (const sample of await openDataset(target)) captions.push(sample.captions[0].text);
  expect(captions).toEqual(words(range(5)));

  const foreign = join(folder.path, 'foreign');
  await mkdir(foreign);
  await writeFile(join(foreign, '00000.tar'), 'precious');
  const refused = run(range(3), { out: foreign, format: 'webdataset' });
  await expect(refused).rejects.toMatchObject({ code: 'output-exists' });
  expect(await readFile(join(foreign, '00000.tar'), 'utf8')).toBe('precious');
});
