/** `evaluate relations`: how much of what holds between the regions of pictures a relation graph finds. */
import { type Command, Option } from 'commander';
import type { RelationModel } from '../captioners/relations/load.ts';
import { loadImages, openDataset } from '../data/index.ts';
import { regionsOf, relationsOf } from '../data/regions.ts';
import type { Sample } from '../data/sample.ts';
import { UsageError } from '../errors.ts';
import type { RecallAt, RelationScores, RelationTruth } from '../evaluate/relations.ts';
import type { Image } from '../image/image.ts';
import type { Device } from '../tensor/device.ts';
import { type Context, EXIT } from './main.ts';
import { deviceOption, required, wholeNumber } from './options.ts';
import { counted, type Output, printable } from './output.ts';

const TRUTHS = ['scenes', 'captions'] as const;
const SCORERS = ['network', 'prior'] as const;

interface Options {
  model?: string[];
  data?: string;
  truth?: (typeof TRUTHS)[number];
  by: (typeof SCORERS)[number];
  regions?: string;
  vision?: string[];
  limit?: number;
  device: Device;
}

export function registerRelations(evaluate: Command, context: Context): void {
  evaluate
    .command('relations')
    .summary('how much of what holds between things a relation graph finds')
    .description(
      'Sets the relations that a graph finds beside those that hold: in scenes all of them, by what the samples say; in photos those that ' +
        'their captions tell of regions. Recall among the likeliest edges, precision of those that are drawn, 95 % intervals over pictures.',
    )
    .option('--model <dir...>', 'relation graphs, made by "recaption train relations"; a table for each')
    .option('--data <source>', 'pictures with captions, or scenes')
    .addOption(new Option('--truth <what>', 'what to set beside (default: scenes, if the samples tell)').choices(TRUTHS)) // biome-ignore format: one line
    .addOption(new Option('--by <what>', 'score by the whole network, or by the labels of a pair alone').choices(SCORERS).default('network')) // biome-ignore format: one line
    .option('--regions <ref>', 'where the detector lies now')
    .option('--vision <ref...>', 'where the encoders lie now')
    .option('--limit <n>', 'only the first pictures', wholeNumber(1))
    .addOption(deviceOption())
    .addHelpText('after', '\nExample:\n  $ recaption evaluate relations --model relations --data photos/')
    .action((options: Options) => run(options, context));
}

async function run(options: Options, context: Context): Promise<void> {
  const models = required(options.model, '--model <dir...>');
  const data = required(options.data, '--data <source>');
  const { loadRelations } = await import('../captioners/relations/load.ts');
  for (const ref of models) {
    const model = await loadRelations(ref, options);
    try {
      const scores = await evaluateOne(model, data, options, context);
      if (scores === undefined || context.signal.aborted) return;
      context.output.record({ kind: 'scores', model: ref, by: options.by, ...scores });
      print(ref, scores, options, context.output);
    } finally {
      await model.close();
    }
  }
}

/** Pictures looked at together. */
const BATCH = 32;

async function evaluateOne(
  model: RelationModel,
  data: string,
  { truth, limit = Number.POSITIVE_INFINITY }: Options,
  { output, signal, exit }: Context,
): Promise<RelationScores | undefined> {
  const { classScores, relationEvaluation } = await import('../evaluate/relations.ts');
  const failed = (failure: { message: string; place: string }) => {
    output.failure(failure);
    exit(EXIT.doneWithFailures);
  };
  let judge: Judge | undefined;
  let evaluation: ReturnType<typeof relationEvaluation> | undefined;
  let batch: { sample: Sample; image: Image }[] = [];
  const started = performance.now();
  let done = 0;
  const flush = async () => {
    const views = batch.map(({ sample, image }) => ({ image, regions: regionsOf(sample.meta) }));
    for (const [i, { regions, scores }] of (await model.score(views)).entries()) {
      const judged = { scores: classScores(scores, judge!.classes), truths: judge!.truths(batch[i].sample, regions) };
      evaluation!.add(judged);
    } // biome-ignore format: one line
    done += batch.length;
    batch = [];
    output.progress({ label: 'judging', done, unit: 'pictures', rate: (1000 * done) / (performance.now() - started) }); // biome-ignore format: one line
  };
  for await (const loaded of loadImages(await openDataset(data, { onFailure: failed }), {
    maxSide: model.resolution,
    onFailure: failed,
  })) {
    // biome-ignore format: one line
    if (signal.aborted) return undefined;
    if (judge === undefined) {
      const what = truth ?? (relationsOf(loaded.sample.meta) ? 'scenes' : 'captions');
      judge = what === 'scenes' ? await sceneJudge(model) : await captionJudge(model);
      evaluation = relationEvaluation(what, judge.classes.length, model.file.threshold);
    }
    batch.push(loaded);
    if (batch.length === BATCH) await flush();
    if (done + batch.length >= limit) break;
  }
  if (batch.length > 0) await flush();
  const scores = evaluation?.scores();
  if (scores && scores.pictures > 0) return scores;
  throw new UsageError('nothing is known to hold between regions of these pictures', {
    hint: 'Give scenes of "recaption world", or photos with captions that tell of things its detector knows.',
  });
}

