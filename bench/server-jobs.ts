/**
 * Captions a second through a server that answers after 100 ms, 64 at once, against the ideal of 640; and the job's memory over many pictures.
 *
 *     node bench/server-jobs.ts [--pictures 6400] [--many 100000] [--wait 100] [--concurrency 64]
 */
import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadCaptioner } from '../src/captioners/load.ts';
import type { Dataset } from '../src/data/index.ts';
import { encodePng } from '../src/image/index.ts';
import { captionCollection } from '../src/jobs/caption-job.ts';
import { random } from '../src/random.ts';
import { verdict } from './lib/lines.ts';

const { values } = parseArgs({
  options: {
    pictures: { type: 'string', default: '6400' },
    many: { type: 'string', default: '100000' },
    wait: { type: 'string', default: '100' },
    concurrency: { type: 'string', default: '64' },
    side: { type: 'string', default: '64' },
  },
});
const [pictures, many, wait, concurrency, side] = [values.pictures, values.many, values.wait, values.concurrency, values.side].map(Number); // biome-ignore format: one line
const scratch = await mkdtemp(join(tmpdir(), 'recaption-bench-server-'));
const server = fork(join(import.meta.dirname, 'lib/slow-server.ts'), [`${wait}`]);
const port = await new Promise((told) => server.once('message', told));
const captioner = await loadCaptioner(`openai:slow@http://127.0.0.1:${port}/v1`, {
  server: { concurrency, recipe: 'short' },
});
try {
  await run(256, 'warm-up');
  const { rate, whole } = await run(pictures, 'rate');
  const ideal = (1000 * concurrency) / wait;
  console.log(
    `${pictures} pictures of ${side} × ${side}, ${concurrency} at once, an answer after ${wait} ms`,
  );
  console.log(`${rate.toFixed(0)} a second of ${ideal}: ${(rate / ideal).toFixed(3)}, ${verdict(rate / ideal, { least: 0.95 })}`); // biome-ignore format: one line
  console.log(`with the file of the captions written in the end: ${(whole / ideal).toFixed(3)}`);
  if (many > 0) await run(many, 'memory', true);
} finally {
  server.kill();
  await rm(scratch, { recursive: true });
}

/** Pictures a second: until the last caption is safe in the journal, and of the whole job. */
async function run(count: number, name: string, memory = false): Promise<{ rate: number; whole: number }> {
  const started = performance.now();
  const perSecond = () => (1000 * count) / (performance.now() - started);
  let next = 0;
  let rate = 0;
  const megabytes: number[] = [];
  const job = captionCollection({ open: () => numbered(count), source: name, captioner, out: join(scratch, `${name}.jsonl`) }); // biome-ignore format: one line
  for await (const event of job) {
    if (event.kind !== 'progress') continue;
    if (event.failed > 0) throw new Error(`${event.failed} pictures failed`);
    rate = perSecond();
    if (!memory || event.done < next) continue;
    globalThis.gc?.();
    megabytes.push(process.memoryUsage().rss / 2 ** 20);
    next += count / 5;
  }
  if (memory) console.log(`${count.toLocaleString('en')} pictures: ${megabytes.map((mb) => mb.toFixed(0)).join(', ')} MB`); // biome-ignore format: one line
  return { rate, whole: perSecond() };
}

/** Pictures that lie in memory, encoded once. */
async function* numbered(count: number): Dataset {
  const draw = random(1, 'bench');
  const data = Uint8Array.from({ length: side * side * 3 }, () => draw.int(256));
  const bytes = await encodePng({ width: side, height: side, data });
  for (let i = 0; i < count; i++) yield { key: `${i}`, image: { name: `${i}.png`, bytes: async () => bytes }, captions: [] };
} // biome-ignore format: one line
