import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Blend } from '../data/blend.ts';
import { RecaptionError } from '../errors.ts';
import { writeFileAtomic } from '../files.ts';
import { encodePng, gridOf, type Image } from '../image/index.ts';
import { openCodec } from '../models/autoencoder/codec.ts';
import { consistencyLoss } from '../models/diffusion-transformer/consistency.ts';
import { diffusionLoss, drawTimes, repeatRows } from '../models/diffusion-transformer/process.ts';
import { loadWeights, sameWeights, saveWeights, writeJson } from '../models/model-folder.ts';
import { openTextEncoder } from '../models/text-encoder/encoder.ts';
import { type BatchPlace, statePath, trainingLoop } from '../models/training/loop.ts';
import { gatherImages } from '../models/training/prepare.ts';
import { startRun } from '../models/training/run.ts';
import {
  type Closable,
  fingerprint,
  logMetrics,
  type RunOptions,
  savedState,
  withOpened,
  writePreview,
} from '../models/training/run-folder.ts';
import { constantSchedule, cosineSchedule, trainStep, trapezoidSchedule } from '../nn/index.ts';
import { type Arrays, countParameters, params } from '../tensor/index.ts';
import { loadTokenizer } from '../text/tokenizer.ts';
import { type GeneratorFile, parseGeneratorFile } from './config.ts';
import { type Drawing, drawing } from './draw.ts';
import { generatorFolder } from './folder.ts';
import { checkMemory } from './memory.ts';
import { generatorCard } from './model-card.ts';
import { latentPictures, latentScale, pixelPictures, withGrid } from './pictures.ts';
import { asLesson, isTeachers, lessonTimes, openTeacher } from './teacher.ts';
import type { GeneratorEvent } from './train-events.ts';
import {
  chosen,
  drawReading,
  learnTokenizer,
  type Reword,
  readCaptions,
  roomFor,
  shortfalls,
  sized,
  withKinds,
} from './train-setup.ts';
import { validator } from './validate.ts';
import {
  andWordless,
  feedWords,
  frozenWords,
  ownWords,
  readWords,
  WORDLESS,
  wordCache,
  wordTensors,
} from './words.ts';

export interface TrainGeneratorOptions extends RunOptions {
  /** Collections with captions, in any form that `openDataset` reads. */
  data: string[];
  /** Pictures with captions kept apart; their loss says which weights are the best. Without them the last are kept. */
  val?: string;
  /** Which captions it learns from: drawn anew each time that a picture is. */
  captions: Blend;
  /** Width and height of the pictures in pixels, over that of `config`. */
  size?: number;
  /** Autoencoder whose latents are drawn in place of pixels: a folder of the TAESD family. */
  latent?: string;
  /** Frozen text encoder, by folder or hub id; none: a small one is trained along. */
  text?: string;
  /**
   * The tokenizer.json that the encoder trained along reads with, in place of one learnt from the captions. Two runs with the same one and the same
   * room start from the same weights.
   */
  tokenizer?: string;
  /** Tokens of a text, in place of as many as nearly all captions have. */
  room?: number;
  /** Keys of pictures that are not learnt, though they are there. */
  leaveOut?: ReadonlySet<string>;
  /** What is learnt in place of a caption. */
  reword?: Reword;
  /** Generator to start from: its weights, its words, and its sizes where `config` gives none. */
  init?: string;
  /** Generator to teach to draw in a few steps, by folder or name: its sizes, its words, its latents. */
  teacher?: string;
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

/** Pictures that the scale of latents is measured on. */
const SCALED = 256;

const SCHEDULES = { cosine: cosineSchedule, trapezoid: trapezoidSchedule, constant: constantSchedule };
/** Folder within a run's of the weights that it had on the way. */
export const SNAPSHOTS = 'snapshots';
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
  yield* withOpened((opened) => train(options, opened));
}

