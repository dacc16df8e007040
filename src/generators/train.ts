import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Blend, drawCaptions } from '../data/blend.ts';
import { failureList, writeFailures } from '../data/index.ts';
import type { Caption } from '../data/sample.ts';
import { RecaptionError } from '../errors.ts';
import { writeError, writeFileAtomic } from '../files.ts';
import { encodePng, gridOf } from '../image/index.ts';
import {
  asSigned,
  diffusionLoss,
  diffusionLosses,
  drawTimes,
} from '../models/diffusion-transformer/process.ts';
import { saveState, saveWeights, writeJson } from '../models/model-folder.ts';
import { epochOrder } from '../models/training/epoch-order.ts';
import { type PreparedImage, pixelRecorder, prepareImages } from '../models/training/prepare.ts';
import {
  fingerprint,
  logMetrics,
  otherData,
  type RunOptions,
  runName,
  savedState,
  trimMetrics,
} from '../models/training/run-folder.ts';
import { constantSchedule, cosineSchedule, trainStep } from '../nn/index.ts';
import { fillNormal, random, streamKey } from '../random.ts';
import { type Arrays, compile, countParameters, input, params } from '../tensor/index.ts';
import { trainBpe } from '../text/bpe.ts';
import { createTokenizer, loadTokenizer, type Tokenizer } from '../text/tokenizer.ts';
import { type GeneratorFile, parseGeneratorFile } from './config.ts';
import { type Drawing, drawing, toImages } from './draw.ts';
import { generatorCard } from './model-card.ts';
import { packTokens, wordInputs } from './texts.ts';
import type { GeneratorEvent } from './train-events.ts';

export interface TrainGeneratorOptions extends RunOptions {
  /** Collections with captions, in any form that `openDataset` reads. */
  data: string[];
  /** Pictures with captions kept apart; their loss says which weights are the best. Without them the last are kept. */
  val?: string;
  /** Which captions it learns from: drawn anew each time that a picture is. */
  captions: Blend;
  /** Width and height of the pictures, over that of `config`. */
  size?: number;
  /** `{ model, training, draw }`, as read from the user's JSON; every key is optional. */
  config?: unknown;
  /** Where `config` was read, for errors. */
  configPlace?: string;
  epochs?: number;
  steps?: number;
  /** Wall-clock minutes for the loop, validation and previews included; reading before it is not counted. */
  minutes?: number;
  seed: number;
}

/** A training picture with each of its captions as tokens. */
interface Learnt extends PreparedImage {
  written: (Caption & { tokens: number[] })[];
}

/** Seconds between saves of the state to resume from. */
const SAVE_EVERY = 120;
/** Texts longer than this share of all are cut, so that a few do not make every step slow. */
const CUT = 0.995;
/** Pictures of one validation batch. */
const VALIDATION_BATCH = 32;
/** How previews are drawn: fewer steps than by default, for they are only looked at. */
const PREVIEW_STEPS = 12;

/**
 * Trains a text-to-image model and leaves a model folder: config.json, model.safetensors (the best averaged weights), tokenizer.json,
 * README.md, preview.png and previews/, metrics.jsonl, training-state.safetensors to go on from, and failures.jsonl where samples were
 * left out.
 * @throws RecaptionError `no-captions`, `bad-config`, `run-exists`, `run-differs`, `bad-checkpoint`, `non-finite`, and those of readers
 * and writers.
 */
export async function* trainGenerator(options: TrainGeneratorOptions): AsyncGenerator<GeneratorEvent> {
  const opened: { close(): Promise<void> }[] = [];
  try {
    yield* train(options, opened);
  } finally {
    await Promise.allSettled(opened.reverse().map((thing) => thing.close()));
  }
}

