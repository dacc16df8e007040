import { join } from 'node:path';
import type { CaptionKind } from '../data/sample.ts';
import { writeFileAtomic } from '../files.ts';
import { captionDecoder } from '../models/caption-decoder.ts';
import { captionerLoss } from '../models/captioner.ts';
import { saveWeights, writeJson } from '../models/model-folder.ts';
import { type BatchPlace, statePath, trainingLoop } from '../models/training/loop.ts';
import { featureRecorder, gatherImages, pixelRecorder, type Recorder } from '../models/training/prepare.ts';
import { startRun } from '../models/training/run.ts';
import { type Closable, logMetrics, savedState, withOpened } from '../models/training/run-folder.ts';
import { imageTokenCount } from '../models/vision/trained.ts';
import { constantSchedule, cosineSchedule, type StepResult, type TrainStep, trainStep } from '../nn/index.ts';
import { streamKey } from '../random.ts';
import { type Arrays, countParameters, type Device, params } from '../tensor/index.ts';
import { loadTokenizer } from '../text/tokenizer.ts';
import {
  drawMirrored,
  featureFeeder,
  type ImageFeeder,
  packCaptions,
  pixelFeeder,
  regionInputs,
  wordRarity,
  wordWeights,
} from './batches.ts';
import { captionerFolder } from './folder.ts';
import { modelCard } from './model-card.ts';
import { specialTokens } from './network.ts';
import { type Rollouts, rollouts } from './self-critical.ts';
import type { CaptionLosses, TrainEvent } from './train-events.ts';
import {
  checkView,
  inference,
  initialWeights,
  learnTokenizer,
  readConfig,
  tokenise,
  withVision,
} from './train-setup.ts';
import { validate } from './validate.ts';
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
  /** Where `config` was read, for errors. */
  configPlace?: string;
  /** Frozen encoders to see through; none means vision trained here, on pixels. */
  vision: string[];
  /** Frozen encoders whose features trained vision learns to predict beside captioning; they are not needed afterwards. */
  distil?: string[];
  /** Captioner to start from, by folder or name: its weights, its tokenizer, and its sizes where `config` gives none. */
  init?: string;
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

/** What learns at the rate of vision: the network that sees, and the heads that teach it. */
const SIGHT = /^(vision|words|distil)\./;

/** Regions of one image that a step uses. */
const MOST_REGIONS = 16;

/**
 * Trains a captioner and leaves a model folder: config.json, model.safetensors (the best averaged weights), tokenizer.json,
 * README.md, last.safetensors (the last averaged weights), metrics.jsonl, training-state.safetensors to go on from, and
 * failures.jsonl where samples were left out.
 * @throws RecaptionError `no-captions`, `bad-config`, `run-exists`, `run-differs`, `bad-checkpoint`, `non-finite`, and those of
 * readers and writers.
 */
export async function* trainCaptioner(options: TrainCaptionerOptions): AsyncGenerator<TrainEvent> {
  yield* withOpened((opened) => train(options, opened));
}