/** @param opened gets everything that must be closed, however this ends. */
async function* train(options: TrainGeneratorOptions, opened: Closable[]): AsyncGenerator<GeneratorEvent> {
  const { out, seed, device, signal, captions: blend } = options;
  const saved = await savedState(statePath(out), options);
  if (options.teacher && options.init) throw new RecaptionError('bad-config', 'a pupil starts from its teacher, not from another generator', { hint: 'Leave out --init or --teacher.' }); // biome-ignore format: one line
  const teacher = options.teacher === undefined ? undefined : await openTeacher(options.teacher);
  const init = options.init === undefined ? undefined : await generatorFolder(options.init);
  const before = teacher ?? init;
  const given = teacher
    ? asLesson(options.config, teacher)
    : init
      ? from(options.config, init)
      : options.config;
  const latent = options.latent ?? before?.latent?.ref;
  const codec = latent === undefined ? undefined : await openCodec(latent, { device });
  if (codec) opened.push(codec);
  if (codec && before?.latent) sameWeights('autoencoder', codec, before.latent.id);
  const factor = codec?.factor ?? 1;
  const taught = teacher && (teacher.latent?.size ?? teacher.model.size);
  if (taught !== undefined && (options.size ?? taught) !== taught) throw new RecaptionError('bad-config', `a pupil draws pictures of its teacher's ${taught} pixels, not of ${options.size}`, { place: '--size' }); // biome-ignore format: one line
  const file = parseGeneratorFile(sized(given, options.size, factor), options.configPlace ?? 'config');
  const { training, draw } = file;
  const { maxTokens } = file.model.text;
  const text = options.text ?? before?.text?.ref;
  const encoder = text === undefined ? undefined : await openTextEncoder(text, { device, maxTokens });
  if (encoder) opened.push(encoder);
  if (encoder && before?.text) sameWeights('text encoder', encoder, before.text.id);
  const size = file.model.size * factor;
  let pictures = codec ? await latentPictures(codec, size) : await pixelPictures(size);
  const { recorder } = pictures;
  opened.push(recorder.cache);
  const { failed, failures, ...gathered } = yield* gatherImages(options, [recorder], { inside: 'previews' });
  if (signal.aborted) {
    yield { kind: 'done', step: 0, path: out, minutes: 0, failed, stopped: true };
    return;
  }

  const images = withKinds(chosen(gathered.images, options), blend, options.data);
  const validation = options.val ? withKinds(gathered.validation, blend, [options.val]) : [];
  const some = images.slice(0, SCALED).map(({ hash }) => hash);
  const scale = codec && (before?.latent ?? latentScale(pictures, some));
  if (codec) {
    pictures = await latentPictures(codec, size, scale);
    opened.push(pictures.recorder.cache);
  }
  const model = withGrid(structuredClone(file.model), pictures);
  const where = saved ? join(out, 'tokenizer.json') : (before?.files.tokenizer ?? options.tokenizer);
  const known = where && !encoder ? await loadTokenizer(where) : undefined;
  const tokenizer = encoder ? undefined : (known ?? learnTokenizer(images, file));
  const cache = encoder && (await wordCache(encoder));
  if (cache) opened.push(cache);
  const words = encoder ? frozenWords(encoder, cache) : ownWords(tokenizer!);
  if (encoder) Object.assign(model.text, { layers: 0, width: encoder.width, maxTokens: encoder.maxTokens });
  else model.text.vocabulary = tokenizer!.vocabSize;
  const learnt = yield* readCaptions(images, words, blend, signal);
  const validated = yield* readCaptions(validation.slice(0, training.validateImages), words, blend, signal);
  if (signal.aborted) {
    yield { kind: 'done', step: 0, path: out, minutes: 0, failed, stopped: true };
    return;
  }
  if (!before) model.text.maxTokens = options.room ?? roomFor(learnt, model.text.maxTokens);
  yield* shortfalls(learnt, blend, model.text.maxTokens);

  const batch = Math.min(training.batch, learnt.length);
  const draws = teacher ? 1 : training.draws;
  checkMemory(model, batch, { draws });
  const tree = params();
  const tensors = wordTensors(model, batch);
  const conditions = readWords(tree, model, tensors);
  const loss = teacher
    ? consistencyLoss(model, pictures.tensor(batch), {
        student: { net: tree.at('net'), conditions },
        teacher: {
          net: tree.at('teacher.net'),
          config: teacher.model,
          guided: true,
          conditions: readWords(tree.at('teacher'), model, andWordless(tensors)),
        },
      })
    : diffusionLoss(tree.at('net'), model, repeatRows(pictures.tensor(batch), draws), conditions);
  const { learningRate, warmup, weightDecay, clip, ema, accumulate } = training;
  const network = await trainStep({
    params: tree,
    loss,
    optimiser: { weightDecay, clip, ema, betas: [0.9, 0.98] },
    accumulate,
    device,
    seed,
    frozen: isTeachers,
    weights: teacher
      ? await teacher.weights(tree)
      : init && (await loadWeights(init.files.weights, tree.all)),
  });
  opened.push({ close: () => network.dispose() });
  const own = new Map([...tree.all].filter(([path]) => !isTeachers(path)));
  const averaged = () => new Map([...network.averaged()].filter(([path]) => !isTeachers(path)));
  const parameters = countParameters(own);

  const run = startRun(network, saved, {
    options,
    epochs: training.epochs,
    images: learnt.length,
    perStep: batch * accumulate,
    data: images,
    better: 'lower',
  });
  yield {
    kind: 'plan',
    images: learnt.length,
    pictures: fingerprint(learnt.map((image) => ({ ...image, captions: [] }))),
    captions: learnt.reduce((sum, { written }) => sum + written.length, 0),
    parameters,
    tokens: { text: model.text.maxTokens, picture: (model.size / model.patch) ** 2 },
    steps: run.clock.steps,
    resumedFrom: network.step,
  };

  const writeTokenizer = async () => {
    if (tokenizer) await writeJson(out, 'tokenizer.json', tokenizer.toJSON());
  };
  const weightsTo = (path: string) =>
    saveWeights(path, averaged(), own, { dtype: 'F16', metadata: { step: `${network.step}` } });
  const keep = async (validationLoss?: number) => {
    await writeTokenizer();
    await weightsTo(join(out, 'model.safetensors'));
    await writeJson(out, 'config.json', {
      type: 'recaption-generator',
      format: 1,
      model,
      training,
      draw,
      ...(encoder && { text: { ref: encoder.ref, id: encoder.id } }),
      ...(codec && { latent: { ref: codec.ref, id: codec.id, size, ...scale } }),
      seed,
      step: network.step,
    });
    const facts = { options, size, images: learnt.length, parameters, step: network.step, minutes: run.clock.seconds() / 60, loss: validationLoss }; // biome-ignore format: one line
    await writeFileAtomic(join(out, 'README.md'), generatorCard(facts));
  };

  const shown = (validated.length > 0 ? validated : learnt)
    .slice(0, training.previews)
    .map((image) => drawReading(image, blend, 0, 0));
  let drawer: Drawing | undefined;
  const preview = async (): Promise<GeneratorEvent> => {
    if (drawer === undefined) {
      drawer = await drawing(model, { batch: Math.min(8, shown.length), device });
      opened.push(drawer);
    }
    drawer.use(averaged());
    const drawn: Image[] = [];
    for (let at = 0; at < shown.length; at += drawer.batch) {
      const part = shown.slice(at, at + drawer.batch);
      const seeds = part.map((_, i) => at + i);
      const values = await drawer.draw(part, seeds, { ...draw, steps: Math.min(draw.steps, PREVIEW_STEPS) });
      drawn.push(...(await pictures.images(values)));
    }
    const png = await encodePng(gridOf(drawn));
    const path = await writePreview(out, network.step, png);
    return { kind: 'preview', step: network.step, path };
  };

  // A lesson has no loss of its own on pictures: how far it came, its previews show.
  const kept = (teacher ? [] : validated).map((image) => ({
    hash: image.hash,
    reading: drawReading(image, blend, 0, 0),
  }));
  const validate = kept.length > 0 ? await validator(kept, { model, training }, pictures, device) : undefined;
  if (validate) opened.push(validate);
  const look = async function* (): AsyncGenerator<GeneratorEvent> {
    const event = validate ? { loss: await validate.loss(averaged()) } : undefined;
    if (event) {
      const isBest = run.improves(event.loss);
      if (isBest) await keep(event.loss);
      const report: GeneratorEvent = { kind: 'validation', step: network.step, minutes: run.clock.seconds() / 60, ...event, best: isBest }; // biome-ignore format: one line
      await logMetrics(out, report);
      yield report;
    }
    if (training.snapshots) {
      await mkdir(join(out, SNAPSHOTS), { recursive: true });
      const path = join(out, SNAPSHOTS, `step-${String(network.step).padStart(7, '0')}.safetensors`);
      await weightsTo(path);
      yield { kind: 'snapshot', step: network.step, path };
    }
    if (shown.length > 0) yield await preview();
  };

  const batchAt = ({ chosen, epoch, draw: source }: BatchPlace): Arrays => {
    const some = chosen.map((i) => learnt[i]);
    const texts = some.map((image) =>
      !teacher && source.uniform() < training.captionDropout
        ? WORDLESS
        : drawReading(image, blend, seed, epoch),
    );
    const t = teacher
      ? lessonTimes(source, batch, draw.shift, teacher.draw.guidance)
      : {
          t: drawTimes(source, batch * draws, { mean: training.timeMean, deviation: training.timeDeviation }),
        };
    const hashes = some.map(({ hash }) => hash);
    return { ...pictures.feed(hashes, batch), ...t, ...feedWords(texts, model) };
  };
  yield* trainingLoop({
    network,
    run,
    seed,
    images: learnt.length,
    batch,
    accumulate,
    learningRate,
    schedule: SCHEDULES[training.schedule](warmup),
    batchAt,
    fields: () => ({}),
    every: training.validateEvery,
    look,
    beforeSave: writeTokenizer,
  });
  if (run.best === undefined && network.step > 0) await keep();
  yield {
    kind: 'done',
    ...run.ending(),
    loss: run.best,
    failed,
    ...(failures && { failures }),
  };
}

/** The user's configuration over the sizes of the generator to start from. */
function from(config: unknown, { model, draw }: Pick<GeneratorFile, 'model' | 'draw'>): unknown {
  const given = (config ?? {}) as { model?: { text?: object }; draw?: object };
  const text = { ...model.text, ...given.model?.text };
  return { ...given, model: { ...model, ...given.model, text }, draw: { ...draw, ...given.draw } };
}