/** @param opened gets everything that must be closed, however this ends. */
async function* train(
  options: TrainGeneratorOptions,
  opened: { close(): Promise<void> }[],
): AsyncGenerator<GeneratorEvent> {
  const { out, seed, device, signal, captions: blend } = options;
  const statePath = join(out, 'training-state.safetensors');
  const saved = await savedState(statePath, options);
  const file = parseGeneratorFile(withSize(options), options.configPlace ?? 'config');
  const { training, draw } = file;
  const model = structuredClone(file.model);
  const failures = failureList();
  const failureEvents = () =>
    failures.news().map((failure): GeneratorEvent => ({ kind: 'failure', failure }));

  const recorder = await pixelRecorder(model.size);
  opened.push(recorder.cache);
  const prepared = { flip: false, onFailure: failures.add, signal };
  let images: PreparedImage[];
  let validation: PreparedImage[] = [];
  try {
    images = withKinds(yield* prepareImages(options.data, [recorder], prepared), blend, options.data);
    if (options.val)
      validation = withKinds(yield* prepareImages([options.val], [recorder], prepared), blend, [options.val]);
  } catch (error) {
    yield* failureEvents(); // perhaps the reason
    throw error;
  }
  yield* failureEvents();
  const failed = failures.all().length;
  if (signal.aborted) {
    yield { kind: 'done', step: 0, path: out, minutes: 0, failed, stopped: true };
    return;
  }

  await mkdir(join(out, 'previews'), { recursive: true }).catch((error) => {
    throw writeError(out, error);
  });
  const failureFile = join(out, 'failures.jsonl');
  await writeFailures(failureFile, out, failures.all());

  const tokenizer = saved ? await loadTokenizer(join(out, 'tokenizer.json')) : learnTokenizer(images, file);
  model.text.vocabulary = tokenizer.vocabSize;
  const learnt = tokenised(images, tokenizer);
  const validated = tokenised(validation.slice(0, training.validateImages), tokenizer);
  model.text.maxTokens = roomFor(learnt, model.text.maxTokens);
  const cut = learnt
    .flatMap(({ written }) => written)
    .filter(({ tokens }) => tokens.length > model.text.maxTokens);
  if (cut.length > 0) {
    const captions = cut.length === 1 ? '1 caption is' : `${cut.length} captions are`;
    const message = `${captions} longer than ${model.text.maxTokens} tokens; what is beyond is not learnt`;
    yield { kind: 'warning', code: 'caption-cut', message };
  }
  yield* lacking(learnt, blend);

  const batch = Math.min(training.batch, learnt.length);
  const pixels = model.size * model.size * model.channels;
  const shape = [batch, model.size, model.size, model.channels];
  const tree = params();
  const conditions = wordInputs(tree, model, batch);
  const loss = diffusionLoss(tree.at('net'), model, asSigned(input('pixels', shape, 'uint8')), conditions);
  const { learningRate, warmup, weightDecay, clip, ema, accumulate } = training;
  const network = await trainStep({
    params: tree,
    loss,
    optimiser: { weightDecay, clip, ema, betas: [0.9, 0.98] },
    accumulate,
    device,
    seed,
  });
  opened.push({ close: () => network.dispose() });
  const parameters = countParameters(tree.all);

  const perEpoch = Math.max(1, Math.floor(learnt.length / (batch * accumulate)));
  const total = options.steps ?? Math.ceil((options.epochs ?? training.epochs) * perEpoch);
  const budget = options.minutes === undefined ? undefined : options.minutes * 60;
  const data = fingerprint(images);
  let best = Number.POSITIVE_INFINITY;
  let before = 0; // seconds trained in earlier sessions
  if (saved) {
    if (saved.metadata.data !== data) throw otherData(out, images.length);
    network.restore(saved.state);
    best = Number(saved.metadata.best);
    before = Number(saved.metadata.seconds);
  }
  await trimMetrics(out, network.step); // also those of a run that was killed before it first saved
  yield {
    kind: 'plan',
    images: learnt.length,
    captions: learnt.reduce((sum, { written }) => sum + written.length, 0),
    parameters,
    tokens: { text: model.text.maxTokens, picture: (model.size / model.patch) ** 2 },
    steps: budget === undefined ? total : undefined,
    resumedFrom: network.step,
  };

  const start = performance.now();
  const seconds = () => before + (performance.now() - start) / 1000;
  const progress = () => (budget === undefined ? network.step / total : seconds() / budget);
  const schedule = { cosine: cosineSchedule, constant: constantSchedule }[training.schedule](warmup);
  const save = async (): Promise<GeneratorEvent> => {
    await writeJson(out, 'tokenizer.json', tokenizer.toJSON());
    await saveState(statePath, network.state(), {
      best: `${best}`,
      seconds: `${seconds()}`,
      run: runName(options),
      data,
    });
    return { kind: 'checkpoint', step: network.step, path: statePath };
  };
  const weightsTo = (path: string) =>
    saveWeights(path, network.averaged(), tree.all, { dtype: 'F16', metadata: { step: `${network.step}` } });
  const keep = async (validationLoss?: number) => {
    await writeJson(out, 'tokenizer.json', tokenizer.toJSON());
    await weightsTo(join(out, 'model.safetensors'));
    await writeJson(out, 'config.json', {
      type: 'recaption-generator',
      format: 1,
      model,
      training,
      draw,
      seed,
      step: network.step,
    });
    const facts = { options, model, images: learnt.length, parameters, step: network.step, minutes: seconds() / 60, loss: validationLoss }; // biome-ignore format: one line
    await writeFileAtomic(join(out, 'README.md'), generatorCard(facts));
  };

  const shown = previewPrompts(validated.length > 0 ? validated : learnt, blend, training.previews);
  let drawer: Drawing | undefined;
  const preview = async (): Promise<GeneratorEvent> => {
    if (drawer === undefined) {
      drawer = await drawing(model, { batch: Math.min(8, shown.length), device });
      opened.push(drawer);
    }
    drawer.use(network.averaged());
    const pictures = [];
    for (let at = 0; at < shown.length; at += drawer.batch) {
      const part = shown.slice(at, at + drawer.batch);
      const seeds = part.map((_, i) => at + i);
      pictures.push(
        ...toImages(await drawer.draw(part, seeds, { ...draw, steps: PREVIEW_STEPS }), model.size),
      );
    }
    const png = await encodePng(gridOf(pictures));
    const path = join(out, 'previews', `step-${String(network.step).padStart(7, '0')}.png`);
    await writeFileAtomic(path, png);
    await writeFileAtomic(join(out, 'preview.png'), png);
    return { kind: 'preview', step: network.step, path };
  };

  const validate =
    validated.length > 0 ? await validator(validated, file, model, recorder.cache, device) : undefined;
  if (validate) opened.push(validate);
  let validatedAt = -1;
  const look = async function* (): AsyncGenerator<GeneratorEvent> {
    validatedAt = network.step;
    const event = validate
      ? { loss: await validate.loss(Object.fromEntries(network.averaged())) }
      : undefined;
    if (event) {
      const isBest = event.loss < best;
      if (isBest) {
        best = event.loss;
        await keep(best);
      }
      let snapshot: string | undefined;
      if (training.snapshots) {
        await mkdir(join(out, 'snapshots'), { recursive: true });
        snapshot = join(out, 'snapshots', `step-${String(network.step).padStart(7, '0')}.safetensors`);
        await weightsTo(snapshot);
      }
      const report: GeneratorEvent = { kind: 'validation', step: network.step, minutes: seconds() / 60, ...event, best: isBest, ...(snapshot && { snapshot }) }; // biome-ignore format: one line
      await logMetrics(out, report);
      yield report;
    }
    if (shown.length > 0) yield await preview();
  };

  let savedAt = seconds();
  let bestSaved = best;
  let rate = 0; // images per second, smoothed
  const order = { epoch: -1, indices: new Int32Array() };
  const batchAt = (micro: number): Arrays => {
    const number = network.step * accumulate + micro;
    const epoch = Math.floor(number / (perEpoch * accumulate));
    if (order.epoch !== epoch)
      Object.assign(order, { epoch, indices: epochOrder(learnt.length, seed, epoch) });
    const first = (number % (perEpoch * accumulate)) * batch;
    const random_ = random(seed, 'batch', number);
    const chosen = Array.from(
      { length: batch },
      (_, i) => learnt[order.indices[(first + i) % learnt.length]],
    );
    const texts = chosen.map(({ key, written }) => {
      const [caption] = drawCaptions({ key, captions: written }, blend, { seed, epoch }).captions;
      return random_.uniform() < training.captionDropout ? [] : (caption as Learnt['written'][number]).tokens;
    });
    const bytes = new Uint8Array(batch * pixels);
    for (const [i, { hash }] of chosen.entries()) recorder.cache.readInto(hash, bytes.subarray(i * pixels, (i + 1) * pixels)); // biome-ignore format: one line
    const t = drawTimes(random_, batch, { mean: training.timeMean, deviation: training.timeDeviation });
    return { pixels: bytes, t, ...packTokens(texts, model.text.maxTokens) };
  };

  while (progress() < 1 && !signal.aborted) {
    const stepStart = performance.now();
    const feeds = Array.from({ length: accumulate }, (_, micro) => batchAt(micro));
    const factor = schedule(network.step, progress());
    const result = await network.run(feeds, learningRate * factor, streamKey(seed, 'step', network.step));
    const elapsed = (performance.now() - stepStart) / 1000;
    const now = (batch * accumulate) / elapsed;
    rate = rate === 0 ? now : 0.95 * rate + 0.05 * now;
    const { step } = network;
    const event: GeneratorEvent = {
      kind: 'step',
      step,
      steps: budget === undefined ? total : Math.round(step / Math.max(progress(), 1e-9)),
      epoch: step / perEpoch,
      loss: result.loss,
      learningRate: learningRate * factor,
      gradientNorm: result.gradientNorm,
      imagesPerSecond: rate,
      secondsLeft: budget === undefined ? ((total - step) * batch * accumulate) / rate : budget - seconds(),
    };
    await logMetrics(out, event);
    yield event;

    if (step % training.validateEvery === 0) yield* look();
    // The best figure lies in the state, so a new best is saved at once: a killed run must not forget it.
    if (seconds() - savedAt > SAVE_EVERY || best < bestSaved) {
      bestSaved = best;
      savedAt = seconds();
      yield await save();
    }
  }

  if (network.step > 0 && validatedAt !== network.step && progress() >= 1) yield* look();
  if (network.step > 0) yield await save();
  if (!Number.isFinite(best)) await keep();
  yield {
    kind: 'done',
    step: network.step,
    path: out,
    minutes: seconds() / 60,
    loss: Number.isFinite(best) ? best : undefined,
    failed,
    ...(failed > 0 && { failures: failureFile }),
    stopped: signal.aborted && progress() < 1,
  };
}

