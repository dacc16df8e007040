import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CaptionKind, Failure } from '../data/sample.ts';
import { RecaptionError } from '../errors.ts';
import { writeError, writeFileAtomic } from '../files.ts';
import { scoreCaptions } from '../metrics/index.ts';
import { captionerLoss } from '../models/captioner.ts';
import { type CaptionerConfig, parseCaptionerFile, type TrainingConfig } from '../models/captioner-config.ts';
import { loadState, saveState, saveWeights, weightCount, writeJson } from '../models/model-folder.ts';
import type { VisionEncoder } from '../models/vision/encoder.ts';
import { cosineSchedule, type TrainStep, trainStep } from '../nn/index.ts';
import { random, streamKey } from '../random.ts';
import { type Device, params, type Weights } from '../tensor/index.ts';
import { trainBpe } from '../text/bpe.ts';
import { createTokenizer, loadTokenizer, type Tokenizer } from '../text/tokenizer.ts';
import {
  epochOrder,
  featureFeeder,
  type ImageFeeder,
  packCaptions,
  pixelFeeder,
  type TokenisedImage,
} from './batches.ts';
import { modelCard } from './model-card.ts';
import { captionNetwork, specialTokens } from './network.ts';
import { featureRecorder, type PreparedImage, pixelRecorder, prepareImages } from './prepare.ts';
import type { TrainEvent } from './train-events.ts';
import { openVisions } from './vision.ts';

export interface TrainCaptionerOptions {
  /** Collections with captions, in any form that `openDataset` reads. */
  data: string[];
  /** Scored while it trains. Without it the last weights are kept instead of the best. */
  val?: string;
  /** Model folder to make. */
  out: string;
  /** `{ model, training }`, as read from the user's JSON; every key is optional. */
  config?: unknown;
  /** Frozen encoders to see through; none means vision trained here, on pixels. */
  vision: string[];
  /** Learn captions of this kind only. Default: all. */
  kind?: CaptionKind;
  epochs?: number;
  steps?: number;
  /** Wall-clock minutes for the loop, validation included; reading and features before it are not counted. */
  minutes?: number;
  seed: number;
  device: Device;
  resume: boolean;
  /** Finish the current step, save, and end with `stopped: true`. */
  signal: AbortSignal;
}

/** Seconds between saves of the state to resume from. */
const SAVE_EVERY = 120;

/**
 * Trains a captioner and leaves a model folder: config.json, model.safetensors (the best averaged weights), tokenizer.json,
 * README.md, metrics.jsonl, and training-state.safetensors to go on from.
 * @throws RecaptionError `no-captions`, `bad-config`, `run-exists`, `bad-checkpoint`, `non-finite` and those of readers.
 */
