import { join } from 'node:path';
import { z } from 'zod';
import { RecaptionError } from '../errors.ts';
import { writeFileAtomic } from '../files.ts';
import { encodePng, gridOf, type Image, psnr } from '../image/index.ts';
import { type Codec, checkSize, openCodec } from '../models/autoencoder/codec.ts';
import { decoderDrawSchema, overlayOf, readDecoder } from '../models/autoencoder/decoder-codec.ts';
import { parseConfig } from '../models/captioner-config.ts';
import { diffusionConfigSchema } from '../models/diffusion-transformer/config.ts';
import { consistencyLoss } from '../models/diffusion-transformer/consistency.ts';
import { diffusionLoss, drawTimes } from '../models/diffusion-transformer/process.ts';
import { loadWeights, sameWeights, saveWeights, writeJson } from '../models/model-folder.ts';
import { type BatchPlace, statePath, trainingLoop } from '../models/training/loop.ts';
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
import { type Arrays, countParameters, params, type Weights } from '../tensor/index.ts';
import { pictureCard } from './picture-card.ts';
import { latentPictures, latentScale, type Pictures, pixelPictures } from './pictures.ts';
import { isTeachers, lessonTimes } from './teacher.ts';
import type { PictureEvent, PictureRun } from './train-pictures.ts';
import { largestPatch } from './train-setup.ts';

export interface DecoderRun extends PictureRun {
  /** The autoencoder whose latents are to be decoded. */
  latent?: string;
  /** A decoder to teach to draw in two steps what this one draws in many: its latents, its sizes. */
  teacher?: string;
}

const count = z.number().int().positive();
export const decoderFileSchema = z.strictObject({
  model: diffusionConfigSchema.prefault({}),
  training: z
    .strictObject({
      batch: count.max(65_536).default(32),
      learningRate: z.number().positive().default(1e-3),
      warmup: z.number().int().nonnegative().default(100),
      weightDecay: z.number().nonnegative().default(0.01),
      clip: z.number().nonnegative().default(1),
      ema: z.number().min(0).max(0.99999).default(0.995),
      epochs: z.number().positive().default(20),
      timeMean: z.number().min(-10).max(10).default(0),
      timeDeviation: z.number().positive().max(10).default(1.2),
      validateEvery: count.default(250),
      validateImages: count.default(48),
    })
    .prefault({}),
  draw: decoderDrawSchema.prefault({}),
});

const SCALED = 256;

/** The user's configuration, where it names no patch with the largest that fills a cell and leaves some twelve along a side. */
function withPatch(config: unknown, size: number, factor: number): unknown {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) return config;
  const { model } = config as { model?: object };
  return { ...config, model: { size, patch: largestPatch(factor, size / 12), ...model } };
}

/** How a pupil decodes: as the paper's decoder. */
const TWO_STEPS = { steps: 2, sampler: 'consistency', shift: 1 } as const;

/**
 * Trains the latent decoder of paper A (DALL·E 3, section 3.3) and leaves a folder that `--latent` takes in place of its autoencoder's:
 * config.json, model.safetensors, README.md, preview.png (pictures, the autoencoder's own, these), metrics.jsonl and the state to go on from.
 * @throws RecaptionError `bad-config`, `bad-model`, `run-exists`, `run-differs`, `bad-checkpoint`, `non-finite`, and those of readers and writers
 */
export async function* trainDecoder(options: DecoderRun): AsyncGenerator<PictureEvent> {
  yield* withOpened((opened) => train(options, opened));
}

