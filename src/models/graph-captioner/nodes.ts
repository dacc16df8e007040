/**
 * A picture's relationship graph as vectors (paper B, section on context encoding): nodes for objects and for predicates, convolved
 * with their neighbours.
 */
import { embedding, HIDDEN, layerNorm, linear } from '../../nn/index.ts';
import {
  add,
  concat,
  constant,
  div,
  dropout,
  expand,
  input,
  matmul,
  maximum,
  minimum,
  mul,
  normal,
  type Params,
  relu,
  sub,
  sum,
  type Tensor,
} from '../../tensor/index.ts';
import { featureMap } from '../relation-graph/network.ts';
import type { GraphCaptionerConfig } from './config.ts';

/** Numbers that say where a box lies: its corners and its area. */
export const BOX_NUMBERS = 5;

export interface GraphNodes {
  /** (B, N′, C): regions, then the cells of a map where these are nodes. */
  objects: Tensor;
  /** (B, 1, N′), to be added to scores of attention: 0 for a node, hidden where a picture has fewer. */
  objectMask: Tensor;
  /** (B, E + 1, C): edges after one that stands for none, so that there is always something to look at. */
  predicates: Tensor;
  predicateMask: Tensor;
  /** Mean of the embeddings of the predicates (B, W): what the picture is about, before a word is said. */
  gist: Tensor;
}

/**
 * Inputs: `features.NAME` (B, tokens, width) float16 and `regions.cells.NAME` (B, N, side²) of each map; `regions.labels` (B, N) int32, 0
 * without a label; `regions.boxes` (B, N, BOX_NUMBERS); `regions.present` (B, N), 1 for a region. With predicates: `edges.predicates` (B, E)
 * int32, 0 for no edge and r + 1 for predicate r; `edges.subjects` and `edges.objects` (B, E, N), rows with a 1 at the region or all 0.
 */
export function graphNodes(p: Params, c: GraphCaptionerConfig, batch: number): GraphNodes {
  const { most: n, maps, labels } = c.regions;
  const { width, wordWidth, edges } = c;
  const seen = maps.map((map) => featureMap(batch, map));
  const pooled = seen.map((map, i) => matmul(input(`regions.cells.${maps[i].name}`, [batch, n, map.shape[1]]), map)); // biome-ignore format: one line
  const boxes = input('regions.boxes', [batch, n, BOX_NUMBERS]);
  const looks = dropout(layerNorm(p.at('look.norm'), linear(p.at('look'), concat([...pooled, boxes], 2), width)), c.dropout); // biome-ignore format: one line
  const named = embedding(p.at('labels'), input('regions.labels', [batch, n], 'int32'), labels + 1, wordWidth, 0.3); // biome-ignore format: one line
  const present = input('regions.present', [batch, n]);
  let objects = add(relu(linear(p.at('object'), concat([looks, named], 2), width)), looks); // x_i = ReLU(W_o [v_i ; e(label)]) + v_i
  const row = (name: string, size: number) =>
    expand(p.get(name, [1, 1, size], normal(0.3)), [batch, 1, size]);
  let predicates = row('predicate.none', width);
  let predicateMask = expand(constant(0), [batch, 1, 1]);
  let gist = row('gist.none', wordWidth).reshape([batch, wordWidth]);

  if (c.predicates > 0) {
    const ids = input('edges.predicates', [batch, edges], 'int32');
    const words = embedding(p.at('predicate.words'), ids, c.predicates + 1, wordWidth, 0.3); // (B, E, W)
    const [subjects, ends] = ['subjects', 'objects'].map((name) => input(`edges.${name}`, [batch, edges, n]));
    const real = sum(subjects, [2]); // (B, E)
    let related = relu(linear(p.at('predicate'), words, width));
    const degree = maximum(add(sum(subjects, [1]), sum(ends, [1])), 1).reshape([batch, n, 1]);
    for (let layer = 0; layer < c.layers; layer++) {
      const at = p.at(`convolution.${layer}`);
      const both = concat([matmul(subjects, objects), related, matmul(ends, objects)], 2);
      const next = add(relu(linear(at.at('predicate'), both, width)), related); // x_r ← ReLU(W_g [x_s ; x_r ; x_o]) + x_r
      if (c.objectConvolution) {
        const out = matmul(subjects, linear(at.at('out'), related, width, { bias: false }), {
          transposeA: true,
        });
        const back = matmul(ends, linear(at.at('in'), related, width, { bias: false }), { transposeA: true });
        objects = add(relu(div(add(out, back), degree)), objects); // 1/c: by the number of its edges
      }
      related = next;
    }
    predicates = concat([predicates, related], 1);
    predicateMask = concat([predicateMask, hideMissing(real).reshape([batch, 1, edges])], 2);
    const counts = sum(real, [1], { keepDims: true }); // (B, 1)
    const mean = div(sum(mul(words, real.reshape([batch, edges, 1])), [1]), maximum(counts, 1));
    const some = minimum(counts, 1);
    gist = add(mul(mean, some), mul(gist, sub(1, some)));
  }

  let objectMask = hideMissing(present).reshape([batch, 1, n]);
  if (c.cells && seen.length > 0) {
    const [map] = seen;
    const cells = map.shape[1];
    const look = layerNorm(p.at('cell.norm'), linear(p.at('cell'), map, width));
    const placed = add(look, p.get('cell.positions', [cells, width], normal(0.3)));
    objects = concat([objects, dropout(placed, c.dropout)], 1);
    objectMask = concat([objectMask, expand(constant(0), [batch, 1, cells])], 2);
  }
  return { objects, objectMask, predicates, predicateMask, gist };
}

/** 0 where there is something (1), far below any score where there is nothing (0). */
const hideMissing = (present: Tensor): Tensor => mul(sub(present, 1), -HIDDEN);
