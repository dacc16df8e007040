/** Regions of pictures as the inputs of networks. */
import type { RegionsConfig, RelationConfig } from '../../models/relation-graph/config.ts';
import { PAIR_GEOMETRY, pairGeometry } from '../../models/relation-graph/geometry.ts';
import type { Arrays } from '../../tensor/index.ts';
import { poolingWeights, union } from '../regions/pooling.ts';
import type { ProposedRegion } from '../regions/proposer.ts';
import type { PictureRegions } from '../regions/records.ts';

/** `regions.labels` (B, N) and `regions.cells.NAME` (B, N, side²). Rows beyond a picture's regions are 0. */
export function regionArrays(pictures: readonly PictureRegions[], { most: n, maps }: RegionsConfig): Arrays {
  const labels = new Int32Array(pictures.length * n);
  const cells = maps.map(({ grid }) => new Float32Array(pictures.length * n * grid.side ** 2));
  for (const [b, { regions, aspect }] of pictures.entries()) {
    for (const [i, { box, label }] of regions.slice(0, n).entries()) {
      labels[b * n + i] = label + 1;
      for (const [m, { grid }] of maps.entries()) poolingWeights(row(cells[m], b * n + i, grid.side ** 2), box, grid, aspect); // biome-ignore format: one line
    }
  }
  return { 'regions.labels': labels, ...named('regions.cells', maps, cells) };
}

/** Rows of the table of priors by the labels of subject and object. */
export type PriorRows = ReadonlyMap<string, number>;
export const priorKey = (subject: number, object: number): string => `${subject} ${object}`;

/** `pairs.geometry` (B, N², ·), `pairs.cells.NAME` (B, N², side²) and `pairs.prior` (B, N²). Rows of no pair are 0. */
export function pairArrays(
  pictures: readonly PictureRegions[],
  { regions: { most: n, maps } }: RelationConfig,
  priors: PriorRows,
): Arrays {
  const pairs = n * n;
  const geometry = new Float32Array(pictures.length * pairs * PAIR_GEOMETRY);
  const prior = new Int32Array(pictures.length * pairs);
  const cells = maps.map(({ grid }) => new Float32Array(pictures.length * pairs * grid.side ** 2));
  for (const [b, { regions, aspect }] of pictures.entries()) {
    for (const [i, j] of pairsOf(regions, n)) {
      const at = b * pairs + i * n + j;
      const [subject, object] = [regions[i], regions[j]];
      pairGeometry(row(geometry, at, PAIR_GEOMETRY), subject.box, object.box);
      prior[at] = priors.get(priorKey(subject.label, object.label)) ?? 0;
      const both = maps.length > 0 ? union(subject.box, object.box) : subject.box;
      for (const [m, { grid }] of maps.entries()) poolingWeights(row(cells[m], at, grid.side ** 2), both, grid, aspect); // biome-ignore format: one line
    }
  }
  return { 'pairs.geometry': geometry, 'pairs.prior': prior, ...named('pairs.cells', maps, cells) };
}

/** Ordered pairs of different regions, the first `most` of them. */
export function* pairsOf(
  regions: readonly ProposedRegion[],
  most: number,
): Generator<[subject: number, object: number]> {
  const count = Math.min(regions.length, most);
  for (let i = 0; i < count; i++) for (let j = 0; j < count; j++) if (i !== j) yield [i, j];
}

const row = (all: Float32Array, index: number, width: number): Float32Array =>
  all.subarray(index * width, (index + 1) * width);

const named = (prefix: string, maps: RegionsConfig['maps'], arrays: Float32Array[]): Arrays =>
  Object.fromEntries(maps.map(({ name }, m) => [`${prefix}.${name}`, arrays[m]]));
