import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { CaptionKind } from '../../data/sample.ts';
import { RecaptionError } from '../../errors.ts';
import { writeFileAtomic } from '../../files.ts';
import { parseConfig } from '../../models/captioner-config.ts';
import { graphDecoder } from '../../models/graph-captioner/decoder.ts';
import {
  type GraphCaptionerConfig,
  graphCaptionerChoicesSchema,
  graphCaptionerConfigSchema,
  graphCaptionerLoss,
  still,
} from '../../models/graph-captioner/index.ts';
import { loadWeights, saveWeights, writeJson } from '../../models/model-folder.ts';
import { type BatchPlace, statePath, trainingLoop } from '../../models/training/loop.ts';
import { gatherImages, type PreparedImage } from '../../models/training/prepare.ts';
import { startRun } from '../../models/training/run.ts';
import {
  type Closable,
  logMetrics,
  type RunOptions,
  savedState,
  withOpened,
} from '../../models/training/run-folder.ts';
import { constantSchedule, cosineSchedule, type StepResult, trainStep } from '../../nn/index.ts';
import { random, streamKey } from '../../random.ts';
import { type Arrays, countParameters, params } from '../../tensor/index.ts';
import { loadSceneGraphParser } from '../../text/scene-graph/index.ts';
import { loadTokenizer } from '../../text/tokenizer.ts';
import { type Augmentation, drawMirrored, type TokenisedImage } from '../batches.ts';
import { specialTokens } from '../network.ts';
import { cacheSight, openSight, type Sight } from '../regions/sight.ts';
import { relationFolder } from '../relations/folder.ts';
import { eachParsed } from '../relations/mining.ts';
import { type Rollouts, rollouts } from '../self-critical.ts';
import { learnTokenizer, tokenise } from '../train-setup.ts';
import { type EdgeFinder, type EdgeSource, openEdges } from './edges.ts';
import { graphCaptionerFolder, RELATIONS } from './folder.ts';
import { findGraphs } from './graphs.ts';
import { captionRows, type Graph, graphArrays, type KindedImage } from './inputs.ts';
import { graphCaptionerCard } from './model-card.ts';
import { checkSight } from './open.ts';
import type { GraphStepFields, GraphTrainEvent } from './train-events.ts';
import { validateGraph } from './validate.ts';
import { kindsOfTokens } from './word-kinds.ts';

export interface TrainGraphCaptionerOptions extends RunOptions {
  /** Collections with captions, in any form that `openDataset` reads. */
  data: string[];
  /** Scored while it trains. Without it the last weights are kept instead of the best. */
  val?: string;
  /** `{ model, training }`, as read from the user's JSON; every key is optional. */
  config?: unknown;
  configPlace?: string;
  /** Who proposes regions; see `openRegions`. With `init`, its own by default. */
  regions?: string;
  /** Frozen encoders whose feature maps describe regions. */
  vision: string[];
  /** Folder of a relation graph. Neither this nor `edges: 'truth'`: regions alone. */
  relations?: string;
  /** Where edges come from; default: the relation graph's network. */
  edges?: EdgeSource;
  /** Graph captioner to start from: its weights, tokenizer, sizes and relation graph. */
  init?: string;
  /** Learn captions of this kind only. Default: all. */
  kind?: CaptionKind;
  epochs?: number;
  steps?: number;
  minutes?: number;
  seed: number;
}

const count = z.number().int().positive();
const trainingSchema = z.strictObject({
  /** Images of a step, and captions of each, drawn anew each time. */
  batch: count.default(32),
  captionsPerImage: count.default(5),
  learningRate: z.number().positive().default(5e-4),
  warmup: z.number().int().nonnegative().default(200),
  schedule: z.enum(['cosine', 'constant']).default('cosine'),
  weightDecay: z.number().nonnegative().default(0.01),
  clip: z.number().nonnegative().default(1),
  ema: z.number().min(0).max(0.99999).default(0.999),
  epochs: z.number().positive().default(15),
  /** Mirror images at random, where no caption says "left" or "right". */
  flip: z.boolean().default(true),
  /** Share of words that follow what the captioner would have said itself; it grows to this over the run. LSTMs only. */
  scheduledSampling: z.number().min(0).max(1).default(0.25),
  /** Captions drawn of each image and rewarded by CIDEr-D, in place of learning those that people wrote; for `init`. 0: none. */
  selfCritical: z.number().int().min(0).max(100).default(0),
  /** At which these are drawn: below 1 the words that a smoothed captioner thinks barely possible are hardly ever. */
  temperature: z.number().positive().max(10).default(0.7),
  /** What a drawn caption is to be better than: the likeliest, or the mean of the others. */
  baseline: z.enum(['greedy', 'others']).default('others'),
  /** Relations of a picture that are drawn, as a multiple of those that captions tell of. */
  moreEdges: z.number().positive().default(1),
  validateEvery: z.number().positive().default(1),
  validateImages: count.default(1000),
  beam: count.default(3),
});
export type GraphTraining = z.infer<typeof trainingSchema>;