/** @param opened gets everything that must be closed, however this ends. */
async function* train(options: TrainCaptionerOptions, opened: Closable[]): AsyncGenerator<TrainEvent> {
  const { out, seed, device, signal } = options;
  const saved = await savedState(statePath(out), options);
  const from = options.init === undefined ? undefined : await captionerFolder(options.init);
  const { model, training } = readConfig(options.config, options.configPlace ?? 'config', from?.model);

  const encoders = await openVisions(options.vision, device);
  opened.push(...encoders);
  const teachers = await openVisions(options.distil ?? [], device);
  opened.push(...teachers);
  const distil = teachers.flatMap(({ groups }) => groups);
  const config = withVision(model, encoders);
  if (options.kind) config.kind = options.kind;
  checkView(distil, config, training);
  const side = config.vision.kind === 'frozen' ? 0 : config.vision.size;
  const stored = training.minCrop < 1 ? Math.round(side * 1.25) : side; // a margin to crop from
  const recorder = async (made: Promise<Recorder>) => {
    const recorder = await made;
    opened.push(recorder.cache);
    return recorder;
  };
  const seeing = encoders.length > 0 ? encoders.map(featureRecorder) : [pixelRecorder(stored)];
  const recorders = await Promise.all(seeing.map(recorder));
  const teachings = await Promise.all(teachers.map(featureRecorder).map(recorder));

  const { images, validation, failed, failures } = yield* gatherImages(
    options,
    [...recorders, ...teachings],
    {
      judged: recorders,
      kind: options.kind,
      flip: training.flip,
      regions: training.regions > 0,
    },
  );
  if (signal.aborted) {
    yield { kind: 'done', step: 0, path: out, minutes: 0, failed, stopped: true };
    return;
  }

  const learnt = saved ? join(out, 'tokenizer.json') : from?.files['tokenizer.json'];
  const tokenizer = learnt ? await loadTokenizer(learnt) : learnTokenizer(images, config);
  config.vocabulary = tokenizer.vocabSize;
  const special = specialTokens(tokenizer);
  const tokenised = tokenise(images, tokenizer);
  const validated = tokenise(validation.slice(0, training.validateImages), tokenizer);
  const room = Math.min(config.maxTokens, training.packedTokens);
  const cut = tokenised.flatMap(({ tokens }) => tokens).filter((tokens) => tokens.length >= room).length;
  if (cut > 0) {
    const captions = cut === 1 ? '1 caption is' : `${cut} captions are`;
    const message = `${captions} longer than ${room} tokens; what is beyond is not learnt`;
    yield { kind: 'warning', code: 'caption-cut', message };
  }
  const feeder: ImageFeeder =
    encoders.length > 0
      ? featureFeeder(recorders.map(({ cache }, i) => ({ cache, groups: encoders[i].groups })))
      : pixelFeeder(recorders[0].cache, stored, side, training);
  const teacherFeeder = featureFeeder(
    teachings.map(({ cache }, i) => ({ cache, groups: teachers[i].groups })),
    'teacher',
  );

  const batch = Math.min(training.batch, images.length);
  const { selfCritical } = training;
  const captionsPerImage = selfCritical || training.captionsPerImage;
  const learnsSight = config.vision.kind !== 'frozen' && training.visionRate > 0;
  const described = images.reduce((most, { regions }) => Math.max(most, regions.length), 0);
  const regions = learnsSight ? Math.min(MOST_REGIONS, described) : 0;
  const tree = params();
  // Captions are drawn without dropout, and what is drawn is what must become likelier: with it, a baseline cancels nothing.
  const heard = selfCritical > 0 ? { ...config, dropout: 0, tokenDropout: 0 } : config;
  const { loss, ...parts } = captionerLoss(tree, heard, {
    batch,
    length: training.packedTokens,
    captions: captionsPerImage,
    reinforce: selfCritical > 0 ? { temperature: training.temperature } : undefined,
    words: learnsSight ? training.words : 0,
    regions: regions > 0 ? { count: regions, weight: training.regions } : undefined,
    distil: distil.length > 0 ? { groups: distil, weight: training.distil } : undefined,
  });
  const { learningRate, visionRate, warmup, weightDecay, clip, ema, accumulate } = training;
  const sight = (path: string) => config.vision.kind !== 'frozen' && SIGHT.test(path);
  const network: TrainStep = await trainStep({
    params: tree,
    loss,
    metrics: Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== undefined)),
    optimiser: {
      weightDecay,
      clip,
      ema,
      group: ({ path }) => (sight(path) ? { rate: visionRate } : {}),
    },
    frozen: (path) => visionRate === 0 && sight(path),
    accumulate,
    device,
    seed,
    weights: from && !saved ? await initialWeights(from.files['model.safetensors'], tree, config) : undefined,
  });
  opened.push({ close: () => network.dispose() });
  let critic: Rollouts | undefined;
  if (selfCritical > 0) {
    const decoder = await captionDecoder(config, undefined, special, { batch, device });
    critic = rollouts(decoder, tokenizer, tokenised, { samples: selfCritical, maxTokens: config.maxTokens, temperature: training.temperature, baseline: 'others' }); // biome-ignore format: one line
    opened.push({ close: () => critic!.dispose() });
  }

  const run = startRun(network, saved, {
    options,
    epochs: training.epochs,
    images: images.length,
    perStep: batch * accumulate,
    data: images,
  });
  const parameters = countParameters(tree.all);
  yield {
    kind: 'plan',
    images: images.length,
    captions: tokenised.reduce((sum, { tokens }) => sum + tokens.length, 0),
    parameters,
    steps: run.clock.steps,
    resumedFrom: network.step,
  };

  const card = { options, config, training, images: images.length, encoders, parameters };
  const writeTokenizer = () => writeJson(out, 'tokenizer.json', tokenizer.toJSON());
  const weightsTo = (name: string) =>
    saveWeights(join(out, name), inference(network.averaged(), config), tree.all, {
      metadata: { step: `${network.step}` },
    });
  const keep = async (ciderD?: number) => {
    const meta = { ...card, step: network.step, minutes: run.clock.seconds() / 60, ciderD };
    await writeTokenizer();
    await weightsTo('model.safetensors');
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

  const score = async function* (): AsyncGenerator<TrainEvent> {
    if (validation.length === 0) return;
    const scored = await validate(config, network.averaged(), tokenizer, feeder, validated, {
      training,
      device,
    });
    const isBest = run.improves(scored.ciderD);
    if (isBest) await keep(scored.ciderD);
    const report: TrainEvent = { kind: 'validation', step: network.step, ...scored, best: isBest };
    await logMetrics(out, report);
    yield report;
  };

  const rarity = wordRarity(tokenised, config.vocabulary);
  const cells = imageTokenCount(config);
  let rewards: number[] = []; // of the batches of a step
  const batchAt = async ({ number, chosen: places, draw }: BatchPlace): Promise<Arrays> => {
    const chosen = places.map((i) => tokenised[i]);
    const mirrored = training.flip ? drawMirrored(chosen, draw) : chosen.map(() => false);
    const augment = { draw, mirrored };
    const vision = { ...feeder.feed(chosen, batch, augment), ...teacherFeeder.feed(chosen, batch, augment) };
    const { drawn = chosen, reward = 0 } =
      (await critic?.draw(chosen, vision, network.weights(), streamKey(seed, 'rollout', number))) ?? {};
    const text = packCaptions(drawn, config, { ...training, batch, captionsPerImage }, special, draw);
    const words: Arrays = parts.words ? { words: wordWeights(chosen, rarity) } : {};
    const boxes = parts.regions
      ? regionInputs(chosen, { regions, cells, vocabulary: config.vocabulary }, mirrored)
      : {};
    rewards.push(reward);
    return { ...(accumulate > 1 ? structuredClone(vision) : vision), ...text, ...words, ...boxes };
  };
  const fields = ({ metrics }: StepResult): CaptionLosses => {
    const reward = rewards.reduce((sum, one) => sum + one, 0) / accumulate;
    rewards = [];
    return {
      captionLoss: metrics.caption,
      contrastiveLoss: metrics.contrastive,
      ...(critic ? { reward } : {}),
      ...(parts.words ? { wordsLoss: metrics.words } : {}),
      ...(parts.regions ? { regionsLoss: metrics.regions } : {}),
      ...(parts.distil ? { distilLoss: metrics.distil } : {}),
    };
  };

  yield* trainingLoop<TrainEvent, CaptionLosses>({
    network,
    run,
    seed,
    images: images.length,
    batch,
    accumulate,
    learningRate,
    schedule: { cosine: cosineSchedule, constant: constantSchedule }[training.schedule](warmup),
    batchAt,
    fields,
    every: Math.max(1, Math.round(training.validateEvery * run.clock.perEpoch)),
    look: score,
    lookFirst: from !== undefined && selfCritical > 0,
    beforeSave: writeTokenizer,
  });
  if (run.best === undefined) await keep();
  await weightsTo('last.safetensors');
  yield {
    kind: 'done',
    ...run.ending(),
    ciderD: run.best,
    failed,
    ...(failures && { failures }),
  };
}
