/**
 * A workspace of a million pictures: rows imported a second, beside the same rows written by Python's sqlite3; milliseconds of every
 * kind of query and of the status; memory while it grows.
 *
 *     node bench/catalog.ts [--images 1000000] [--no-peer]
 *
 * The pictures are rows without pixels, made here: a hash, a key, a place, an alt text, and for every second one a description.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  addImages,
  findImages,
  historyOf,
  type NewImage,
  openCatalog,
  samplesOf,
  select,
  startJob,
  statusOf,
} from '../src/data/catalog/index.ts';
import { random } from '../src/random.ts';
import { python, verdict } from './lib/lines.ts';

const { values } = parseArgs({
  options: { images: { type: 'string', default: '1000000' }, 'no-peer': { type: 'boolean', default: false } },
});
const images = Number(values.images);
const BATCH = 256; // as an import does
const WORDS =
  'a the dog cat man woman red blue green runs sits over under on grass water street with ball hat'.split(
    ' ',
  );

/** Some words, drawn. */
function text(draw: ReturnType<typeof random>, least: number, most: number): string {
  return Array.from({ length: least + draw.int(most - least + 1) }, () => draw.pick(WORDS)).join(' ');
}

function* pictures(): Generator<NewImage> {
  const draw = random(1, 'catalog');
  for (let i = 0; i < images; i++) {
    const key = `${String(i >> 10).padStart(4, '0')}/${String(i).padStart(9, '0')}`;
    const captions: NewImage['captions'] = [
      { text: text(draw, 1, 12), kind: 'alt', source: 'file' },
      ...(i % 2 === 0 ? [{ text: text(draw, 20, 60), kind: 'descriptive' as const, source: 'file' }] : []),
    ];
    yield {
      key,
      hash: createHash('sha256').update(key).digest(),
      bytes: 50_000 + draw.int(200_000),
      width: 256 + draw.int(1024),
      height: 256 + draw.int(1024),
      format: 'jpeg',
      place: { path: `/photos/${key}.jpg`, modified: 1_700_000_000_000 + i },
      captions,
    };
  }
}

let rate = 0;
const folder = await mkdtemp(join(tmpdir(), 'recaption-bench-catalog-'));
try {
  const catalog = await openCatalog(folder, { create: true });
  const job = startJob(catalog, 'import', { sources: ['made up'] });
  const memory: number[] = [];
  let batch: NewImage[] = [];
  let seconds = 0;
  let done = 0;
  const flush = () => {
    const started = performance.now();
    addImages(catalog, batch, { job });
    seconds += (performance.now() - started) / 1000;
    done += batch.length;
    batch = [];
    if (done % (1024 * BATCH) === 0) memory.push(process.memoryUsage().rss / 2 ** 20);
  };
  for (const picture of pictures()) if (batch.push(picture) === BATCH) flush();
  flush();
  rate = images / seconds;
  console.log(`${images.toLocaleString('en')} pictures, ${(images * 1.5).toLocaleString('en')} captions`);
  console.log(
    `import: ${Math.round(rate).toLocaleString('en')} pictures a second, ${verdict(rate, { least: 20_000 })}`,
  );
  console.log(`memory as it grew: ${memory.map((mb) => mb.toFixed(0)).join(', ')} MB`);
  const { size } = await stat(join(folder, 'recaption.db'));
  console.log(`the file: ${(size / 2 ** 20).toFixed(0)} MB`);

  let slowest = 0;
  const time = async (name: string, work: () => unknown) => {
    const started = performance.now();
    const found = await work();
    const ms = performance.now() - started;
    slowest = Math.max(slowest, ms);
    console.log(`  ${ms.toFixed(0).padStart(5)} ms  ${name}: ${found}`);
  };
  await time('status', () => `${statusOf(catalog).images} pictures`);
  for (const query of [
    'kind:alt length<5 no:descriptive',
    'has:alt no:short',
    '"red ball"',
    'text:a*ball',
    'NOT text:dog',
    'kind:descriptive (text:dog OR text:cat) NOT text:water',
    'width>=1000 height>=1000 size>200k',
    'key:0042/*',
    'path:000123456',
    'twin:yes OR failed:yes',
    'author:file chars>250',
    '(has:descriptive OR length>8) -hat',
  ])
    await time(query, async () => {
      const found = select(catalog, { where: query });
      let shown = 0;
      for await (const _ of samplesOf(catalog, found, 20)) shown++;
      found.drop();
      return `${found.size} pictures, ${shown} shown`;
    });
  await time(
    'captions KEY',
    () => `${historyOf(catalog, findImages(catalog, '0042/000043500')[0].id).length} captions`,
  );
  console.log(`slowest: ${slowest.toFixed(0)} ms, ${verdict(slowest, { most: 1000 })}`);
  catalog.close();
} finally {
  await rm(folder, { recursive: true });
}

if (!values['no-peer']) {
  const peer = python('catalog', { images });
  const theirs = images / (await peer.ask('seconds'));
  console.log(
    `Python's sqlite3, plain tables of the same rows: ${Math.round(theirs).toLocaleString('en')} pictures a second, ratio ${(rate / theirs).toFixed(2)}`,
  );
  peer.close();
}