/** The configuration as given, with `--size` in its place. */
function withSize({ config, size }: TrainGeneratorOptions): unknown {
  if (size === undefined) return config;
  const given = (config ?? {}) as { model?: object };
  return { ...given, model: { ...given.model, size } };
}

/** The images that have a caption of the blend. @throws RecaptionError `no-captions` */
function withKinds(images: PreparedImage[], blend: Blend, places: string[]): PreparedImage[] {
  const wanted = new Set(blend.map(({ kind }) => kind));
  const found = images.filter(({ kinds }) => kinds.some((kind) => wanted.has(kind)));
  if (found.length > 0 || images.length === 0) return found;
  const there = [...new Set(images.flatMap(({ kinds }) => kinds))];
  throw new RecaptionError(
    'no-captions',
    `no picture has a caption of the kind ${[...wanted].join(' or ')}`,
    {
      place: places.join(', '),
      hint: `There are captions of the kind ${there.join(', ')}: name these in --captions.`,
    },
  );
}

function* lacking(images: Learnt[], blend: Blend): Generator<GeneratorEvent> {
  for (const { kind } of blend) {
    const without = images.filter(({ kinds }) => !kinds.includes(kind)).length;
    if (without === 0) continue;
    const message = `${without} of ${images.length} pictures have no ${kind} caption; for these another kind of the blend is drawn`;
    yield { kind: 'warning', code: 'kind-missing', message };
  }
}

