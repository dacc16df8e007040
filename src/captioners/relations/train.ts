import { join } from 'node:path';
import { z } from 'zod';
import { type RelationTruth, recallAt } from '../../evaluate/relations.ts';
import { writeFileAtomic } from '../../files.ts';
import { parseConfig } from '../../models/captioner-config.ts';
import { loadWeights, saveWeights, writeJson } from '../../models/model-folder.ts';
import { type RelationConfig, relationConfigSchema } from '../../models/relation-graph/config.ts';
import { PRIOR, relationLoss } from '../../models/relation-graph/network.ts';
import { epochOrder } from '../../models/training/epoch-order.ts';
import { statePath, trainingLoop } from '../../models/training/loop.ts';
import { gatherImages, type PreparedImage } from '../../models/training/prepare.ts';
import { startRun } from '../../models/training/run.ts';
import {
  type Closable,
  logMetrics,
  type RunOptions,
  savedState,
  withOpened,
} from '../../models/training/run-folder.ts';
import { cosineSchedule, trainStep } from '../../nn/index.ts';
import { countParameters, params, type Weights } from '../../tensor/index.ts';
import { loadSceneGraphParser } from '../../text/scene-graph/index.ts';
import type { PictureRegions } from '../regions/records.ts';
import { cacheSight, openSight } from '../regions/sight.ts';
import { parseAll } from './mining.ts';
import { relationCard } from './model-card.ts';
import {
  firstOf,
  negativeWeights,
  priorRows,
  type RelationView,
  relationBatch,
  relationSet,
  relationTrainingSchema,
} from './relation-set.ts';
import { matchedThreshold, rankedEdges, relationScorer } from './scorer.ts';
import type { RelationStep, RelationTrainEvent } from './train-events.ts';

export interface TrainRelationsOptions extends RunOptions {
  /** Collections with captions, in any form that `openDataset` reads. */
  data: string[];
  /** Measured while it trains; without it the last weights are kept instead of the best. */
  val?: string;
  /** `{ model, training }`, as read from the user's JSON; every key is optional. */
  config?: unknown;
  configPlace?: string;
  /** Who proposes regions; see `openRegions`. */
  regions: string;
  /** Frozen encoders whose feature maps describe regions. None: labels and boxes alone. */
  vision: string[];
  /** Learn what samples say of their objects (`meta.graph`) instead of what captions tell: the upper bound, where the truth is known. */
  supervised?: boolean;
  epochs?: number;
  steps?: number;
  minutes?: number;
  seed: number;
}

/** What a user writes; every field has a default. */
export const relationConfigFileSchema = z.strictObject({
  model: relationConfigSchema.omit({ regions: true, predicates: true, priors: true }).prefault({}),
  training: relationTrainingSchema.prefault({}),
});

/** Regions of a picture at most, whatever its proposer would propose: pairs grow with their square. */
const MOST_REGIONS = 16;
/** Edges among which what is told of is looked for while training. */
const RECALL_AT = 20;
/** Training pictures from which the threshold is read, and their edges that may lie above it. */
const THRESHOLD_PICTURES = 1000;
const MOST_EDGES = 500;

/**
 * Learns a relation graph from captions, and leaves config.json (with the vocabularies and the threshold), model.safetensors, README.md,
 * metrics.jsonl, training-state.safetensors to go on from, and failures.jsonl where samples were left out.
 * @throws RecaptionError `no-captions`, `no-triplets`, `no-truth`, `bad-config`, `run-exists`, `run-differs`, and those of readers and writers
 */
export async function* trainRelations(options: TrainRelationsOptions): AsyncGenerator<RelationTrainEvent> {
  yield* withOpened((opened) => train(options, opened));
}

