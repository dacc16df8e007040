/** How much of what holds between the regions of pictures a relation graph finds. */
import { type Edge, type PairScores, rankedEdges } from '../captioners/relations/scorer.ts';
import { type Additive, additive, additiveMean } from '../metrics/additive.ts';
import { bootstrap, type Interval, scoresOf } from '../metrics/bootstrap.ts';

/** Something that holds: one of these pairs stands in one of these predicates. */
export interface RelationTruth {
  predicates: readonly number[];
  pairs: readonly (readonly [subject: number, object: number])[];
}

/** Whether an edge says it. */
export const says = ({ predicates, pairs }: RelationTruth, { subject, predicate, object }: Edge): boolean =>
  predicates.includes(predicate) && pairs.some(([i, j]) => i === subject && j === object);

/**
 * Share of what holds in a picture that is among its `k` likeliest edges, in [0, 1] (recall@k, Lu et al. 2016). What is not in the
 * vocabulary, or whose ends are no regions, counts as missed: give it no predicates or no pairs.
 * @param edges the likeliest first
 */
export function recallAt(edges: readonly Edge[], truths: readonly RelationTruth[], k: number): number {
  const first = edges.slice(0, k);
  return truths.filter((truth) => first.some((edge) => says(truth, edge))).length / truths.length;
}

/**
 * Of what holds in a picture, by predicate: how much there is, and how much of it is among its `k` likeliest edges. What names no predicate that the
 * graph knows is left out.
 * @returns `[found, held]` of each predicate, one after the other
 */
export function foundByPredicate(
  edges: readonly Edge[],
  truths: readonly RelationTruth[],
  k: number,
  predicates: number,
): number[] {
  const first = edges.slice(0, k);
  const row = Array<number>(2 * predicates).fill(0);
  for (const truth of truths) {
    const [predicate] = truth.predicates;
    if (predicate === undefined) continue;
    if (first.some((edge) => says(truth, edge))) row[2 * predicate]++;
    row[2 * predicate + 1]++;
  }
  return row;
}

/** The mean over predicates of the share of each that is found, whatever they are common or rare (mean recall@k, Tang et al. 2019; Chen et al. 2019). */
export const meanRecallTable = (rows: readonly (readonly number[])[], predicates: number): Additive =>
  additive(rows, 2 * predicates, (sum) => {
    const shares: number[] = [];
    for (let at = 0; at < sum.length; at += 2) if (sum[at + 1] > 0) shares.push(sum[at] / sum[at + 1]);
    return [shares.reduce((a, b) => a + b, 0) / Math.max(1, shares.length)];
  });

/** Of the edges of a picture: how many there are, and how many of them hold. */
export function precisionRow(edges: readonly Edge[], truths: readonly RelationTruth[]): [number, number] {
  return [edges.filter((edge) => truths.some((truth) => says(truth, edge))).length, edges.length];
}

/** Sums of `[part, of]` as a share, for intervals over pictures; 0 where there is nothing. */
export const shareTable = (rows: readonly (readonly [part: number, of: number])[]): Additive =>
  additive(rows, 2, ([part, of]) => [of > 0 ? part / of : 0]);

/**
 * Area under the ROC curve: how often something that holds has a higher score than something that does not; ties count half. Undefined
 * where all hold or none does.
 */
export function areaUnderCurve(scores: readonly number[], holds: readonly boolean[]): number | undefined {
  const order = scores.map((_, i) => i).sort((a, b) => scores[a] - scores[b]);
  let [ranks, positives] = [0, 0];
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to < order.length && scores[order[to]] === scores[order[from]]) to++;
    const rank = (from + to + 1) / 2; // the mean of from + 1 … to
    for (let i = from; i < to; i++) {
      if (!holds[order[i]]) continue;
      ranks += rank;
      positives++;
    }
    from = to;
  }
  const negatives = order.length - positives;
  if (positives === 0 || negatives === 0) return undefined;
  return (ranks - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/** Edges at which recall is measured. */
export const RECALL_AT = [5, 10, 20, 50] as const;

export interface RecallAt {
  k: number;
  rate: number;
  interval: Interval;
}

export interface RelationScores {
  /** What was asked: what holds in scenes, or what people's captions tell of regions. */
  truth: 'scenes' | 'captions';
  /** Pictures in which something holds between two regions; others count nowhere. */
  pictures: number;
  /** Relations that hold, of a picture. */
  held: number;
  /** Mean over pictures of the share found among the k likeliest edges, with 95 % intervals. */
  recall: RecallAt[];
  /** The same share for each predicate that holds somewhere and that the graph knows, the mean over these. */
  meanRecall: RecallAt[];
  /** Of the edges above the threshold: how many there are of a picture, and what share of them holds. */
  edges: number;
  precision: { rate: number; interval: Interval };
  /** Over all pairs and relations together, where all that holds is known. */
  auc?: number;
}

/** A picture to be judged: what is thought of its pairs, and what holds. */
export interface JudgedPicture {
  scores: PairScores;
  truths: readonly RelationTruth[];
}

/** Collects pictures and scores them together. @param predicates that scores are asked of */
export function relationEvaluation(
  truth: RelationScores['truth'],
  predicates: number,
  threshold: number,
): { add(picture: JudgedPicture): void; scores(): RelationScores } {
  const recalls = RECALL_AT.map(() => [] as number[]);
  const found = RECALL_AT.map(() => [] as number[][]);
  const precisions: [number, number][] = [];
  const all: { scores: number[]; holds: boolean[] } = { scores: [], holds: [] };
  let held = 0;
  return {
    add({ scores, truths }) {
      if (truths.length === 0) return;
      held += truths.length;
      const edges = rankedEdges(scores, predicates, truth === 'scenes' ? undefined : RECALL_AT.at(-1));
      for (const [i, k] of RECALL_AT.entries()) {
        recalls[i].push(recallAt(edges, truths, k));
        found[i].push(foundByPredicate(edges, truths, k, predicates));
      }
      precisions.push(precisionRow(edges.filter(({ score }) => score >= threshold), truths)); // biome-ignore format: one line
      if (truth !== 'scenes') return;
      for (const edge of edges) {
        all.scores.push(edge.score);
        all.holds.push(truths.some((one) => says(one, edge)));
      }
    },
    scores() {
      const pictures = precisions.length;
      const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);
      const at = (tables: Additive[]): RecallAt[] =>
        tables.map((table, i) => ({
          k: RECALL_AT[i],
          rate: scoresOf(table)[0],
          interval: bootstrap(table)[0],
        }));
      const auc = truth === 'scenes' ? areaUnderCurve(all.scores, all.holds) : undefined;
      return {
        truth,
        pictures,
        held: held / Math.max(1, pictures),
        recall: at(recalls.map(additiveMean)),
        meanRecall: at(found.map((rows) => meanRecallTable(rows, predicates))),
        edges: mean(precisions.map(([, of]) => of)),
        precision: {
          rate: scoresOf(shareTable(precisions))[0],
          interval: bootstrap(shareTable(precisions))[0],
        },
        ...(auc !== undefined && { auc }),
      };
    },
  };
}

/** Predicates that name the same thing become one: of each class the score of its likeliest. */
export const classScores = (
  { count, of }: PairScores,
  classes: readonly (readonly number[])[],
): PairScores => ({
  count,
  of: (i, j, r) => classes[r].reduce((best, predicate) => Math.max(best, of(i, j, predicate)), 0),
});