const learnTokenizer = (images: PreparedImage[], { model }: GeneratorFile): Tokenizer =>
  createTokenizer(
    trainBpe(
      images.flatMap(({ references }) => references),
      { vocabSize: model.text.vocabulary },
    ),
  );

const tokenised = (images: PreparedImage[], tokenizer: Tokenizer): Learnt[] =>
  images.map((image) => ({
    ...image,
    written: image.references.map((text, i) => ({
      text,
      kind: image.kinds[i],
      source: '',
      tokens: tokenizer.encode(text),
    })),
  }));

/** Tokens that all but a few texts fit into, at most `most`. */
function roomFor(images: Learnt[], most: number): number {
  const lengths = images
    .flatMap(({ written }) => written.map(({ tokens }) => tokens.length))
    .sort((a, b) => a - b);
  const usual = lengths[Math.min(lengths.length - 1, Math.floor(CUT * lengths.length))];
  return Math.min(most, 8 * Math.ceil(Math.max(1, usual) / 8));
}

/** Captions of the first pictures, as they are drawn in the first epoch. */
const previewPrompts = (images: Learnt[], blend: Blend, count: number): number[][] =>
  images.slice(0, count).map(({ key, written }) => {
    const [caption] = drawCaptions({ key, captions: written }, blend, { seed: 0 }).captions;
    return (caption as Learnt['written'][number]).tokens;
  });

