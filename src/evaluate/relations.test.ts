import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchedThreshold, type PairScores, rankedEdges } from '../captioners/relations/scorer.ts';
import { scoresOf } from '../metrics/bootstrap.ts';
import {
  areaUnderCurve,
  classScores,
  foundByPredicate,
  meanRecallTable,
  precisionRow,
  recallAt,
  relationEvaluation,
} from './relations.ts';

/** Scores of two predicates between three regions, from a table "i j r". */
const table: Record<string, number> = {
  '0 1 0': 0.9,
  '1 2 1': 0.8,
  '2 0 0': 0.7,
  '0 1 1': 0.6,
  '1 0 0': 0.2,
};
const scores: PairScores = { count: 3, of: (i, j, r) => table[`${i} ${j} ${r}`] ?? 0.1 };
const edges = rankedEdges(scores, 2);
const truth = (predicates: number[], ...pairs: [number, number][]) => ({ predicates, pairs });

describe('edges', () => {
  it('come by their scores, equals in the order of their pairs, and none from a region to itself', () => {
    expect(edges.slice(0, 5).map(({ subject, predicate, object }) => `${subject} ${object} ${predicate}`)).toEqual(['0 1 0', '1 2 1', '2 0 0', '0 1 1', '1 0 0']); // biome-ignore format: one line
    expect(edges).toHaveLength(3 * 2 * 2);
    expect(edges.every(({ subject, object }) => subject !== object)).toBe(true);
    expect(rankedEdges(scores, 2, 3)).toEqual(edges.slice(0, 3));
  });

  it('of predicates that name the same thing are one, with the score of the likeliest', () => {
    const merged = classScores(scores, [[0, 1], []]);
    expect(merged.of(0, 1, 0)).toBe(0.9);
    expect(merged.of(1, 2, 0)).toBe(0.8);
    expect(merged.of(0, 1, 1)).toBe(0);
  });
});

describe('recall', () => {
  it('is the share of what holds among the first edges; any pair of a bag will do', () => {
    const truths = [truth([0], [0, 1]), truth([1], [1, 2], [2, 1]), truth([0], [1, 0]), truth([], [0, 1])];
    expect(recallAt(edges, truths, 1)).toBe(1 / 4);
    expect(recallAt(edges, truths, 2)).toBe(2 / 4);
    expect(recallAt(edges, truths, 5)).toBe(3 / 4);
  });

  it('is asked of the pictures in which something holds, and of no others', () => {
    const evaluation = relationEvaluation('scenes', 2, 0.65);
    evaluation.add({ scores, truths: [] });
    evaluation.add({ scores, truths: [truth([0], [0, 1]), truth([1], [1, 2])] });
    const found = evaluation.scores();
    expect(found.pictures).toBe(1);
    expect(found.recall[0]).toMatchObject({ k: 5, rate: 1, interval: [1, 1] });
    expect(found.edges).toBe(3); // above 0.65
    expect(found.precision.rate).toBeCloseTo(2 / 3, 10);
    expect(found.auc).toBe(1);
  });
});

describe('mean recall', () => {
  it('counts a predicate that holds once as much as one that holds often, and leaves out those that hold nowhere or are not known', () => {
    const often = [truth([0], [0, 1]), truth([0], [1, 0]), truth([0], [2, 0]), truth([0], [0, 2])];
    const rare = [truth([1], [1, 2]), truth([], [0, 1])];
    const rows = [often, rare].map((truths) => foundByPredicate(edges, truths, 2, 3));
    expect(rows).toEqual([[1, 4, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0]]); // biome-ignore format: one line
    expect(scoresOf(meanRecallTable(rows, 3))).toEqual([(1 / 4 + 1) / 2]);
    expect(scoresOf(meanRecallTable([], 3))).toEqual([0]);
  });
});

describe('precision', () => {
  it('counts the edges that hold', () => {
    expect(precisionRow(edges.slice(0, 3), [truth([0], [0, 1]), truth([0], [2, 0])])).toEqual([2, 3]);
  });
});

describe('the area under the curve', () => {
  it('is one when all that holds scores higher, zero the other way round, a half for ties', () => {
    expect(areaUnderCurve([3, 2, 1], [true, true, false])).toBe(1);
    expect(areaUnderCurve([1, 2, 3], [true, true, false])).toBe(0);
    expect(areaUnderCurve([1, 1, 1, 1], [true, false, true, false])).toBe(0.5);
    expect(areaUnderCurve([1, 2], [true, true])).toBeUndefined();
  });

  it('is the chance that something that holds beats something that does not', () => {
    const scored = fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.boolean()), { minLength: 2, maxLength: 30 }); // biome-ignore format: one line
    fc.assert(
      fc.property(scored, (all) => {
        const area = areaUnderCurve(all.map(([score]) => score), all.map(([, holds]) => holds)); // biome-ignore format: one line
        const [yes, no] = [true, false].map((holds) => all.filter((one) => one[1] === holds));
        const wins = yes.flatMap(([a]) => no.map(([b]) => (a > b ? 1 : a === b ? 0.5 : 0)));
        const mean = wins.reduce<number>((a, b) => a + b, 0) / wins.length;
        if (wins.length === 0) expect(area).toBeUndefined();
        else expect(area).toBeCloseTo(mean, 10);
      }),
    );
  });
});

describe('a threshold', () => {
  it('lets through as many edges as are wanted of a picture', () => {
    const all = Float32Array.of(0.9, 0.1, 0.8, 0.3, 0.7, 0.2);
    const above = (mean: number) => all.filter((score) => score >= matchedThreshold(all, 2, mean)).length;
    expect([0, 0.5, 1, 1.5, 3].map(above)).toEqual([0, 1, 2, 3, 6]);
  });
});
