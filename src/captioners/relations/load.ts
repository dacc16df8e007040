import { basename } from 'node:path';
import type { Box } from '../../data/regions.ts';
import { RecaptionError } from '../../errors.ts';
import { loadWeights } from '../../models/model-folder.ts';
import { relationLogits } from '../../models/relation-graph/network.ts';
import type { View } from '../../models/training/prepare.ts';
import { type Device, params } from '../../tensor/index.ts';
import type { ProposedRegion } from '../regions/proposer.ts';
import type { PictureRegions } from '../regions/records.ts';
import { openSight, type Sight } from '../regions/sight.ts';
import { type RelationFile, relationFolder } from './folder.ts';
import { firstOf, priorRows } from './relation-set.ts';
import {
  type PairScores,
  type RelationScorer,
  rankedEdges,
  relationScorer,
  type ScoredBy,
} from './scorer.ts';

/** What a picture shows, as far as it was found: regions, and how they stand to each other. */
export interface PictureGraph {
  regions: { label: string; score: number; box: Box }[];
  /** Places of regions; the likeliest first. */
  relations: { subject: number; predicate: string; object: number; score: number }[];
}

export interface RelationModel {
  /** Names the model and its weights. */
  id: string;
  file: RelationFile;
  sight: Sight;
  /** Longest side of a picture that it can make use of. */
  resolution: number;
  /** All that it thinks of pictures. */
  score(views: readonly View[]): Promise<{ regions: ProposedRegion[]; scores: PairScores }[]>;
  /** Regions and the edges above a threshold, by default the one that was matched to the captions. */
  graphs(views: readonly View[], threshold?: number): Promise<PictureGraph[]>;
  close(): Promise<void>;
}

export interface LoadRelationOptions {
  device?: Device;
  /** Where its detector and its encoders lie now; default: where they lay when it was trained. */
  regions?: string;
  vision?: string[];
  by?: ScoredBy;
}

const BATCH = 8;
/** Edges of a picture at most, whatever the threshold. */
const MOST_EDGES = 200;

/**
 * A relation graph by the folder that `recaption train relations` made.
 * @throws RecaptionError `no-relations`, `bad-model`, `bad-weights`, and those of `openSight`
 */
export async function loadRelations(
  ref: string,
  { device = 'cpu', by, ...places }: LoadRelationOptions = {},
): Promise<RelationModel> {
  const { folder, weights: path, file } = await relationFolder(ref);
  const { model, threshold, predicates } = file;
  const tree = params();
  relationLogits(tree, model, 1); // declares every tensor it must have
  const weights = await loadWeights(path, tree.all);
  const sight = await openSight(
    { regions: places.regions ?? file.regions.ref, vision: places.vision ?? file.vision.map(({ ref }) => ref) }, // biome-ignore format: one line
    device,
  );
  let scorer: RelationScorer;
  try {
    checkSight(sight, file, folder);
    scorer = await relationScorer(model, weights, priorRows({ pairs: file.priors }), { batch: BATCH, device, by }); // biome-ignore format: one line
  } catch (error) {
    await sight.close();
    throw error;
  }
  const score: RelationModel['score'] = async (views) => {
    const results = [];
    for (let at = 0; at < views.length; at += BATCH) {
      const part = views.slice(at, at + BATCH);
      const found = await sight.proposer.propose(part);
      const pictures = part.map(
        ({ image: { width, height } }, i): PictureRegions =>
          firstOf({ regions: found[i], aspect: width / height }, model.regions.most),
      );
      const scores = await scorer.score(pictures, await sight.features(part.map(({ image }) => image), BATCH)); // biome-ignore format: one line
      results.push(...pictures.map(({ regions }, i) => ({ regions, scores: scores[i] })));
    }
    return results;
  };
  return {
    id: basename(folder),
    file,
    sight,
    resolution: sight.resolution,
    score,
    async graphs(views, least = threshold) {
      return (await score(views)).map(({ regions, scores }) => ({
        regions: regions.map(({ box, label, score }) => ({ label: file.regions.labels[label] ?? '', score, box })), // biome-ignore format: one line
        relations: rankedEdges(scores, predicates.length, MOST_EDGES)
          .filter(({ score }) => score >= least)
          .map((edge) => ({ ...edge, predicate: predicates[edge.predicate].name })),
      }));
    },
    async close() {
      await scorer.dispose();
      await sight.close();
    },
  };
}

/** Its detector and its encoders must be those that it was trained with: labels are told by their places. */
function checkSight({ proposer, encoders }: Sight, { regions, vision }: RelationFile, place: string): void {
  const other = (found: string, wanted: string, option: string) =>
    new RecaptionError('bad-model', `the relation graph was trained with ${wanted}, this is ${found}`, {
      place,
      hint: `Name its own by ${option}, with the same description.`,
    });
  if (proposer.id !== regions.id) throw other(proposer.id, regions.id, '--regions');
  for (const [i, { id }] of vision.entries()) {
    if (encoders[i]?.id === id) continue;
    throw other(encoders[i]?.id ?? 'none', id, '--vision');
  }
}
