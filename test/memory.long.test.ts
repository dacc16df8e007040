import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test } from 'vitest';
import { captionCollection } from '../src/jobs/caption-job.ts';
import { temporaryFolder } from './helpers/collection.ts';
import { fakeCaptioner, numberedPictures } from './helpers/fake-captioner.ts';

const PICTURES = 20_000;
/** Pictures after which caches, pools and compiled code have the size that they keep. */
const WARM = 4_000;
const MEGABYTE = 2 ** 20;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Bytes that are in use, and bytes that the process has from the system. */
function memory() {
  collectGarbage();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { used: heapUsed + external, rss };
}

test('twenty thousand pictures take no more memory than four thousand, but for a few words about each', async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder.remove());
  const numbers = Array.from({ length: PICTURES }, (_, i) => i);
  const job = captionCollection({
    open: () => numberedPictures(numbers),
    source: '/photos',
    captioner: fakeCaptioner(),
    out: `${folder.path}/captions.jsonl`,
    batch: 50,
  });
  const measured: ReturnType<typeof memory>[] = [];
  let items = 0;
  for await (const event of job) {
    if (event.kind === 'item' && ++items % WARM === 0) measured.push(memory());
    if (event.kind === 'done') expect(event).toMatchObject({ captioned: PICTURES, failed: 0 });
  }
  const [warm, ...later] = measured;
  expect(later).toHaveLength(PICTURES / WARM - 1);
  // The journal keeps the place of each row, some 200 bytes; one picture as it is decoded would be more than that.
  for (const { used, rss } of later) {
    expect((used - warm.used) / MEGABYTE).toBeLessThan(8);
    expect((rss - warm.rss) / MEGABYTE).toBeLessThan(64);
  }
});
