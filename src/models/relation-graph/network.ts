/**
 * Who stands in which relation to whom: a classifier of pairs of regions in the manner of Neural Motifs (Zellers et al. 2018), learnt
 * from captions by multiple instances (paper B, section on CGVRG).
 *
 *   regions (B, N) ─► subject and object vectors ─┐
 *   boxes of pairs ─► geometry, union features  ──┼─► pair (B, N², H) ─► predicates (B, N², P), + prior of the two labels
 */
import { embedding, HIDDEN, linear } from '../../nn/index.ts';
import {
  abs,
  add,
  concat,
  div,
  dropout,
  exp,
  gather,
  greater,
  input,
  less,
  log,
  matmul,
  max,
  maximum,
  minimum,
  mul,
  neg,
  normal,
  ones,
  type Params,
  relu,
  reshape,
  stopGradient,
  sub,
  sum,
  type Tensor,
  where,
  zeros,
} from '../../tensor/index.ts';
import type { RegionsConfig, RelationConfig } from './config.ts';
import { PAIR_GEOMETRY } from './geometry.ts';

/** A feature map of each picture, (B, side², width). Input `features.NAME` (B, tokens, width) float16. */
export function featureMap(
  batch: number,
  { name, tokens, width, grid }: RegionsConfig['maps'][number],
): Tensor {
  const all = input(`features.${name}`, [batch, tokens, width], 'float16').cast('float32');
  return grid.lead === 0 ? all : all.slice(1, grid.lead, tokens);
}

/** Means of a map's cells under weights: input `NAME` (B, rows, side²), the map (B, side², C); (B, rows, C). */
const pooled = (name: string, rows: number, map: Tensor): Tensor =>
  matmul(input(name, [map.shape[0], rows, map.shape[1]]), map);

/**
 * What is seen in each region, to `width` numbers: (B, N, width). Inputs: `features.*`, `regions.cells.NAME` (B, N, side²) for each map,
 * and `regions.labels` (B, N) int32, 0 for a region without a label.
 */
function regionVectors(p: Params, c: RelationConfig, batch: number, maps: readonly Tensor[]): Tensor {
  const { most, labels, maps: described } = c.regions;
  const seen = maps.map((map, i) => pooled(`regions.cells.${described[i].name}`, most, map));
  const named = embedding(p.at('labels'), input('regions.labels', [batch, most], 'int32'), labels + 1, c.labelWidth, 0.3); // biome-ignore format: one line
  return concat([...seen, named], 2);
}

/**
 * Logits of every predicate for every ordered pair of regions, (B, N², P): pair i · N + j has the subject i and the object j.
 * Further inputs: `pairs.geometry` (B, N², PAIR_GEOMETRY), `pairs.cells.NAME` (B, N², side²) of the union of their boxes, and
 * `pairs.prior` (B, N²) int32, the row of their labels in the table of priors (priors + 1, P).
 */
export function relationLogits(p: Params, c: RelationConfig, batch: number): Tensor {
  const { most: n, maps: described } = c.regions;
  const pairs = n * n;
  const maps = described.map((map) => featureMap(batch, map));
  const regions = dropout(regionVectors(p, c, batch, maps), c.dropout);
  const ends = linear(p.at('ends'), regions, 2 * c.width);
  const subject = ends.slice(2, 0, c.width).reshape([batch, n, 1, c.width]);
  const object = ends.slice(2, c.width).reshape([batch, 1, n, c.width]);
  const both = reshape(add(subject, object), [batch, pairs, c.width]);
  const lie = input('pairs.geometry', [batch, pairs, PAIR_GEOMETRY]);
  const geometry = linear(p.at('geometry.out'), relu(linear(p.at('geometry.in'), lie, c.width)), c.width);
  // A linear map and a mean change places: what is projected first is pooled with fewer numbers.
  const unions = maps.map((map, i) => {
    const { name } = described[i];
    return pooled(`pairs.cells.${name}`, pairs, linear(p.at(`union.${name}`), map, c.width, { bias: false }));
  });
  const pair = [both, geometry, ...unions].reduce((a, b) => add(a, b));
  const logits = linear(p.at('predicates'), dropout(relu(pair), c.dropout), c.predicates, {
    init: normal(0.02),
  });
  return add(logits, mul(priorLogits(p, c, batch), p.get('prior.gain', [1], ones)));
}

/**
 * What the labels of a pair say by themselves: (B, N², P). The table holds log odds that were counted beforehand, and is not trained; what
 * is learnt is how much they count.
 */
export function priorLogits(p: Params, c: RelationConfig, batch: number): Tensor {
  const table = p.get(PRIOR, [c.priors + 1, c.predicates], zeros);
  return gather(table, input('pairs.prior', [batch, c.regions.most ** 2], 'int32'));
}

/** The table of priors. */
export const PRIOR = 'prior.weight';

export interface RelationLosses {
  loss: Tensor;
  /** Of the predicates that captions tell of, in nats each. */
  told: Tensor;
  /** Of all others together, weighted, in nats a predicate told of. */
  untold: Tensor;
}

/** Below this −Σ log(1 − p) the logarithm of the noisy-OR is that of Σ p: the difference to 1 would be lost, and with it the slope. */
const SMALL = 1e-3;

/**
 * Binary cross-entropy over bags. A bag holds a predicate if one of its pairs does: p(r | bag) = 1 − Π (1 − p), noisy-OR.
 * Inputs `bags` (B, N², P) uint8: 1 where a pair is in the picture's bag of a predicate that captions tell of; `others` (B, N², P): the
 * weight of a pair as one that does not stand in a predicate. With `single` every pair is a bag of its own: full supervision.
 */
export function relationLoss(
  p: Params,
  c: RelationConfig,
  { batch, single = false }: { batch: number; single?: boolean },
): RelationLosses {
  const logits = relationLogits(p, c, batch);
  const bags = input('bags', logits.shape, 'uint8').cast('float32');
  const not = softplus(logits); // −log(1 − p)
  const present = single ? bags : minimum(sum(bags, [1]), 1);
  const all = single
    ? mul(bags, sub(not, logits)) // −log p
    : mul(present, neg(logAny(logits, bags, sum(mul(bags, not), [1]))));
  const count = maximum(sum(present), 1);
  const told = div(sum(all), count);
  const untold = div(sum(mul(not, input('others', logits.shape))), count);
  return { loss: add(told, untold), told, untold };
}

/** log(1 − e^−S), where S = Σ −log(1 − p) over the pairs of a bag. */
function logAny(logits: Tensor, bags: Tensor, total: Tensor): Tensor {
  const inside = where(greater(bags, 0), logits, HIDDEN);
  const most = stopGradient(max(inside, [1], { keepDims: true }));
  const logSum = add(log(sum(exp(sub(inside, most)), [1])), most.reshape(total.shape));
  const direct = log(sub(1, exp(neg(maximum(total, SMALL)))));
  return where(less(total, SMALL), logSum, direct);
}

const softplus = (x: Tensor): Tensor => add(maximum(x, 0), log(add(1, exp(neg(abs(x))))));