/** The loss of images that are not trained on: the same times, noise and captions each time. */
async function validator(
  images: Learnt[],
  { training }: GeneratorFile,
  model: GeneratorFile['model'],
  cache: { readInto(key: string, target: Uint8Array): boolean },
  device: TrainGeneratorOptions['device'],
) {
  const batch = Math.min(VALIDATION_BATCH, images.length);
  const shape = [batch, model.size, model.size, model.channels];
  const numbers = model.size * model.size * model.channels;
  const tree = params();
  const conditions = wordInputs(tree, model, batch);
  const losses = diffusionLosses(
    tree.at('net'),
    model,
    asSigned(input('pixels', shape, 'uint8')),
    conditions,
  );
  const program = await compile({ outputs: { losses }, device });
  const draw = random(0, 'validation');
  const t = drawTimes(draw, images.length, { mean: training.timeMean, deviation: training.timeDeviation });
  return {
    async loss(weights: Arrays): Promise<number> {
      let sum = 0;
      for (let at = 0; at < images.length; at += batch) {
        const part = images.slice(at, at + batch);
        const pixels = new Uint8Array(batch * numbers);
        const noise = new Float32Array(batch * numbers);
        for (const [i, { hash }] of part.entries()) {
          cache.readInto(hash, pixels.subarray(i * numbers, (i + 1) * numbers));
          fillNormal(noise.subarray(i * numbers, (i + 1) * numbers), streamKey(0, 'validation', at + i));
        }
        const times = new Float32Array(batch).fill(0.5);
        times.set(t.subarray(at, at + part.length));
        const rows = Array.from({ length: batch }, (_, i) => part[i]?.written[0].tokens ?? []);
        const feeds = { ...weights, pixels, noise, t: times, ...packTokens(rows, model.text.maxTokens) };
        const { losses: found } = await program.run(feeds);
        for (let i = 0; i < part.length; i++) sum += Number(found[i]);
      }
      return sum / images.length;
    },
    close: () => program.dispose(),
  };
}