async function* train(options: DecoderRun, opened: Closable[]): AsyncGenerator<PictureEvent> {
  const { out, seed, device, size, signal } = options;
  const saved = await savedState(statePath(out), options);
  const teacher = options.teacher === undefined ? undefined : await readDecoder(options.teacher);
  const hint = 'docs/generating.md lists every key with its range and default.';
  const ref = teacher?.latent.ref ?? options.latent;
  if (ref === undefined) throw new RecaptionError('bad-config', 'a decoder needs an autoencoder whose latents it decodes', { hint: 'Name one by --latent, or a decoder to learn from by --teacher.' }); // biome-ignore format: one line
  const codec = await openCodec(ref, { device });
  opened.push(codec);
  if (teacher) sameWeights('autoencoder', codec, teacher.latent.id);
  checkSize(codec, size);
  const file = parseConfig(decoderFileSchema, withPatch(options.config ?? {}, size, codec.factor), options.configPlace ?? 'config', hint); // biome-ignore format: one line
  const { training } = file;
  const own = teacher
    ? { ...teacher.model, leastInput: Math.max(0.1, teacher.model.leastInput) }
    : file.model;
  const model = { ...own, size, channels: 3, overlay: codec.channels };
  if (codec.factor % model.patch !== 0) throw new RecaptionError('bad-config', `patches of ${model.patch} pixels do not fill the cells of ${codec.factor} that are decoded`, { place: 'model.patch', hint: `Take a divisor of ${codec.factor}.` }); // biome-ignore format: one line
  const pixels = await pixelPictures(size);
  let latents = await latentPictures(codec, size);
  opened.push(pixels.recorder.cache, latents.recorder.cache);
  const { images, validation, failed, failures } = yield* gatherImages(
    options,
    [pixels.recorder, latents.recorder],
    { wordless: true, inside: 'previews' },
  );
  if (signal.aborted) {
    yield { kind: 'done', step: 0, path: out, minutes: 0, failed, stopped: true };
    return;
  }
  const kept = validation.slice(0, training.validateImages);
  const scale = teacher?.latent ?? latentScale(latents, images.slice(0, SCALED).map(({ hash }) => hash)); // biome-ignore format: one line
  latents = await latentPictures(codec, size, scale);
  opened.push(latents.recorder.cache);
  const draw = teacher ? { ...TWO_STEPS } : file.draw;

  const batch = Math.min(training.batch, images.length);
  const tree = params();
  const overlay = overlayOf(latents.tensor(batch), size, model.patch);
  const loss = teacher
    ? consistencyLoss(model, pixels.tensor(batch), {
        student: { net: tree, conditions: { overlay } },
        teacher: {
          net: tree.at('teacher'),
          config: { ...teacher.model, size, channels: 3 },
          conditions: { overlay },
          guided: false,
        },
      })
    : diffusionLoss(tree, model, pixels.tensor(batch), { overlay });
  const { learningRate, warmup, weightDecay, clip, ema } = training;
  const specs = new Map([...tree.all].filter(([path]) => !isTeachers(path)));
  const taught = teacher && (await loadWeights(join(options.teacher!, 'model.safetensors'), specs));
  const start: Weights | undefined = taught && new Map([...taught].flatMap(([path, values]) => [[path, values], [`teacher.${path}`, values]])); // biome-ignore format: one line
  const network = await trainStep({ params: tree, loss, optimiser: { weightDecay, clip, ema }, device, seed, frozen: isTeachers, weights: start }); // biome-ignore format: one line
  opened.push({ close: () => network.dispose() });
  const averaged = () => new Map([...network.averaged()].filter(([path]) => !isTeachers(path)));
  const parameters = countParameters(specs);
  /** What was last measured. */
  let last: { step: number; psnr: number } | undefined;
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
    await saveWeights(join(out, 'model.safetensors'), averaged(), specs, { dtype: 'F16', metadata: { step: `${network.step}` } }); // biome-ignore format: one line
    const latent = { ref: codec.ref, id: codec.id, mean: scale.mean, deviation: scale.deviation };
    await writeJson(out, 'config.json', { type: 'recaption-decoder', format: 1, model, training, draw, latent, seed, step: network.step }); // biome-ignore format: one line
    const what = `A diffusion decoder of the latents of ${codec.id}, which draws in ${draw.steps} steps`;
    await writeFileAtomic(join(out, 'README.md'), pictureCard({ title: 'Latent decoder', what, command: 'train decoder', options, images: images.length, parameters, step: network.step, minutes: run.clock.seconds() / 60, psnr: measured })); // biome-ignore format: one line
  };
  const look = async function* (): AsyncGenerator<PictureEvent> {
    await keep(); // the decoder is opened from its folder, as whoever uses it does
    const shown = kept.length > 0 ? kept : images.slice(0, 8);
    const { originals, base, drawn } = await decoded(out, codec, shown, { pixels, latents }, size);
    const first = <T>(list: T[]) => list.slice(0, 8);
    const png = await encodePng(gridOf([...first(originals), ...first(base), ...first(drawn)], { columns: Math.min(8, shown.length) })); // biome-ignore format: one line
    const path = await writePreview(out, network.step, png);
    yield { kind: 'preview', step: network.step, path };
    if (kept.length === 0) return;
    const measured = originals.reduce((sum, image, i) => sum + psnr(image, drawn[i]), 0) / originals.length;
    last = { step: network.step, psnr: measured };
    await keep(measured);
    const report: PictureEvent = { kind: 'validation', step: network.step, minutes: run.clock.seconds() / 60, psnr: measured, best: true }; // biome-ignore format: one line
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
    batchAt: ({ chosen, draw: source }: BatchPlace): Arrays => {
      const hashes = chosen.map((i) => images[i].hash);
      const { t, s } = teacher ? lessonTimes(source, batch, 1, 1) : { t: drawTimes(source, batch, { mean: training.timeMean, deviation: training.timeDeviation }), s: undefined }; // biome-ignore format: one line
      return { ...pixels.feed(hashes, batch), ...latents.feed(hashes, batch), t, ...(s && { s }) };
    },
    fields: () => ({}),
    every: training.validateEvery,
    look,
  });
  const measured = last?.step === network.step ? last.psnr : undefined;
  if (network.step > 0 && measured === undefined) await keep();
  yield {
    kind: 'done',
    ...run.ending(),
    ...(measured !== undefined && { psnr: measured }),
    failed,
    ...(failures && { failures }),
  };
}

/** Pictures, what the autoencoder itself makes of their latents, and what the decoder draws of these. */
async function decoded(
  folder: string,
  codec: Codec,
  shown: readonly PreparedImage[],
  { pixels, latents }: { pixels: Pictures; latents: Pictures },
  size: number,
): Promise<{ originals: Image[]; base: Image[]; drawn: Image[] }> {
  const hashes = shown.map(({ hash }) => hash);
  const bytes = pixels.feed(hashes, hashes.length).pixels as Uint8Array;
  const numbers = size * size * 3;
  const originals = hashes.map((_, i) => ({ width: size, height: size, data: bytes.slice(i * numbers, (i + 1) * numbers) })); // biome-ignore format: one line
  const grids = latents.raw(hashes);
  const decoder = await openCodec(folder);
  const side = size / codec.factor;
  const drawn = await decoder.decode(grids, side);
  await decoder.close();
  return { originals, base: await codec.decode(grids, side), drawn };
}
