import type { RelationConfig } from '../../models/relation-graph/config.ts';
import { priorLogits, relationLogits } from '../../models/relation-graph/network.ts';
import { type Arrays, compile, type Device, params, sigmoid, type Weights } from '../../tensor/index.ts';
import type { PictureRegions } from '../regions/records.ts';
import { type PriorRows, pairArrays, regionArrays } from './inputs.ts';

/** What speaks for a relation: the whole classifier, or the labels of the two alone. */
export type ScoredBy = 'network' | 'prior';

/** Probabilities of predicates for the pairs of a picture. */
export interface PairScores {
  /** Regions n of the picture. */
  count: number;
  /** Of the predicate r for the pair (i, j), in [0, 1]. */
  of(subject: number, object: number, predicate: number): number;
}

export interface RelationScorer {
  /** Pictures at once: hand over no more. */
  batch: number;
  /** @param features of the maps of `batch` pictures, `features.NAME` */
  score(pictures: readonly PictureRegions[], features: Arrays): Promise<PairScores[]>;
  dispose(): Promise<void>;
}

export async function relationScorer(
  config: RelationConfig,
  weights: Weights,
  priors: PriorRows,
  { batch, device = 'cpu', by = 'network' }: { batch: number; device?: Device; by?: ScoredBy },
): Promise<RelationScorer> {
  const still = { ...config, dropout: 0 };
  const logits = (by === 'prior' ? priorLogits : relationLogits)(params(), still, batch);
  const program = await compile({ outputs: { scores: sigmoid(logits) }, frozen: weights, device });
  const { most } = config.regions;
  const { predicates } = config;
  return {
    batch,
    async score(pictures, features) {
      const padded = [...pictures, ...Array(batch - pictures.length).fill({ regions: [], aspect: 1 })];
      const feeds = { ...features, ...regionArrays(padded, config.regions), ...pairArrays(padded, config, priors) }; // biome-ignore format: one line
      const scores = (await program.run(feeds)).scores as Float32Array;
      return pictures.map(({ regions }, b) => {
        const own = scores.subarray(b * most * most * predicates, (b + 1) * most * most * predicates);
        return {
          count: Math.min(most, regions.length),
          of: (i, j, r) => own[(i * most + j) * predicates + r],
        };
      });
    },
    dispose: () => program.dispose(),
  };
}

export interface Edge {
  subject: number;
  predicate: number;
  object: number;
  score: number;
}

/** All that may hold between the regions of a picture, the likeliest `most` first; equals in the order of their pairs. */
export function rankedEdges(
  { count, of }: PairScores,
  predicates: number,
  most = Number.POSITIVE_INFINITY,
): Edge[] {
  const edgeAt = (at: number): Omit<Edge, 'score'> => {
    const pair = Math.floor(at / predicates);
    return { subject: Math.floor(pair / count), predicate: at % predicates, object: pair % count };
  };
  const scores = new Float32Array(count * count * predicates).map((_, at) => {
    const { subject, predicate, object } = edgeAt(at);
    return subject === object ? -1 : of(subject, object, predicate);
  });
  const order = new Uint32Array(scores.length).map((_, at) => at).sort((a, b) => scores[b] - scores[a] || a - b); // biome-ignore format: one line
  return Array.from(order.subarray(0, Math.min(most, count * (count - 1) * predicates)), (at) => ({
    ...edgeAt(at),
    score: scores[at],
  }));
}

/**
 * The score above which pictures have `mean` edges on average.
 * @param scores of all that may hold in all pictures
 */
export function matchedThreshold(scores: Float32Array, pictures: number, mean: number): number {
  const sorted = scores.toSorted();
  const kept = Math.min(sorted.length, Math.round(mean * pictures));
  if (kept === 0) return 1;
  const [above, below] = [sorted[sorted.length - kept], sorted[sorted.length - kept - 1] ?? 0];
  return (above + below) / 2;
}