async function* train(
  options: TrainRelationsOptions,
  opened: Closable[],
): AsyncGenerator<RelationTrainEvent> {
  const { out, seed, device, signal, supervised = false } = options;
  const saved = await savedState(statePath(out), options);
  const { model, training } = parseConfig(relationConfigFileSchema, options.config ?? {}, options.configPlace ?? 'config', 'docs/relations.md lists every key.'); // biome-ignore format: one line

  const sight = await openSight(options, device);
  opened.push(sight);
  const cached = await cacheSight(sight);
  opened.push(cached);
  const { proposer, encoders, maps } = sight;
  const { images, validation, failed, failures } = yield* gatherImages(options, cached.recorders, {
    flip: training.flip,
    regions: true,
  });
  const stoppedAt = (step: number, minutes: number): RelationTrainEvent => ({ kind: 'done', step, path: out, minutes, threshold: 0, edges: 0, failed, stopped: true }); // biome-ignore format: one line

  const parser = await loadSceneGraphParser();
  const triplets = yield* parseAll(images, parser, signal);
  const judgedTriplets = yield* parseAll(validation, parser, signal);
  if (signal.aborted) {
    yield stoppedAt(0, 0);
    return;
  }
  const most = Math.min(MOST_REGIONS, proposer.most);
  const { vocabulary, priors, tell, views } = relationSet(images, triplets, cached, proposer.labels, most, training, supervised); // biome-ignore format: one line
  const config: RelationConfig = {
    ...model,
    regions: { most, labels: proposer.labels.length, maps },
    predicates: vocabulary.predicates.length,
    priors: priors.pairs.length,
  };

  const batch = Math.min(training.batch, images.length);
  const tree = params();
  const { loss, told, untold } = relationLoss(tree, config, { batch, single: supervised });
  const network = await trainStep({
    params: tree,
    loss,
    metrics: { told, untold },
    optimiser: { weightDecay: training.weightDecay, clip: 1, ema: training.ema },
    frozen: (path) => path === PRIOR,
    device,
    seed,
    weights: new Map([[PRIOR, priors.table as Float32Array<ArrayBuffer>]]),
  });
  opened.push({ close: () => network.dispose() });
  const run = startRun(network, saved, { options, epochs: training.epochs, images: images.length, perStep: batch, data: images }); // biome-ignore format: one line
  const parameters = countParameters(tree.all);
  const tellers = views.filter(({ told }) => told.length > 0).length;
  const edges =
    views.reduce((sum, { told }) => told.reduce((all, { triplets }) => all + triplets, sum), 0) /
    images.length;
  yield {
    kind: 'plan',
    images: images.length,
    told: tellers,
    triplets: Math.round(edges * images.length),
    predicates: config.predicates,
    objects: vocabulary.objects.length,
    parameters,
    steps: run.clock.steps,
    resumedFrom: network.step,
  };

  // The mirror image has regions of its own; where a side is spoken of, it says something else.
  const mirrors = new Map<number, RelationView>();
  const sided = triplets.map((list) => supervised || list.some(({ predicate }) => /\b(left|right)\b/.test(predicate))); // biome-ignore format: one line
  const mirrorOf = (i: number): RelationView => {
    const regions = firstOf(cached.regionsOf(`${images[i].hash}:flip`), most);
    const view = mirrors.get(i) ?? { regions, told: tell(images[i], triplets[i], regions) };
    mirrors.set(i, view);
    return view;
  };
  const rows = priorRows(priors);
  const balance = { balance: training.balance, share: negativeWeights(training, views, config.predicates) };
  const features = (chosen: PreparedImage[], augment?: Parameters<typeof cached.feeder.feed>[2]) =>
    encoders.length > 0 ? cached.feeder.feed(chosen, batch, augment) : {};

  const scoreAll = async function* (
    weights: Weights,
    list: readonly { image: PreparedImage; regions: PictureRegions }[],
  ) {
    const scorer = await relationScorer(config, weights, rows, { batch, device });
    try {
      for (let at = 0; at < list.length; at += batch) {
        const part = list.slice(at, at + batch);
        const seen = features(part.map(({ image }) => image));
        yield* await scorer.score(part.map(({ regions }) => regions), seen); // biome-ignore format: one line
      }
    } finally {
      await scorer.dispose();
    }
  };
  const judged = validation.flatMap((image, i) => {
    const regions = firstOf(cached.regionsOf(image.hash), most);
    const truths = tell(image, judgedTriplets[i], regions).map(({ predicate, pairs }): RelationTruth => ({ predicates: [predicate], pairs })); // biome-ignore format: one line
    return truths.length > 0 ? [{ image, regions, truths }] : [];
  });
  const file = join(out, 'model.safetensors');
  const keep = () => saveWeights(file, network.averaged(), tree.all, { metadata: { step: `${network.step}` } }); // biome-ignore format: one line
  const look = async function* (): AsyncGenerator<RelationTrainEvent> {
    if (judged.length === 0) return;
    let [sum, at] = [0, 0];
    for await (const scores of scoreAll(network.averaged(), judged))
      sum += recallAt(rankedEdges(scores, config.predicates, RECALL_AT), judged[at++].truths, RECALL_AT);
    const recall = sum / judged.length;
    const isBest = run.improves(recall);
    if (isBest) await keep();
    const report: RelationTrainEvent = { kind: 'validation', step: network.step, recall, best: isBest };
    await logMetrics(out, report);
    yield report;
  };

  yield* trainingLoop<RelationTrainEvent, RelationStep>({
    network,
    run,
    seed,
    images: images.length,
    batch,
    learningRate: training.learningRate,
    schedule: cosineSchedule(training.warmup),
    batchAt({ chosen, draw }) {
      const mirrored = chosen.map((i) => training.flip && !sided[i] && draw.uniform() < 0.5);
      const seen = features(chosen.map((i) => images[i]), { draw, mirrored }); // biome-ignore format: one line
      const shown = chosen.map((i, b) => (mirrored[b] ? mirrorOf(i) : views[i]));
      return { ...seen, ...relationBatch(shown, config, rows, balance, draw) };
    },
    fields: ({ metrics }) => ({ toldLoss: metrics.told, untoldLoss: metrics.untold }),
    every: Math.max(1, Math.round(training.validateEvery * run.clock.perEpoch)),
    look,
  });
  if (signal.aborted && run.clock.progress() < 1) {
    yield stoppedAt(network.step, run.clock.seconds() / 60);
    return;
  }
  if (run.best === undefined) await keep();

  const sample = Array.from(epochOrder(images.length, seed, 0).subarray(0, THRESHOLD_PICTURES), (i) => ({ image: images[i], regions: views[i].regions })); // biome-ignore format: one line
  const scores: number[] = [];
  for await (const one of scoreAll(await loadWeights(file, tree.all), sample))
    for (const { score } of rankedEdges(one, config.predicates, MOST_EDGES)) scores.push(score);
  const threshold = matchedThreshold(Float32Array.from(scores), sample.length, edges);
  await writeJson(out, 'config.json', {
    type: 'recaption-relations',
    format: 1,
    model: config,
    regions: { ref: proposer.ref, id: proposer.id, labels: proposer.labels },
    vision: encoders.map(({ ref, id }) => ({ ref, id })),
    ...vocabulary,
    priors: priors.pairs,
    edges,
    threshold,
    training,
    seed,
    step: network.step,
  });
  const facts = { options, images: images.length, tellers, edges, threshold, recall: run.best, parameters, predicates: vocabulary.predicates, step: network.step, minutes: run.clock.seconds() / 60, regions: proposer.id, vision: encoders.map(({ id }) => id) }; // biome-ignore format: one line
  await writeFileAtomic(join(out, 'README.md'), relationCard(facts));
  yield {
    kind: 'done',
    step: network.step,
    path: out,
    minutes: facts.minutes,
    recall: run.best,
    threshold,
    edges,
    failed,
    ...(failures && { failures }),
    stopped: false,
  };
}
