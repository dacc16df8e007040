import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../files.ts';
import { encodePng, fromSigned, gridOf, type Image, psnr } from '../image/index.ts';
import { checkSize } from '../models/autoencoder/codec.ts';
import {
  type AutoencoderConfig,
  autoencoderConfigSchema,
  autoencoderLoss,
  decodePatches,
  encodePatches,
} from '../models/autoencoder/patch-autoencoder.ts';
import { parseConfig } from '../models/captioner-config.ts';
import { asSigned } from '../models/diffusion-transformer/process.ts';
import { saveWeights, writeJson } from '../models/model-folder.ts';
import { statePath, trainingLoop } from '../models/training/loop.ts';
import { gatherImages, type PreparedImage } from '../models/training/prepare.ts';
import { startRun } from '../models/training/run.ts';
import {
  type Closable,
  logMetrics,
  savedState,
  withOpened,
  writePreview,
} from '../models/training/run-folder.ts';
import { cosineSchedule, trainStep } from '../nn/index.ts';
import { compile, countParameters, type Device, input, params, type Weights } from '../tensor/index.ts';
import { pictureCard } from './picture-card.ts';
import { type Pictures, pixelPictures } from './pictures.ts';
import type { PictureEvent, PictureRun } from './train-pictures.ts';

const count = z.number().int().positive();

export const autoencoderFileSchema = z.strictObject({
  model: autoencoderConfigSchema.prefault({}),
  training: z
    .strictObject({
      batch: count.max(65_536).default(32),
      learningRate: z.number().positive().default(2e-3),
      warmup: z.number().int().nonnegative().default(100),
      weightDecay: z.number().nonnegative().default(0.01),
      clip: z.number().nonnegative().default(1),
      ema: z.number().min(0).max(0.99999).default(0.995),
      epochs: z.number().positive().default(20),
      validateEvery: count.default(250),
      validateImages: count.default(128),
    })
    .prefault({}),
});

/**
 * Trains an autoencoder and leaves a folder that `--latent` takes: config.json, model.safetensors (the best averaged weights), README.md,
 * preview.png (pictures above what comes back of them), metrics.jsonl, training-state.safetensors to go on from.
 * @throws RecaptionError `bad-config`, `run-exists`, `run-differs`, `bad-checkpoint`, `non-finite`, and those of readers and writers
 */
export async function* trainAutoencoder(options: PictureRun): AsyncGenerator<PictureEvent> {
  yield* withOpened((opened) => train(options, opened));
}

