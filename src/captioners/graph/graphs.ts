/** The graphs of all pictures that a captioner is trained on, and of their mirror images. */
import type { PreparedImage } from '../../models/training/prepare.ts';
import { random } from '../../random.ts';
import type { CachedSight } from '../regions/sight.ts';
import { firstOf } from '../relations/relation-set.ts';
import { type EdgeFinder, edgeThreshold } from './edges.ts';
import type { Graph } from './inputs.ts';

export interface RelatingEvent {
  kind: 'relating';
  done: number;
  total: number;
  imagesPerSecond: number;
  secondsLeft: number;
}

export interface PictureGraphs {
  of(image: PreparedImage, mirrored?: boolean): Graph;
  /** Score above which edges are drawn. */
  threshold: number;
}

export interface GraphsOptions {
  /** Regions and edges of a picture at most, and pictures looked at together. */
  regions: number;
  edges: number;
  batch: number;
  /** Edges that are drawn, as a multiple of those that captions tell of. */
  more: number;
  /** Known already, from an earlier session. */
  threshold?: number;
  signal: AbortSignal;
}

/** Pictures between two events. */
const EVERY = 16;

const keyOf = ({ hash }: PreparedImage, mirrored: boolean): string => (mirrored ? `${hash}:flip` : hash);

/**
 * @param images those that are learnt, from which the threshold is matched @param others validation
 * @returns undefined where it was stopped
 */
export async function* findGraphs(
  images: readonly PreparedImage[],
  others: readonly PreparedImage[],
  flip: boolean,
  { regionsOf, feeder, recorders }: CachedSight,
  finder: EdgeFinder | undefined,
  { regions: most, edges, batch, more, threshold: known, signal }: GraphsOptions,
): AsyncGenerator<RelatingEvent, PictureGraphs | undefined> {
  const views = [
    ...[...images, ...others].map((image) => ({ image, mirrored: false })),
    ...(flip ? images.map((image) => ({ image, mirrored: true })) : []),
  ];
  const graphs = new Map<string, Graph>();
  const start = performance.now();
  for (let at = 0; at < views.length; at += batch) {
    if (signal.aborted) return undefined;
    const part = views.slice(at, at + batch);
    const pictures = part.map(({ image, mirrored }) => ({ regions: firstOf(regionsOf(keyOf(image, mirrored)), most), relations: image.relations })); // biome-ignore format: one line
    const seen = finder && recorders.length > 1 ? feeder.feed(part.map(({ image }) => image), batch, { draw: random(0), mirrored: part.map(({ mirrored }) => mirrored) }) : {}; // biome-ignore format: one line
    const found = await finder?.find(pictures, seen, { batch, most: edges });
    for (const [i, { image, mirrored }] of part.entries())
      graphs.set(keyOf(image, mirrored), { regions: pictures[i].regions, edges: found?.[i] ?? [] });
    if (!finder || (at / batch) % EVERY > 0) continue;
    const done = at + part.length;
    const rate = done / ((performance.now() - start) / 1000);
    yield { kind: 'relating', done, total: views.length, imagesPerSecond: rate, secondsLeft: (views.length - done) / rate }; // biome-ignore format: one line
  }
  const own = images.map((image) => graphs.get(keyOf(image, false))!.edges);
  const threshold = known ?? (finder ? edgeThreshold(own, finder.mean && finder.mean * more) : 0);
  for (const graph of graphs.values()) graph.edges = graph.edges.filter(({ score }) => score >= threshold);
  return { of: (image, mirrored = false) => graphs.get(keyOf(image, mirrored))!, threshold };
}
