/**
 * Pictures evaluated a second by CLIP, from files, against the bare encoder on decoded pictures; and the memory over many of them.
 *
 *     node bench/evaluate.ts [--clip REF] [--pictures 400] [--many 10000] [--source PHOTOS]
 *
 * Without --clip the encoder has the sizes of CLIP's ViT-B/32, and random weights: how fast it is does not depend on them.
 */
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openClip } from '../src/captioners/clip.ts';
import { openDataset, type Sample, writeDataset } from '../src/data/index.ts';
import { clipFeatures, distribution, pixelFeatures } from '../src/evaluate/distribution.ts';
import { clipMeasure } from '../src/evaluate/measures.ts';
import { decodeImage, type Image } from '../src/image/index.ts';
import { evaluatePictures } from '../src/jobs/evaluate-job.ts';
import { lookingOnce } from '../src/metrics/clip-score.ts';
import { captionerLoss } from '../src/models/captioner.ts';
import { captionerConfigSchema } from '../src/models/captioner-config.ts';
import { saveWeights, writeJson } from '../src/models/model-folder.ts';
import { initialise, params } from '../src/tensor/index.ts';
import { worldDataset } from '../src/world/index.ts';
import { verdict } from './lib/lines.ts';

const { values } = parseArgs({
  options: {
    clip: { type: 'string' },
    pictures: { type: 'string', default: '400' },
    'many-clip': { type: 'string', default: 'world' },
    many: { type: 'string', default: '10000' },
    source: { type: 'string' },
  },
});
const [pictures, many] = [values.pictures, values.many].map(Number);
const BATCH = 32;
const scratch = await mkdtemp(join(tmpdir(), 'recaption-bench-evaluate-'));
const encoder = await openClip(values.clip ?? (await randomViT(join(scratch, 'vit-b-32'))));
try {
  const source = values.source ?? join(scratch, 'scenes');
  if (!values.source) await writeDataset(worldDataset({ count: Math.max(pictures, many), seed: 77, size: 96 }), { to: source, format: 'webdataset' }); // biome-ignore format: one line
  const samples: Sample[] = [];
  for await (const sample of await openDataset(source)) samples.push(sample);
  // A collection that is too small is gone through several times; every time is a picture of its own.
  const cycle = (count: number) => Array.from({ length: count }, (_, i): Sample => ({ ...samples[i % samples.length], key: `${i}` })); // biome-ignore format: one line
  await evaluated(cycle(128));
  const rates = { bare: [] as number[], ours: [] as number[] };
  for (let round = 0; round < 3; round++) {
    rates.bare.push(await bare(cycle(pictures)));
    rates.ours.push((await evaluated(cycle(pictures))).rate);
  }
  const [own, alone] = [rates.ours, rates.bare].map((list) => list.toSorted((a, b) => a - b)[1]);
  console.log(`${pictures} pictures by ${encoder.id}, median of three rounds`);
  console.log(`bare encoder ${alone.toFixed(1)} pictures/s, evaluated from files ${own.toFixed(1)}: ${(own / alone).toFixed(3)}, ${verdict(own / alone, { least: 0.85 })}`); // biome-ignore format: one line
  if (many > 0) {
    const small = await openClip(values['many-clip']); // what is looked for is what stays in memory, not what the encoder takes
    const { megabytes, rate } = await evaluated(cycle(many), small, true);
    await small.close();
    console.log(`${many.toLocaleString('en')} pictures, with Fréchet distances, ${rate.toFixed(1)}/s: ${megabytes.map((mb) => mb.toFixed(0)).join(', ')} MB`); // biome-ignore format: one line
  }
} finally {
  await encoder.close();
  await rm(scratch, { recursive: true });
}

/** Pictures and prompts a second, as the encoder does them alone: the pictures are decoded before the clock runs. */
async function bare(all: readonly Sample[]): Promise<number> {
  let seconds = 0;
  for (let at = 0; at < all.length; at += BATCH) {
    const part = all.slice(at, at + BATCH);
    const images: Image[] = [];
    for (const { image } of part) images.push(await decodeImage(image.path ?? (await image.bytes()), { maxSide: encoder.resolution })); // biome-ignore format: one line
    const started = performance.now();
    await encoder.embedImages(images);
    await encoder.embedTexts(part.map(promptOf));
    seconds += (performance.now() - started) / 1000;
  }
  return all.length / seconds;
}

async function evaluated(
  all: readonly Sample[],
  by = encoder,
  whole = false,
): Promise<{ rate: number; megabytes: number[] }> {
  const clip = lookingOnce(by);
  const places = new Map(all.map(({ key }, i) => [key, i]));
  const megabytes: number[] = [];
  const started = performance.now();
  const job = evaluatePictures({
    prompts: all.map((sample) => ({ id: sample.key, prompt: promptOf(sample) })),
    pictures: async function* () {
      yield* all;
    },
    places,
    measures: [clipMeasure(clip)],
    distributions: whole ? [distribution(pixelFeatures()), distribution(clipFeatures(clip))] : [],
    against: whole ? (async function* () { yield* all.slice(0, BATCH); })() : undefined,
    about: {},
    seed: 1,
    signal: new AbortController().signal,
  }); // biome-ignore format: one line
  let next = 0;
  let last = started;
  for await (const event of job) {
    if (event.kind !== 'progress' || event.label !== 'evaluating') continue;
    last = performance.now();
    if (event.done < next) continue;
    megabytes.push(process.memoryUsage().rss / 2 ** 20);
    next += all.length / 5;
  }
  return { rate: (1000 * all.length) / (last - started), megabytes };
}

function promptOf({ captions }: Sample): string {
  return captions[0]?.text ?? 'a picture';
}

/** A captioner that was never trained, with the sizes of CLIP's ViT-B/32 (Radford et al. 2021, table 20); its text half has four layers in place of twelve. */
async function randomViT(folder: string): Promise<string> {
  const starter = join(import.meta.dirname, '../assets/captioners/starter');
  const model = captionerConfigSchema.parse({
    vision: { kind: 'patches', size: 224, patch: 32 },
    ...{ width: 768, heads: 12, imageLayers: 12, unimodalLayers: 4, multimodalLayers: 1, vocabulary: 2500, maxTokens: 24, contrastive: 1 }, // biome-ignore format: one line
  });
  const tree = params();
  captionerLoss(tree, model, { batch: 1, length: 1, captions: 1 });
  await mkdir(folder);
  await saveWeights(join(folder, 'model.safetensors'), initialise(tree.all, 1), tree.all);
  await writeJson(folder, 'config.json', { type: 'recaption-captioner', format: 1, id: 'ViT-B/32 of random weights', model }); // biome-ignore format: one line
  await copyFile(join(starter, 'tokenizer.json'), join(folder, 'tokenizer.json'));
  return folder;
}
