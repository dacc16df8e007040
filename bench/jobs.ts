/**
 * What a captioning job costs over bare batched decoding: the same pictures through the same captioner, once by a job in a workspace
 * and once in a plain loop that forgets what it hears. Then the job's memory over many pictures.
 *
 *     node bench/jobs.ts [--pictures 1000] [--pairs 5] [--captioner starter] [--many 100000]
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Captioner } from '../src/captioners/captioner.ts';
import { loadCaptioner } from '../src/captioners/load.ts';
import { type Catalog, importSources, openCatalog, selectSamples } from '../src/data/catalog/index.ts';
import { type Dataset, loadImages, writeDataset } from '../src/data/index.ts';
import { encodePng } from '../src/image/index.ts';
import { batches } from '../src/jobs/caption-job.ts';
import { captionWorkspace } from '../src/jobs/workspace-job.ts';
import { random } from '../src/random.ts';
import { worldDataset } from '../src/world/index.ts';
import { median, verdict } from './lib/lines.ts';

const { values } = parseArgs({
  options: {
    pictures: { type: 'string', default: '1000' },
    pairs: { type: 'string', default: '5' },
    captioner: { type: 'string', default: 'starter' },
    many: { type: 'string', default: '100000' },
  },
});
const [pictures, pairs, many] = [Number(values.pictures), Number(values.pairs), Number(values.many)];
const scratch = await mkdtemp(join(tmpdir(), 'recaption-bench-jobs-'));
const captioner = await loadCaptioner(values.captioner);
try {
  const source = join(scratch, 'scenes');
  await writeDataset(worldDataset({ count: pictures, size: 128, seed: 1 }), {
    to: source,
    format: 'webdataset',
  });
  const catalog = await openCatalog(scratch, { create: true });
  for await (const _ of importSources(catalog, [source], { look: false }));
  await bare(catalog);
  console.log(`${pictures} pictures, ${captioner.id}, ${pairs} pairs`);
  const ratios: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const order = pair % 2 === 0 ? [job, bare] : [bare, job];
    const seconds = new Map<typeof job, number>();
    for (const side of order) {
      const started = performance.now();
      await side(catalog);
      seconds.set(side, (performance.now() - started) / 1000);
    }
    const [ours, plain] = [seconds.get(job)!, seconds.get(bare)!];
    ratios.push(ours / plain);
    console.log(
      `  job ${ours.toFixed(2)} s, plain loop ${plain.toFixed(2)} s, ratio ${(ours / plain).toFixed(3)}`,
    );
  }
  console.log(
    `job over plain loop: median ${median(ratios).toFixed(3)}, ${verdict(median(ratios), { most: 1.05 })}`,
  );
  catalog.close();
  await memory();
} finally {
  await captioner.close();
  await rm(scratch, { recursive: true });
}

/** Captions everything and keeps nothing. */
async function bare(catalog: Catalog): Promise<void> {
  const loaded = loadImages(selectSamples(catalog), { maxSide: captioner.resolution });
  for await (const batch of batches(loaded, captioner.batch))
    await captioner.caption(batch.map(({ image }) => image));
}

async function job(catalog: Catalog): Promise<void> {
  for await (const _ of captionWorkspace({ catalog, captioner, overwrite: 'always' }));
}

/** Many small pictures from import to captions, by a captioner that takes no time: what grows is ours. */
async function memory(): Promise<void> {
  const source = join(scratch, 'many');
  await writeDataset(manyPictures(), { to: source, format: 'webdataset' });
  const folder = join(scratch, 'many-work');
  await mkdir(folder);
  const catalog = await openCatalog(folder, { create: true });
  const megabytes = () => {
    globalThis.gc?.();
    return process.memoryUsage().rss / 2 ** 20;
  };
  const [imported, captioned] = [[megabytes()], [megabytes()]];
  for await (const event of importSources(catalog, [source]))
    if (event.kind === 'progress' && event.seen % (many / 5) < 256) imported.push(megabytes());
  const silent: Captioner = {
    ...captioner,
    id: 'silent',
    resolution: 8,
    caption: async (images) =>
      images.map(({ data }) => ({ text: `picture ${data.slice(0, 4).join(' ')}`, score: 0 })),
  };
  let rate = 0;
  for await (const event of captionWorkspace({ catalog, captioner: silent })) {
    if (event.kind !== 'progress') continue;
    rate = event.imagesPerSecond;
    if (event.done % (many / 5) < silent.batch) captioned.push(megabytes());
  }
  const tell = (values: number[]) => values.map((mb) => mb.toFixed(0)).join(', ');
  console.log(`${many.toLocaleString('en')} pictures: import ${tell(imported)} MB`);
  console.log(`… captioning, ${rate.toFixed(0)} a second: ${tell(captioned)} MB`);
  catalog.close();
}

/** Pictures of 8 × 8 pixels, no two alike. */
async function* manyPictures(): Dataset {
  const draw = random(1, 'many');
  for (let i = 0; i < many; i++) {
    const data = Uint8Array.from({ length: 192 }, () => draw.int(256));
    const bytes = await encodePng({ width: 8, height: 8, data });
    yield { key: `${i}`, image: { name: `${i}.png`, bytes: async () => bytes }, captions: [] };
  }
}