/** What a user writes; every field has a default, or with `init` the value of the captioner that it goes on from. */
export const graphFileSchema = z.strictObject({
  model: graphCaptionerChoicesSchema.prefault({}),
  training: trainingSchema.prefault({}),
});
const looseSchema = graphFileSchema.extend({ model: z.looseObject({}).prefault({}) });
const KEYS = 'docs/graph-captioner.md lists every key.';

/** Regions of a picture at most, of a detector: of a grid all cells count the same. */
const MOST_REGIONS = 16;

/** Weights know regions, labels and predicates by their places: those of the captioner that a run goes on from must be the same. */
function checkInit({ file, folder }: Awaited<ReturnType<typeof graphCaptionerFolder>>, sight: Sight, predicates: readonly string[]): void {
  checkSight(sight, file, folder);
  const own = file.graph?.predicates ?? [];
  if (own.join('\n') === predicates.join('\n')) return;
  throw new RecaptionError('bad-model', `the captioner was trained on ${own.length} predicates, ${predicates.length === own.length ? 'these are others' : `here are ${predicates.length}`}`, {
    place: folder,
    hint: 'Leave out --relations and --edges: with --init its own relation graph is used.',
  });
} // biome-ignore format: one line

// biome-ignore lint/correctness/useYield: it stands in for one that tells how far it is
async function* plainly<T>(all: T): AsyncGenerator<never, T> {
  return all;
}

/**
 * Trains a graph captioner, and leaves a folder as `recaption train captioner` does, with the relation graph in `relations/`.
 * @throws RecaptionError `no-captions`, `bad-config`, `bad-model`, `no-relations`, `run-exists`, `run-differs`, `bad-checkpoint`,
 * `non-finite`, and those of readers and writers
 */
export async function* trainGraphCaptioner(
  options: TrainGraphCaptionerOptions,
): AsyncGenerator<GraphTrainEvent> {
  yield* withOpened((opened) => train(options, opened));
}