export async function* trainCaptioner(options: TrainCaptionerOptions): AsyncGenerator<TrainEvent> {
  const { out, seed, device, signal } = options;
  const statePath = join(out, 'training-state.safetensors');
  const saved = await savedState(statePath, options);
  const { model, training } = parseCaptionerFile(options.config, 'config');
  const warnings: TrainEvent[] = [];
  const onFailure = ({ code, message, place }: Failure) =>
    warnings.push({ kind: 'warning', code, message, place });

  const encoders = await openVisions(options.vision, device);
  const config = withVision(model, encoders);
  if (options.kind) config.kind = options.kind;
  const side = config.vision.kind === 'frozen' ? 0 : config.vision.size;
  const stored = training.minCrop < 1 ? Math.round(side * 1.25) : side; // a margin to crop from
  const recorders =
    encoders.length > 0 ? await Promise.all(encoders.map(featureRecorder)) : [await pixelRecorder(stored)];

  const prepared = { onFailure, signal, kind: options.kind };
  const images = yield* prepareImages(options.data, recorders, { ...prepared, flip: training.flip });
  const validation = options.val
    ? yield* prepareImages([options.val], recorders, { ...prepared, flip: false })
    : [];
  yield* warnings.splice(0);
  if (signal.aborted) {
    yield { kind: 'done', step: 0, path: out, minutes: 0, stopped: true };
    return;
  }

  await mkdir(out, { recursive: true }).catch((error) => {
    throw writeError(out, error);
  });
  const tokenizer = saved ? await loadTokenizer(join(out, 'tokenizer.json')) : learnTokenizer(images, config);
  config.vocabulary = tokenizer.vocabSize;
  const special = specialTokens(tokenizer);
  const tokenised = images.map(
    (image): TokenisedImage => ({
      ...image,
      tokens: image.captions.map((caption) => tokenizer.encode(caption)),
      sided: image.captions.some((caption) => /\b(left|right)\b/i.test(caption)),
    }),
  );
  const cut = tokenised
    .flatMap(({ tokens }) => tokens)
    .filter((tokens) => tokens.length >= config.maxTokens).length;
  if (cut > 0) {
    const message = `${cut} caption(s) are longer than ${config.maxTokens} tokens and were cut`;
    yield { kind: 'warning', code: 'caption-cut', message };
  }
  const feeder: ImageFeeder =
    encoders.length > 0
      ? featureFeeder(
          recorders.map(({ cache }, i) => ({ cache, groups: encoders[i].groups })),
          training.flip,
        )
      : pixelFeeder(recorders[0].cache, stored, side, training);

  const batch = Math.min(training.batch, images.length);
  const tree = params();
  const { loss, caption, contrastive } = captionerLoss(tree, config, {
    batch,
    length: training.packedTokens,
    captions: training.captionsPerImage,
  });
  const { learningRate, warmup, weightDecay, clip, ema, accumulate } = training;
  const network: TrainStep = await trainStep({
    params: tree,
    loss,
    metrics: { caption, contrastive },
    optimiser: { weightDecay, clip, ema },
    accumulate,
    device,
    seed,
  });

  const perEpoch = Math.max(1, Math.floor(images.length / (batch * accumulate)));
  const total = options.steps ?? Math.ceil((options.epochs ?? training.epochs) * perEpoch);
  const budget = options.minutes === undefined ? undefined : options.minutes * 60;
  let best = -1;
  let before = 0; // seconds trained in earlier sessions
  if (saved) {
    network.restore(saved.state);
    best = Number(saved.metadata.best);
    before = Number(saved.metadata.seconds);
    await trimMetrics(out, network.step);
  } else {
    await writeJson(out, 'tokenizer.json', tokenizer.toJSON());
  }
  yield {
    kind: 'plan',
    images: images.length,
    captions: tokenised.reduce((sum, { tokens }) => sum + tokens.length, 0),
    parameters: weightCount(tree.all.values()),
    steps: total,
    resumedFrom: network.step,
  };

  const start = performance.now();
  const seconds = () => before + (performance.now() - start) / 1000;
  const progress = () => (budget === undefined ? network.step / total : seconds() / budget);
  const schedule = cosineSchedule(warmup);
  const card = {
    options,
    config,
    training,
    images: images.length,
    encoders,
    parameters: weightCount(tree.all.values()),
  };
  const save = async (): Promise<TrainEvent> => {
    await saveState(statePath, network.state(), {
      best: `${best}`,
      seconds: `${seconds()}`,
      run: runName(options),
    });
    return { kind: 'checkpoint', step: network.step, path: statePath };
  };
  const keep = async (ciderD?: number) => {
    const meta = { ...card, step: network.step, minutes: seconds() / 60, ciderD };
    await saveWeights(join(out, 'model.safetensors'), network.averaged(), tree.all, {
      metadata: { step: `${network.step}` },
    });
    const vision = encoders.map(({ ref, id, groups }) => ({ ref, id, groups }));
    await writeJson(out, 'config.json', {
      type: 'recaption-captioner',
      format: 1,
      model: config,
      vision,
      training,
      seed,
      step: network.step,
    });
    await writeFileAtomic(join(out, 'README.md'), modelCard(meta));
  };

  let savedAt = seconds();
  let rate = 0; // images per second, smoothed
  const order = { epoch: -1, indices: new Int32Array() };
  const batchAt = (micro: number) => {
    const number = network.step * accumulate + micro;
    const epoch = Math.floor(number / (perEpoch * accumulate));
    if (order.epoch !== epoch)
      Object.assign(order, { epoch, indices: epochOrder(images.length, seed, epoch) });
    const first = (number % (perEpoch * accumulate)) * batch;
    const chosen = Array.from(order.indices.subarray(first, first + batch), (i) => tokenised[i]);
    const draw = random(seed, 'batch', number);
    const text = packCaptions(chosen, config, { ...training, batch }, special, draw);
    const vision = feeder.feed(chosen, batch, { draw, sided: (i) => chosen[i].sided });
    return { ...(accumulate > 1 ? structuredClone(vision) : vision), ...text };
  };

  while (progress() < 1 && !signal.aborted) {
    const stepStart = performance.now();
    const batches = Array.from({ length: accumulate }, (_, micro) => batchAt(micro));
    const factor = schedule(network.step, progress());
    const result = await network.run(batches, learningRate * factor, streamKey(seed, 'step', network.step));
    const elapsed = (performance.now() - stepStart) / 1000;
    const now = (batch * accumulate) / elapsed;
    rate = rate === 0 ? now : 0.95 * rate + 0.05 * now;
    const { step } = network;
    const event: TrainEvent = {
      kind: 'step',
      step,
      steps: budget === undefined ? total : Math.round(step / Math.max(progress(), 1e-9)),
      epoch: step / perEpoch,
      loss: result.loss,
      captionLoss: result.metrics.caption,
      contrastiveLoss: result.metrics.contrastive,
      learningRate: learningRate * factor,
      gradientNorm: result.gradientNorm,
      imagesPerSecond: rate,
      secondsLeft: budget === undefined ? ((total - step) * batch * accumulate) / rate : budget - seconds(),
    };
    await logMetrics(out, event);
    yield event;

    const ended = progress() >= 1;
    const due = Math.max(1, Math.round(training.validateEvery * perEpoch));
    if (validation.length > 0 && (ended || step % due === 0)) {
      const scored = await validate(
        config,
        network.averaged(),
        tokenizer,
        feeder,
        validation.slice(0, training.validateImages),
        training,
        device,
      );
      const isBest = scored.ciderD > best;
      if (isBest) {
        best = scored.ciderD;
        await keep(best);
      }
      const report: TrainEvent = { kind: 'validation', step, ...scored, best: isBest };
      await logMetrics(out, report);
      yield report;
    }
    if (seconds() - savedAt > SAVE_EVERY) {
      savedAt = seconds();
      yield await save();
    }
  }

  if (network.step > 0) yield await save();
  if (validation.length === 0 || best < 0) await keep();
  const finished: TrainEvent = {
    kind: 'done',
    step: network.step,
    path: out,
    minutes: seconds() / 60,
    ciderD: best >= 0 ? best : undefined,
    stopped: signal.aborted && progress() < 1,
  };
  await network.dispose();
  for (const { cache } of recorders) await cache.close();
  for (const encoder of encoders) await encoder.close();
  yield finished;
}