/** What holds in a picture, in classes of predicates. */
interface Judge {
  classes: number[][];
  truths(sample: Sample, regions: readonly { label: number; score: number }[]): RelationTruth[];
}

/** All that holds between the objects of a scene, whatever predicates the captions name it by. */
async function sceneJudge({ file }: RelationModel): Promise<Judge> {
  const { HELD_RELATIONS, heldRelations, relationNamed } = await import('../world/index.ts');
  const named = file.predicates.map(({ name }) => HELD_RELATIONS.find((one) => one === name) ?? relationNamed(name)); // biome-ignore format: one line
  return {
    classes: HELD_RELATIONS.map((relation) => named.flatMap((name, r) => (name === relation ? [r] : []))),
    truths: ({ meta }, regions) =>
      heldRelations({ relations: (relationsOf(meta) ?? []) as Parameters<typeof heldRelations>[0]['relations'] })
        .filter(({ subject, object }) => Math.max(subject, object) < regions.length)
        .map(({ subject, relation, object }) => ({
          predicates: [HELD_RELATIONS.indexOf(relation)],
          pairs: [[subject, object]],
        })),
  }; // biome-ignore format: one line
}

/** What captions tell of regions; of a predicate that the graph does not know, nothing is found. */
async function captionJudge({ file }: RelationModel): Promise<Judge> {
  const [{ labelMatcher }, { groundTriplets, tripletsOf }, { loadSceneGraphParser }] = await Promise.all([
    import('../models/relation-graph/grounding.ts'),
    import('../models/relation-graph/triplets.ts'),
    import('../text/scene-graph/index.ts'),
  ]);
  const parser = await loadSceneGraphParser();
  const matcher = labelMatcher(file.regions.labels);
  const places = new Map(file.predicates.map(({ name }, r) => [name, r]));
  return {
    classes: file.predicates.map((_, r) => [r]),
    truths: ({ captions }, regions) => {
      const triplets = tripletsOf(captions.map(({ text }) => text), parser); // biome-ignore format: one line
      return groundTriplets(triplets, regions, matcher).map(({ predicate, pairs }) => {
        const place = places.get(predicate);
        return { predicates: place === undefined ? [] : [place], pairs };
      });
    },
  };
}

function print(ref: string, scores: RelationScores, { by }: Options, output: Output): void {
  const percent = (share: number) => (100 * share).toFixed(1);
  const [low, high] = scores.precision.interval;
  output.print(`${output.bold(printable(ref))}${by === 'prior' ? ', by the labels of pairs alone' : ''}: ${counted(scores.pictures, 'picture')}, ${scores.held.toFixed(1)} relations of each ${scores.truth === 'scenes' ? 'hold' : 'are told of'}`); // biome-ignore format: one line
  const share = ({ rate, interval }: RecallAt) => `${percent(rate).padStart(6)} %  [${interval.map(percent).join(', ')}]`; // biome-ignore format: one line
  for (const [i, one] of scores.recall.entries())
    output.print(`  recall at ${String(one.k).padEnd(3)} ${share(one)}, mean over predicates ${share(scores.meanRecall[i])}`); // biome-ignore format: one line
  output.print(`  of ${scores.edges.toFixed(2)} edges drawn, ${percent(scores.precision.rate)} % ${scores.truth === 'scenes' ? 'hold' : 'are told of'}  [${percent(low)}, ${percent(high)}]`); // biome-ignore format: one line
  if (scores.auc !== undefined) output.print(`  area under the ROC curve ${scores.auc.toFixed(4)}`);
}
