/**
 * Pictures a second of `loadImages` against bare sharp on the same files.
 *
 *     node bench/load.ts [FOLDER|SOURCE] [--size 224] [--pairs 5]
 *
 * Bare sharp: as many promises as libuv has threads, each `sharp(path).resize(…).raw().toBuffer()`, nothing else. Members of
 * shards are laid out as files for it first, outside the clock, while ours reads the shards. The two alternate; the ratio is
 * the median over the pairs.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { loadImages, openDataset } from '../src/data/index.ts';
import type { Dataset } from '../src/data/sample.ts';
import { encodeJpeg } from '../src/image/index.ts';
import { random } from '../src/random.ts';
import { median, verdict } from './lib/lines.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { size: { type: 'string', default: '224' }, pairs: { type: 'string', default: '5' } },
});
const side = Number(values.size);
const pairs = Number(values.pairs);
const threads = Number(process.env.UV_THREADPOOL_SIZE ?? 4);
const scratch = await mkdtemp(join(tmpdir(), 'recaption-bench-load-'));

try {
  console.log(
    `${cpus().length} cores, ${threads} libuv threads, to ${side} × ${side} pixels, ${pairs} pairs after a warm-up`,
  );
  for (const source of positionals.length > 0 ? positionals : await defaults()) await compare(source);
} finally {
  await rm(scratch, { recursive: true });
}

async function compare(source: string): Promise<void> {
  const dataset = await openDataset(source);
  const files = await asFiles(dataset);
  const ratios: number[] = [];
  for (let pair = 0; pair <= pairs; pair++) {
    // Whoever comes second finds the processor warmer: take turns.
    const order = pair % 2 === 0 ? [bare, ours] : [ours, bare];
    const rates = new Map<unknown, number>();
    for (const run of order) {
      const start = performance.now();
      const count = await (run === bare ? bare(files) : ours(dataset));
      if (count !== files.length) throw new Error(`${run.name} read ${count} of ${files.length} pictures`);
      rates.set(run, (1000 * count) / (performance.now() - start));
    }
    const [one, other] = [rates.get(ours)!, rates.get(bare)!];
    if (pair === 0) continue;
    ratios.push(one / other);
    console.log(
      `  loadImages ${one.toFixed(0)}/s, bare sharp ${other.toFixed(0)}/s, ratio ${(one / other).toFixed(3)}`,
    );
  }
  const ratio = median(ratios);
  console.log(
    `${source}: ${files.length} pictures, median ratio ${ratio.toFixed(3)}, ${verdict(ratio, { least: 0.85 })}`,
  );
}

async function ours(dataset: Dataset): Promise<number> {
  let count = 0;
  for await (const _ of loadImages(dataset, { size: { width: side, height: side } })) count++;
  return count;
}

async function bare(files: string[]): Promise<number> {
  let next = 0;
  let count = 0;
  const work = async () => {
    while (next < files.length) {
      await sharp(files[next++]).resize(side, side, { fit: 'fill' }).raw().toBuffer();
      count++;
    }
  };
  await Promise.all(Array.from({ length: threads }, work));
  return count;
}

async function asFiles(dataset: Dataset): Promise<string[]> {
  const files: string[] = [];
  for await (const { image } of dataset) {
    const path =
      image.path ?? join(scratch, `${files.length}-${image.name.replace(/[^\w.]+/g, '_').slice(-40)}`);
    if (!image.path) await writeFile(path, await image.bytes());
    files.push(path);
  }
  return files;
}

/** The shared photos and shards where they lie beside the checkout, otherwise noise of a photo's size. */
async function defaults(): Promise<string[]> {
  const shared = resolve(import.meta.dirname, '../../shared/data');
  const real = [join(shared, 'coco/photos'), join(shared, 'flickr8k/train-{00000..00001}.tar')];
  const there = await Promise.all(
    real.map((source) =>
      openDataset(source).then(
        () => source,
        () => undefined,
      ),
    ),
  );
  const found = there.filter((source) => source !== undefined);
  if (found.length > 0) return found;
  const folder = await mkdtemp(join(scratch, 'generated-'));
  const draw = random(1, 'bench-load');
  for (let i = 0; i < 200; i++) {
    const data = Uint8Array.from({ length: 640 * 480 * 3 }, () => draw.int(256));
    await writeFile(join(folder, `${1000 + i}.jpg`), await encodeJpeg({ width: 640, height: 480, data }, 80));
  }
  return [folder];
}
