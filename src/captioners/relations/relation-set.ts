/** The pictures that a relation graph learns from, and what is told of their regions. */
import { z } from 'zod';
import { RecaptionError } from '../../errors.ts';
import type { RelationConfig } from '../../models/relation-graph/config.ts';
import { labelMatcher } from '../../models/relation-graph/grounding.ts';
import type { Triplet } from '../../models/relation-graph/triplets.ts';
import type { PreparedImage } from '../../models/training/prepare.ts';
import type { Random } from '../../random.ts';
import type { Arrays } from '../../tensor/index.ts';
import { HELD_RELATIONS, heldRelations, type Relation } from '../../world/index.ts';
import type { PictureRegions } from '../regions/records.ts';
import type { CachedSight } from '../regions/sight.ts';
import { pairArrays, pairsOf, priorKey, regionArrays } from './inputs.ts';
import { countPriors, type Priors, type Told, toldOf, type Vocabulary, vocabularyOf } from './mining.ts';

const count = z.number().int().positive();

export const relationTrainingSchema = z.strictObject({
  /** Pictures of a step. */
  batch: count.default(32),
  learningRate: z.number().positive().default(1e-3),
  warmup: z.number().int().nonnegative().default(50),
  weightDecay: z.number().nonnegative().default(0.05),
  ema: z.number().min(0).max(0.99999).default(0.99),
  epochs: z.number().positive().default(8),
  /** Mirror pictures at random, where no caption says which side. */
  flip: z.boolean().default(true),
  /** Predicates learnt at most, and pictures that one must be told of in. */
  predicates: count.max(10_000).default(200),
  leastTold: count.default(5),
  /**
   * Nearly all pairs stand in nearly none of the predicates. `weight`: all that is not told of a predicate counts together as `negatives`
   * pairs for each picture that it is told of in; `sample`: so many pairs are drawn for each; `none`: every pair counts fully.
   */
  balance: z.enum(['weight', 'sample', 'none']).default('weight'),
  negatives: z.number().positive().default(20),
  validateEvery: z.number().positive().default(1),
});
export type RelationTraining = z.infer<typeof relationTrainingSchema>;

/** A picture or its mirror image. */
export interface RelationView {
  regions: PictureRegions;
  told: Told;
}

/** Says what is told of a picture with these regions. */
export type Teller = (image: PreparedImage, triplets: readonly Triplet[], regions: PictureRegions) => Told;

export interface RelationSet {
  vocabulary: Vocabulary;
  priors: Priors;
  tell: Teller;
  /** In the order of the images. */
  views: RelationView[];
}

/**
 * Reads pictures whose regions are cached.
 * @param triplets of each @param supervised learn what samples say of their objects instead of what captions tell
 * @throws RecaptionError `no-triplets`, `no-truth`
 */
export function relationSet(
  images: readonly PreparedImage[],
  triplets: readonly (readonly Triplet[])[],
  { regionsOf }: CachedSight,
  labels: readonly string[],
  most: number,
  { predicates: mostPredicates, leastTold }: RelationTraining,
  supervised: boolean,
): RelationSet {
  const own = images.map(({ hash }) => firstOf(regionsOf(hash), most));
  const matcher = labelMatcher(labels);
  const vocabulary: Vocabulary = supervised
    ? { predicates: HELD_RELATIONS.map((name) => ({ name, count: 0 })), objects: [] }
    : vocabularyOf(
        own.map(({ regions }, i) => ({ regions, triplets: triplets[i] })),
        matcher,
        { most: mostPredicates, least: leastTold },
      );
  const predicates = new Map(vocabulary.predicates.map(({ name }, i) => [name, i]));
  const tell: Teller = (image, said, { regions }) =>
    supervised
      ? trueRelations(image, regions.length, predicates)
      : toldOf(said, regions, matcher, predicates);
  const views = images.map((image, i) => ({ regions: own[i], told: tell(image, triplets[i], own[i]) }));
  if (views.every(({ told }) => told.length === 0)) throw nothingTold(own, triplets, labels, supervised);
  const pictures = views.map(({ regions, told }) => ({ regions: regions.regions, told }));
  return { vocabulary, priors: countPriors(pictures, most, predicates.size), tell, views };
}

