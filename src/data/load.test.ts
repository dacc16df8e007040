import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Folder, picture, tarOf, temporaryFolder } from '../../test/helpers/collection.ts';
import { loadImages } from './load.ts';
import { openDataset } from './open.ts';
import type { Failure } from './sample.ts';

let folder: Folder;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

const noisy = async (side: number) => {
  const data = Uint8Array.from({ length: side * side * 3 }, (_, i) => Math.imul(i, 2654435761) >>> 13);
  return sharp(data, { raw: { width: side, height: side, channels: 3 } })
    .jpeg()
    .toBuffer();
};

test.each(['files', 'a shard'])(
  'pictures of %s come decoded, in the order of the collection',
  async (form) => {
    const names = Array.from({ length: 40 }, (_, i) => `${String(i).padStart(3, '0')}.png`);
    const pictures = await Promise.all(names.map((_, i) => picture(i)));
    const entries = names.map((name, i): [string, Uint8Array] => [name, pictures[i]]);
    await folder.write(form === 'files' ? Object.fromEntries(entries) : { 'x.tar': await tarOf(entries) });
    const values: number[] = [];
    for await (const { sample, image } of loadImages(await openDataset(folder.path), {
      size: { width: 2, height: 5 },
      ahead: 7,
    })) {
      expect([image.width, image.height]).toEqual([2, 5]);
      expect(Number(sample.key)).toBe(image.data[0]);
      values.push(image.data[0]);
    }
    expect(values).toEqual(names.map((_, i) => i));
  },
);

test('truncated, mislabelled and empty pictures are skipped, and listed in their turn', async () => {
  const whole = await noisy(40);
  await folder.write({
    'a.jpg': whole,
    'b.jpg': whole.subarray(0, whole.length >> 1),
    'c.jpg': 'this is a letter',
    'd.jpg': whole,
    'e.png': '',
  });
  const failures: Failure[] = [];
  const log: string[] = [];
  const onFailure = (failure: Failure) => {
    failures.push(failure);
    log.push(`failed ${failure.key}`);
  };
  for await (const { sample } of loadImages(await openDataset(folder.path), { onFailure }))
    log.push(sample.key);
  expect(log).toEqual(['a', 'failed b', 'failed c', 'd', 'failed e']);
  expect(failures.map(({ code, place }) => [code, place])).toEqual([
    ['image-truncated', join(folder.path, 'b.jpg')],
    ['image-unreadable', join(folder.path, 'c.jpg')],
    ['image-empty', join(folder.path, 'e.png')],
  ]);
});

describe('a main thread that is busy', () => {
  test('does not keep pictures from being decoded', async () => {
    const bytes = await noisy(500);
    await folder.write(Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`${100 + i}.jpg`, bytes])));
    const images = loadImages(await openDataset(folder.path), { maxSide: 400, ahead: 24 });
    await images.next();
    await new Promise(setImmediate);
    const waiting = sharp.counters().queue;
    // A training step: not a single callback can run.
    const until = performance.now() + 20_000;
    while (sharp.counters().queue > 0 && performance.now() < until);
    expect(waiting).toBeGreaterThan(4); // more than there are threads, or nothing would be shown
    expect(sharp.counters().queue).toBe(0);
    await images.return(undefined);
  });
});

test('leaving early leaves nothing running', async () => {
  const bytes = await noisy(200);
  await folder.write(Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`${i}.jpg`, bytes])));
  for await (const _ of loadImages(await openDataset(folder.path), { maxSide: 50 })) break;
  expect(sharp.counters()).toEqual({ queue: 0, process: 0 });
});

test('without a target size few pictures are held', async () => {
  const bytes = await picture(1);
  await folder.write(Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`${i}.png`, bytes])));
  let read = 0;
  const counted = async function* () {
    for await (const sample of await openDataset(folder.path)) {
      read++;
      yield sample;
    }
  };
  const images = loadImages(counted());
  await images.next();
  await new Promise((done) => setTimeout(done, 20));
  expect(read).toBeLessThan(8);
  await images.return(undefined);
});