async function* train(options: PictureRun, opened: Closable[]): AsyncGenerator<PictureEvent> {
  const { out, seed, device, size, signal } = options;
  const saved = await savedState(statePath(out), options);
  const hint = 'docs/generating.md lists every key with its range and default.';
  const { model, training } = parseConfig(autoencoderFileSchema, options.config ?? {}, options.configPlace ?? 'config', hint); // biome-ignore format: one line
  checkSize(model, size);
  const pictures = await pixelPictures(size);
  opened.push(pictures.recorder.cache);
  const { images, validation, failed, failures } = yield* gatherImages(options, [pictures.recorder], {
    wordless: true,
    inside: 'previews',
  });
  if (signal.aborted) {
    yield { kind: 'done', step: 0, path: out, minutes: 0, failed, stopped: true };
    return;
  }
  const kept = validation.slice(0, training.validateImages);

  const batch = Math.min(training.batch, images.length);
  const tree = params();
  const { loss } = autoencoderLoss(tree, model, pictures.tensor(batch));
  const { learningRate, warmup, weightDecay, clip, ema } = training;
  const network = await trainStep({
    params: tree,
    loss,
    optimiser: { weightDecay, clip, ema },
    device,
    seed,
  });
  opened.push({ close: () => network.dispose() });
  const parameters = countParameters(tree.all);
  const run = startRun(network, saved, {
    options,
    epochs: training.epochs,
    images: images.length,
    perStep: batch,
    data: images,
  });
  yield {
    kind: 'plan',
    images: images.length,
    parameters,
    steps: run.clock.steps,
    resumedFrom: network.step,
  };

  const keep = async (measured?: number) => {
    await saveWeights(join(out, 'model.safetensors'), network.averaged(), tree.all, { metadata: { step: `${network.step}` } }); // biome-ignore format: one line
    await writeJson(out, 'config.json', { type: 'recaption-autoencoder', format: 1, model, training, seed, step: network.step }); // biome-ignore format: one line
    const what = `An autoencoder of patches: ${model.channels} numbers for every ${model.factor} × ${model.factor} pixels`;
    await writeFileAtomic(join(out, 'README.md'), pictureCard({ title: 'Autoencoder', what, command: 'train autoencoder', options, images: images.length, parameters, step: network.step, minutes: run.clock.seconds() / 60, psnr: measured })); // biome-ignore format: one line
  };
  const look = async function* (): AsyncGenerator<PictureEvent> {
    const shown = kept.length > 0 ? kept : images.slice(0, 16);
    const [originals, back] = await roundTrip(network.averaged(), model, shown, pictures, device);
    const png = await encodePng(gridOf([...originals.slice(0, 8), ...back.slice(0, 8)], { columns: Math.min(8, shown.length) })); // biome-ignore format: one line
    const path = await writePreview(out, network.step, png);
    yield { kind: 'preview', step: network.step, path };
    if (kept.length === 0) return;
    const measured = originals.reduce((sum, image, i) => sum + psnr(image, back[i]), 0) / originals.length;
    const isBest = run.improves(measured);
    if (isBest) await keep(measured);
    const report: PictureEvent = { kind: 'validation', step: network.step, minutes: run.clock.seconds() / 60, psnr: measured, best: isBest }; // biome-ignore format: one line
    await logMetrics(out, report);
    yield report;
  };

  yield* trainingLoop<PictureEvent>({
    network,
    run,
    seed,
    images: images.length,
    batch,
    learningRate,
    schedule: cosineSchedule(warmup),
    batchAt: ({ chosen }) => pictures.feed(chosen.map((i) => images[i].hash), batch), // biome-ignore format: one line
    fields: () => ({}),
    every: training.validateEvery,
    look,
  });
  if (run.best === undefined && network.step > 0) await keep();
  yield {
    kind: 'done',
    ...run.ending(),
    ...(run.best !== undefined && { psnr: run.best }),
    failed,
    ...(failures && { failures }),
  };
}

/** Pictures, and what comes back of them. */
async function roundTrip(
  weights: Weights,
  c: AutoencoderConfig,
  images: readonly PreparedImage[],
  pictures: Pictures,
  device: Device,
): Promise<[Image[], Image[]]> {
  const batch = Math.min(16, images.length);
  const { size } = pictures.grid;
  const tree = params();
  const [mean] = encodePatches(
    tree.at('encoder'),
    c,
    asSigned(input('pixels', [batch, size, size, 3], 'uint8')),
  );
  const program = await compile({ outputs: { out: decodePatches(tree.at('decoder'), c, mean) }, device });
  const [originals, back]: [Image[], Image[]] = [[], []];
  for (let at = 0; at < images.length; at += batch) {
    const part = images.slice(at, at + batch);
    const feeds = pictures.feed(part.map(({ hash }) => hash), batch); // biome-ignore format: one line
    const { out } = await program.run({ ...Object.fromEntries(weights), ...feeds });
    const numbers = part.length * size * size * 3;
    const pixels = feeds.pixels as Uint8Array;
    originals.push(...part.map((_, i) => ({ width: size, height: size, data: pixels.slice(i * size * size * 3, (i + 1) * size * size * 3) }))); // biome-ignore format: one line
    back.push(...fromSigned((out as Float32Array).subarray(0, numbers), size));
  }
  await program.dispose();
  return [originals, back];
}