export const firstOf = ({ regions, aspect }: PictureRegions, most: number): PictureRegions => ({
  regions: regions.slice(0, most),
  aspect,
});

/** Every relation of a scene in both directions, each a bag of its own. */
function trueRelations(
  { relations = [] }: PreparedImage,
  regions: number,
  predicates: ReadonlyMap<string, number>,
): Told {
  const known = relations.filter(({ predicate }) => predicates.has(predicate)) as { subject: number; predicate: Relation; object: number }[]; // biome-ignore format: one line
  return heldRelations({ relations: known }).flatMap(({ subject, relation, object }) =>
    Math.max(subject, object) < regions
      ? [
          {
            predicate: predicates.get(relation)!,
            pairs: [[subject, object]] as [number, number][],
            triplets: 1,
          },
        ]
      : [],
  );
}

function nothingTold(
  own: readonly PictureRegions[],
  triplets: readonly (readonly Triplet[])[],
  labels: readonly string[],
  supervised: boolean,
): RecaptionError {
  if (supervised) {
    return new RecaptionError('no-truth', 'no sample says how its objects stand to each other', {
      hint: 'Full supervision needs scenes of `recaption world` and --regions world.',
    });
  }
  if (own.every(({ regions }) => regions.length < 2)) {
    return new RecaptionError('no-triplets', 'in no picture two regions were found', {
      hint: 'Choose a detector that knows what your pictures show, or lower its threshold.',
    });
  }
  if (labels.length === 0) {
    return new RecaptionError('no-triplets', 'regions without labels cannot be told apart by captions', {
      hint: 'A relation graph is learnt through a detector: name one by --regions.',
    });
  }
  const none = triplets.every((list) => list.length === 0);
  return new RecaptionError(
    'no-triplets',
    none ? 'the captions tell of no relations' : 'nothing that the captions relate was found among the regions often enough',
    {
      hint: none
        ? 'Captions such as "a dog on a sofa" are needed; `recaption parse` shows what is read in yours.'
        : 'Choose a detector whose labels fit your captions, or set training.leastTold to 1.',
    },
  ); // biome-ignore format: one line
}

/** How much a pair counts as one that does not stand in each predicate, so that rare predicates are not drowned; see `balance`. */
export function negativeWeights(
  { balance, negatives }: RelationTraining,
  views: readonly RelationView[],
  predicates: number,
): Float32Array {
  if (balance === 'none') return new Float32Array(predicates).fill(1);
  const bags = new Float64Array(predicates);
  let pairs = 0;
  for (const { told, regions } of views) {
    for (const { predicate } of told) bags[predicate]++;
    pairs += regions.regions.length * (regions.regions.length - 1);
  }
  return Float32Array.from(bags, (count) => Math.min(1, (negatives * count) / Math.max(1, pairs)));
}

/** The inputs of `relationLoss` for the views of a batch. @param share weight of a pair as none of each predicate's, or with `sample` its chance of being drawn */
export function relationBatch(
  views: readonly RelationView[],
  config: RelationConfig,
  rows: ReadonlyMap<string, number>,
  { balance, share }: { balance: RelationTraining['balance']; share: Float32Array },
  draw: Random,
): Arrays {
  const { most } = config.regions;
  const { predicates } = config;
  const size = most * most * predicates;
  const bags = new Uint8Array(views.length * size);
  const others = new Float32Array(views.length * size);
  for (const [b, { regions, told }] of views.entries()) {
    for (const { predicate, pairs } of told) for (const [i, j] of pairs) bags[b * size + (i * most + j) * predicates + predicate] = 1; // biome-ignore format: one line
    for (const [i, j] of pairsOf(regions.regions, most)) {
      const at = b * size + (i * most + j) * predicates;
      for (let r = 0; r < predicates; r++) {
        if (bags[at + r] === 1) continue;
        others[at + r] = balance === 'sample' ? Number(draw.uniform() < share[r]) : share[r];
      }
    }
  }
  const pictures = views.map(({ regions }) => regions);
  return { ...regionArrays(pictures, config.regions), ...pairArrays(pictures, config, rows), bags, others };
}

/** Rows of the table of priors by the labels of a pair. */
export const priorRows = ({ pairs }: Pick<Priors, 'pairs'>): Map<string, number> =>
  new Map(pairs.map(([subject, object], i) => [priorKey(subject, object), i + 1]));