function withVision(model: CaptionerConfig, encoders: VisionEncoder[]): CaptionerConfig {
  if (encoders.length === 0) {
    if (model.vision.kind === 'frozen') {
      throw new RecaptionError('bad-config', 'frozen vision needs an encoder', {
        place: 'model.vision',
        hint: 'Name one or more with --vision, or choose "patches" or "pyramid".',
      });
    }
    return structuredClone(model);
  }
  const groups = encoders.flatMap((encoder) =>
    encoder.groups.map((group) => ({ encoder: encoder.id, ...group })),
  );
  return { ...structuredClone(model), vision: { kind: 'frozen', groups } };
}

function learnTokenizer(images: PreparedImage[], config: CaptionerConfig): Tokenizer {
  return createTokenizer(
    trainBpe(
      images.flatMap(({ captions }) => captions),
      { vocabSize: config.vocabulary },
    ),
  );
}

/** What must be the same for a run to go on. */
function runName({
  data,
  val,
  config,
  vision,
  kind,
  epochs,
  steps,
  minutes,
  seed,
}: TrainCaptionerOptions): string {
  return JSON.stringify({ data, val, config, vision, kind, epochs, steps, minutes, seed });
}

async function savedState(path: string, options: TrainCaptionerOptions) {
  const saved = await loadState(path).catch((error) => {
    if (error instanceof RecaptionError && error.code === 'file-not-found') return undefined;
    throw error;
  });
  if (!saved) return undefined;
  if (!options.resume) {
    throw new RecaptionError('run-exists', 'a training run is already in this folder', {
      place: options.out,
      hint: 'Add --resume to go on with it, or name another --out.',
    });
  }
  if (saved.metadata.run !== runName(options)) {
    throw new RecaptionError('run-differs', 'the run in this folder was started with other options', {
      place: options.out,
      hint: `It was started with ${saved.metadata.run}`,
    });
  }
  return saved;
}

/** CIDEr-D and BLEU-4 of captions for images that it was not trained on, with a few of them to look at. */
async function validate(
  config: CaptionerConfig,
  weights: Weights,
  tokenizer: Tokenizer,
  feeder: ImageFeeder,
  images: PreparedImage[],
  { beam }: TrainingConfig,
  device: Device,
) {
  const network = await captionNetwork(config, weights, tokenizer, { device });
  const captions: string[] = [];
  for (let at = 0; at < images.length; at += network.batch) {
    const part = images.slice(at, at + network.batch);
    const written = await network.write(feeder.feed(part, network.batch), part.length, { beam });
    captions.push(...written.map(({ text }) => text));
  }
  await network.dispose();
  const references = images.map((image) => image.references);
  const { metrics } = scoreCaptions(captions, references);
  const samples = images
    .slice(0, 4)
    .map(({ key }, i) => ({ key, caption: captions[i], references: references[i] }));
  return { ciderD: metrics['CIDEr-D'], bleu4: metrics.Bleu_4, samples };
}

async function logMetrics(out: string, event: TrainEvent): Promise<void> {
  const path = join(out, 'metrics.jsonl');
  await appendFile(path, `${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`).catch(
    (error) => {
      throw writeError(path, error);
    },
  );
}

/** Drops the lines of steps that will be done again, and a last line that was cut. */
async function trimMetrics(out: string, step: number): Promise<void> {
  const path = join(out, 'metrics.jsonl');
  const text = await readFile(path, 'utf8').catch(() => '');
  const kept = text.split('\n').filter((line) => {
    try {
      return (JSON.parse(line) as { step: number }).step <= step;
    } catch {
      return false;
    }
  });
  await writeFileAtomic(path, kept.map((line) => `${line}\n`).join(''));
}
