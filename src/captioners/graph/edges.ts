/** The edges of pictures' graphs, as a captioner gets them. */

import type { RegionRelation } from '../../data/regions.ts';
import { RecaptionError } from '../../errors.ts';
import { loadWeights } from '../../models/model-folder.ts';
import { relationLogits } from '../../models/relation-graph/network.ts';
import { type Arrays, type Device, params } from '../../tensor/index.ts';
import { HELD_RELATIONS, heldRelations, type Relation } from '../../world/index.ts';
import type { PictureRegions } from '../regions/records.ts';
import type { Sight } from '../regions/sight.ts';
import { WORLD } from '../regions/world.ts';
import { type RelationFile, relationFolder } from '../relations/folder.ts';
import { firstOf, priorRows } from '../relations/relation-set.ts';
import {
  type Edge,
  matchedThreshold,
  type RelationScorer,
  rankedEdges,
  relationScorer,
} from '../relations/scorer.ts';

/** Where edges come from: a relation graph, the labels of pairs alone, or what samples say of their objects. */
export const EDGE_SOURCES = ['network', 'prior', 'truth'] as const;
export type EdgeSource = (typeof EDGE_SOURCES)[number];

export interface EdgeFinder {
  predicates: string[];
  /** Edges that captions tell of, of a picture; undefined where all that are found hold. */
  mean?: number;
  /** The likeliest edges of each picture, at most `most`. @param features of `batch` pictures or less, `features.NAME` */
  find(
    pictures: readonly SeenPicture[],
    features: Arrays,
    size: { batch: number; most: number },
  ): Promise<Edge[][]>;
  close(): Promise<void>;
}

export interface SeenPicture {
  regions: PictureRegions;
  /** What its sample says of its objects. */
  relations?: readonly RegionRelation[];
}

/**
 * @param sight what the captioner sees with: the relation graph must have been trained on the same regions, and on maps of encoders that are
 * among its own
 * @throws RecaptionError `no-relations`, `bad-config`, `bad-model`, `bad-weights`
 */
export async function openEdges(
  { relations, by, device }: { relations?: string; by: EdgeSource; device: Device },
  sight: Sight,
): Promise<EdgeFinder> {
  if (by === 'truth') {
    if (sight.proposer.id === WORLD) return trueEdges;
    throw new RecaptionError('bad-config', 'what scenes say is of their own objects, and these regions are others', {
      place: sight.proposer.ref,
      hint: 'Add --regions world, or find relations by --relations.',
    }); // biome-ignore format: one line
  }
  if (relations === undefined) {
    throw new RecaptionError('bad-config', 'there is no relation graph to find edges with', {
      hint: 'Name one by --relations, made by `recaption train relations`.',
    });
  }
  const { folder, weights: path, file } = await relationFolder(relations);
  checkSame(file, sight, folder);
  const tree = params();
  relationLogits(tree, file.model, 1); // declares every tensor it must have
  const weights = await loadWeights(path, tree.all);
  const scorers = new Map<number, Promise<RelationScorer>>();
  const scorerFor = (batch: number): Promise<RelationScorer> => {
    const scorer = scorers.get(batch) ?? relationScorer(file.model, weights, priorRows({ pairs: file.priors }), { batch, device, by }); // biome-ignore format: one line
    scorers.set(batch, scorer);
    return scorer;
  };
  return {
    predicates: file.predicates.map(({ name }) => name),
    mean: file.edges,
    async find(pictures, features, { batch, most }) {
      const seen = pictures.map(({ regions }) => firstOf(regions, file.model.regions.most));
      const scorer = await scorerFor(batch);
      return (await scorer.score(seen, features)).map((scores) => rankedEdges(scores, file.predicates.length, most)); // biome-ignore format: one line
    },
    async close() {
      for (const scorer of scorers.values()) await (await scorer).dispose();
    },
  };
}

const trueEdges: EdgeFinder = {
  predicates: [...HELD_RELATIONS],
  find: async (pictures, _, { most }) =>
    pictures.map(
      ({ relations = [], regions: { regions } }) =>
      heldRelations({ relations: relations as { subject: number; predicate: Relation; object: number }[] })
        .filter(({ subject, object }) => Math.max(subject, object) < regions.length)
        .slice(0, most)
        .map(({ subject, relation, object }) => ({ subject, predicate: HELD_RELATIONS.indexOf(relation), object, score: 1 })), // biome-ignore format: one line
    ),
  close: async () => {},
};

function checkSame({ regions, vision }: RelationFile, { proposer, encoders }: Sight, place: string): void {
  if (proposer.id !== regions.id) {
    throw new RecaptionError('bad-model', `the relation graph was trained on the regions of ${regions.id}, these are of ${proposer.id}`, {
      place,
      hint: 'Train both on the same --regions, with the same description.',
    }); // biome-ignore format: one line
  }
  const missing = vision.find(({ id }) => !encoders.some((encoder) => encoder.id === id));
  if (!missing) return;
  throw new RecaptionError('bad-model', `the relation graph sees through ${missing.id}, which is not among the captioner's encoders`, {
    place,
    hint: `Add ${missing.ref} to --vision.`,
  }); // biome-ignore format: one line
}

/** The score that as many edges lie above as captions tell of, where edges are found that may not hold. */
export function edgeThreshold(found: readonly (readonly Edge[])[], mean: number | undefined): number {
  if (mean === undefined) return 0;
  const scores = found.flatMap((edges) => edges.map(({ score }) => score));
  return matchedThreshold(Float32Array.from(scores), found.length, mean);
}