async function* train(
  options: TrainGraphCaptionerOptions,
  opened: Closable[],
): AsyncGenerator<GraphTrainEvent> {
  const { out, seed, device, signal } = options;
  const saved = await savedState(statePath(out), options);
  const from = options.init === undefined ? undefined : await graphCaptionerFolder(options.init);
  const place = options.configPlace ?? 'config';
  const { model, training: asked } = parseConfig(looseSchema, options.config ?? {}, place, KEYS);

  const regions = options.regions ?? from?.file.regions.ref;
  if (regions === undefined) throw new RecaptionError('bad-config', 'nobody proposes regions', { hint: 'Name a detector by --regions.' }); // biome-ignore format: one line
  const vision = options.vision.length > 0 ? options.vision : (from?.file.vision ?? []).map(({ ref }) => ref);
  const sight = await openSight({ regions, vision }, device);
  opened.push(sight);
  const cached = await cacheSight(sight);
  opened.push(cached);
  const { proposer, encoders, maps } = sight;
  const by = options.edges ?? from?.file.graph?.by ?? (options.relations === undefined ? undefined : 'network'); // biome-ignore format: one line
  const graphFrom = by === undefined || by === 'truth' ? undefined : (options.relations ?? from?.relations);
  const finder: EdgeFinder | undefined = by && (await openEdges({ relations: graphFrom, by, device }, sight));
  if (finder) opened.push(finder);
  // What samples say of sides does not hold in the mirror.
  const training: GraphTraining = { ...asked, flip: asked.flip && by !== 'truth' };
  if (from) checkInit(from, sight, finder?.predicates ?? []);
  const config: GraphCaptionerConfig = parseConfig(
    graphCaptionerConfigSchema,
    {
      ...from?.file.model,
      ...model,
      regions: {
        most: proposer.labels.length > 0 ? Math.min(MOST_REGIONS, proposer.most) : proposer.most,
        labels: proposer.labels.length,
        maps,
      },
      predicates: finder?.predicates.length ?? 0,
      ...(options.kind && { kind: options.kind }),
    },
    place,
    KEYS,
  );

  const { images, validation, failed, failures } = yield* gatherImages(options, cached.recorders, {
    kind: options.kind,
    flip: training.flip,
    regions: true,
  });
  const stoppedAt = (step: number, minutes: number): GraphTrainEvent => ({ kind: 'done', step, path: out, minutes, failed, stopped: true }); // biome-ignore format: one line
  if (signal.aborted) {
    yield stoppedAt(0, 0);
    return;
  }
  if (graphFrom !== undefined) await cp((await relationFolder(graphFrom)).folder, join(out, RELATIONS), { recursive: true, filter: (path) => !/(training-state|metrics|failures)[^/\\]*$/.test(path) }); // biome-ignore format: one line

  const batch = Math.min(training.batch, images.length);
  const graphs = yield* findGraphs(images, validation, training.flip, cached, finder, {
    regions: config.regions.most,
    edges: config.edges,
    batch,
    more: training.moreEdges,
    threshold: saved && Number(saved.metadata.threshold),
    signal,
  });
  if (!graphs) {
    yield stoppedAt(0, 0);
    return;
  }
  const { threshold } = graphs;

  const learnt = saved ? join(out, 'tokenizer.json') : from?.files['tokenizer.json'];
  const tokenizer = learnt ? await loadTokenizer(learnt) : learnTokenizer(images, config);
  config.vocabulary = tokenizer.vocabSize;
  const special = specialTokens(tokenizer);
  const parser = await loadSceneGraphParser();
  const kindsOf = (image: TokenisedImage): KindedImage => ({
    ...image,
    wordKinds: image.tokens.map((tokens, i) => kindsOfTokens(image.captions[i], tokens, parser, tokenizer)),
  });
  const kinded = (list: PreparedImage[]) =>
    config.kinds === 'none' ? plainly(tokenise(list, tokenizer)) : eachParsed(tokenise(list, tokenizer), kindsOf, signal); // biome-ignore format: one line
  const tokenised: KindedImage[] = yield* kinded(images);
  const validated: KindedImage[] = yield* kinded(validation.slice(0, training.validateImages));
  if (signal.aborted) {
    yield stoppedAt(0, 0);
    return;
  }
  const cut = tokenised.flatMap(({ tokens }) => tokens).filter(({ length }) => length >= config.maxTokens).length; // biome-ignore format: one line
  if (cut > 0) yield { kind: 'warning', code: 'caption-cut', message: `${cut === 1 ? '1 caption is' : `${cut} captions are`} longer than ${config.maxTokens} tokens; what is beyond is not learnt` }; // biome-ignore format: one line

  const { selfCritical } = training;
  if (selfCritical === 1 && training.baseline === 'others') throw new RecaptionError('bad-config', 'training.selfCritical: one caption has no others to be better than', { place, hint: 'Draw two and more of each picture, or set training.baseline to greedy.' }); // biome-ignore format: one line
  const captions = selfCritical || training.captionsPerImage;
  const scheduled = !selfCritical && config.body === 'lstm' && training.scheduledSampling > 0;
  const tree = params();
  // Captions are drawn without dropout, and what is drawn is what must become likelier: with it, a baseline cancels nothing.
  const { loss, words, kinds } = graphCaptionerLoss(tree, selfCritical > 0 ? still(config) : config, { batch, captions, reinforce: selfCritical > 0 ? { temperature: training.temperature } : undefined, scheduled: scheduled ? special : undefined }); // biome-ignore format: one line
  const network = await trainStep({
    params: tree,
    loss,
    metrics: { words, ...(kinds && { kinds }) },
    optimiser: { weightDecay: training.weightDecay, clip: training.clip, ema: training.ema },
    device,
    seed,
    weights: from && !saved ? await loadWeights(from.files['model.safetensors'], tree.all) : undefined,
  });
  opened.push({ close: () => network.dispose() });
  let critic: Rollouts | undefined;
  if (selfCritical > 0) {
    const decoder = await graphDecoder(config, undefined, special, { batch, device });
    critic = rollouts(decoder, tokenizer, tokenised, { samples: selfCritical, maxTokens: config.maxTokens, temperature: training.temperature, baseline: training.baseline }); // biome-ignore format: one line
    opened.push({ close: () => critic!.dispose() });
  }
  const run = startRun(network, saved, { options, epochs: training.epochs, images: images.length, perStep: batch, data: images, besides: { threshold: `${threshold}` } }); // biome-ignore format: one line
  const parameters = countParameters(tree.all);
  const mean = (of: (graph: Graph) => number) =>
    images.reduce((sum, image) => sum + of(graphs.of(image)), 0) / images.length;
  yield {
    kind: 'plan',
    images: images.length,
    captions: tokenised.reduce((sum, { tokens }) => sum + tokens.length, 0),
    regions: mean(({ regions }) => regions.regions.length),
    edges: mean(({ edges }) => edges.length),
    parameters,
    steps: run.clock.steps,
    resumedFrom: network.step,
  };

  const writeTokenizer = () => writeJson(out, 'tokenizer.json', tokenizer.toJSON());
  const weightsTo = (name: string) =>
    saveWeights(join(out, name), network.averaged(), tree.all, { metadata: { step: `${network.step}` } });
  const keep = async (ciderD?: number) => {
    await writeTokenizer();
    await weightsTo('model.safetensors');
    await writeJson(out, 'config.json', {
      type: 'recaption-graph-captioner',
      format: 1,
      model: config,
      regions: { ref: proposer.ref, id: proposer.id, labels: proposer.labels },
      vision: encoders.map(({ ref, id }) => ({ ref, id })),
      ...(by && { graph: { by, predicates: finder!.predicates, threshold } }),
      training,
      seed,
      step: network.step,
    });
    const facts = { options, config, images: images.length, parameters, edges: mean(({ edges }) => edges.length), regions: proposer.id, vision: encoders.map(({ id }) => id), by, step: network.step, minutes: run.clock.seconds() / 60, ciderD }; // biome-ignore format: one line
    await writeFileAtomic(join(out, 'README.md'), graphCaptionerCard(facts));
  };
  const inputsOf = (
    part: readonly PreparedImage[],
    size: number,
    augment: Augmentation = { draw: random(0), mirrored: part.map(() => false) },
  ): Arrays => ({
    ...(encoders.length > 0 && cached.feeder.feed(part, size, augment)),
    ...graphArrays(
      part.map((image, i) => graphs.of(image, augment.mirrored[i])),
      config,
      size,
    ),
  });
  const look = async function* (): AsyncGenerator<GraphTrainEvent> {
    if (validated.length === 0) return;
    const scored = await validateGraph(config, network.averaged(), tokenizer, validated, inputsOf, { beam: training.beam, captions: 5, device }); // biome-ignore format: one line
    const isBest = run.improves(scored.ciderD);
    if (isBest) await keep(scored.ciderD);
    const report: GraphTrainEvent = { kind: 'validation', step: network.step, ...scored, best: isBest };
    await logMetrics(out, report);
    yield report;
  };

  let rewarded = { reward: 0, rewardsPerSecond: 0 };
  const batchAt = async ({ number, chosen, draw }: BatchPlace): Promise<Arrays> => {
    const part = chosen.map((i) => tokenised[i]);
    const flips = training.flip ? drawMirrored(part, draw) : part.map(() => false);
    const seen = inputsOf(part, batch, { draw, mirrored: flips });
    const { drawn = part, ...reward } = (await critic?.draw(part, seen, network.weights(), streamKey(seed, 'rollout', number))) ?? { reward: 0, rewardsPerSecond: 0 }; // biome-ignore format: one line
    rewarded = reward;
    const text = captionRows(drawn, { batch, captions, maxTokens: config.maxTokens }, special, draw);
    if (!scheduled) return { ...seen, ...text };
    const share = training.scheduledSampling * run.clock.progress();
    const resampled = Float32Array.from({ length: text.tokens.length }, (_, i) => Number(i % config.maxTokens > 0 && draw.uniform() < share)); // biome-ignore format: one line
    return { ...seen, ...text, resampled };
  };
  const fields = ({ metrics }: StepResult): GraphStepFields => ({
    captionLoss: metrics.words,
    ...(kinds && { kindLoss: metrics.kinds }),
    ...(critic && rewarded),
  });
  yield* trainingLoop<GraphTrainEvent, GraphStepFields>({
    network,
    run,
    seed,
    images: images.length,
    batch,
    learningRate: training.learningRate,
    schedule: { cosine: cosineSchedule, constant: constantSchedule }[training.schedule](training.warmup),
    batchAt,
    fields,
    every: Math.max(1, Math.round(training.validateEvery * run.clock.perEpoch)),
    look,
    lookFirst: from !== undefined && selfCritical > 0,
    beforeSave: writeTokenizer,
  });
  if (run.best === undefined) await keep();
  yield {
    kind: 'done',
    ...run.ending(),
    ciderD: run.best,
    failed,
    ...(failures && { failures }),
  };
}
