import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { temporaryFolder } from '../../test/helpers/collection.ts';
import { fakeCaptioner, numberedPictures } from '../../test/helpers/fake-captioner.ts';
import { captionCollection } from './caption-job.ts';

let room = Number.POSITIVE_INFINITY;

/** A disk with room for so many appends; the next one is cut in the middle, as a real disk does it. */
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const open: typeof real.open = async (...args) => {
    const file = await real.open(...args);
    const append = file.appendFile.bind(file) as (data: Uint8Array) => Promise<void>;
    file.appendFile = (async (data: Uint8Array) => {
      if (room-- > 0) return append(data);
      await append(data.subarray(0, data.length >> 1));
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    }) as FileHandle['appendFile'];
    return file;
  };
  return { ...real, open };
});

test('a full disk is a sentence, and when there is room again the job goes on where it was', async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder.remove());
  const out = join(folder.path, 'captions.jsonl');
  const numbers = Array.from({ length: 12 }, (_, i) => i);
  const run = async () => {
    const events = [];
    const options = {
      open: () => numberedPictures(numbers),
      source: '/photos',
      captioner: fakeCaptioner(),
      out,
    };
    for await (const event of captionCollection({ ...options, batch: 4 })) events.push(event);
    return events;
  };
  room = 1;
  await expect(run()).rejects.toMatchObject({
    code: 'disk-full',
    hint: expect.stringContaining('same command'),
  });
  room = Number.POSITIVE_INFINITY;
  const events = await run();
  const [plan] = events;
  expect(plan).toMatchObject({ kind: 'plan', images: 12 });
  // The first batch was whole; what was written of the second one has been taken back.
  expect(plan.kind === 'plan' && plan.done).toBe(4);
  expect(events.at(-1)).toMatchObject({ kind: 'done', captioned: 12 });
});
