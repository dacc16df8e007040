/** Finds places for objects: anywhere unless a grid is asked for, with air between all that are not meant to overlap. */
import type { Box } from '../data/regions.ts';
import type { Random } from '../random.ts';
import { type Body, hiddenShare, overlap, relationHolds } from './graph.ts';
import { boxOf } from './scene.ts';
import type { Shape } from './vocabulary.ts';

/** Air between objects, and between objects and the edge, as shares of the canvas. */
const GAP = 0.04;
export const MARGIN = 0.02;

/** What an object in front hides of the one behind: enough to be seen, too little to make a riddle of it. */
const HIDDEN = { least: 0.08, most: 0.32 };

export interface Piece {
  shape: Shape;
  /** Longer side, as a share of the canvas. */
  extent: number;
}

/** What a layout is asked to show; numbers are places in the list of pieces. */
export type Arrangement =
  | { kind: 'scatter' }
  /** All of `first` on one side, all of `second` on the other. */
  | { kind: 'sides'; relation: 'left of' | 'above'; first: number[]; second: number[] }
  | { kind: 'inside' | 'in front of'; upper: number; lower: number };

/**
 * The pieces with places within `region`, or undefined where this draw of random numbers found none.
 * @param grid centres lie on multiples of this share of the canvas; 0: anywhere
 */
export function layOut(
  pieces: Piece[],
  arrangement: Arrangement,
  region: Box,
  random: Random,
  grid = 0,
): Body[] | undefined {
  const snap = (body: Body) => (grid === 0 ? body : onGrid(body, region, grid));
  const placed: (Body | undefined)[] = pieces.map(() => undefined);
  if (arrangement.kind === 'sides') {
    const { relation, first, second } = arrangement;
    const sides = bothSides(pieces, arrangement, region, random)?.map(snap);
    if (sides === undefined || (grid > 0 && !apart(sides))) return undefined;
    [...first, ...second].forEach((piece, i) => {
      placed[piece] = sides[i];
    });
    const holds = first.every((a) =>
      second.every((b) => relationHolds(relation, boxOf(placed[a]!), boxOf(placed[b]!))),
    );
    if (!holds) return undefined;
  } else if (arrangement.kind !== 'scatter') {
    const { kind, lower, upper } = arrangement;
    const pair = onTop(kind, pieces[lower], pieces[upper], region, random, snap);
    if (pair === undefined) return undefined;
    [placed[lower], placed[upper]] = pair;
  }
  for (let i = 0; i < pieces.length; i++) {
    for (let tries = 0; placed[i] === undefined; tries++) {
      if (tries === 30) return undefined;
      const body = snap(anywhere(pieces[i], region, random));
      const box = grown(boxOf(body));
      if (placed.every((other) => other === undefined || !overlap(box, boxOf(other)))) placed[i] = body;
    }
  }
  return placed as Body[];
}

function anywhere(piece: Piece, region: Box, random: Random): Body {
  const { width, height } = boxOf({ ...piece, x: 0, y: 0 });
  const x = region.x + width / 2 + random.uniform() * (region.width - width);
  const y = region.y + height / 2 + random.uniform() * (region.height - height);
  return { ...piece, x, y };
}

/** The lower and the upper of two objects that overlap. */
function onTop(
  kind: 'inside' | 'in front of',
  lower: Piece,
  upper: Piece,
  region: Box,
  random: Random,
  snap: (body: Body) => Body,
): [Body, Body] | undefined {
  for (let tries = 0; tries < 40; tries++) {
    const under = snap(anywhere(lower, region, random));
    const over = snap((kind === 'inside' ? within : before)(under, upper, random));
    if (!inRegion(boxOf(over), region)) continue;
    const hidden = hiddenShare(under, over);
    if (kind === 'inside' || (hidden > HIDDEN.least && hidden < HIDDEN.most)) return [under, over];
  }
  return undefined;
}

/** Near the middle of `lower`. */
function within(lower: Body, piece: Piece, random: Random): Body {
  const jitter = () => (random.uniform() - 0.5) * 0.02;
  return { ...piece, x: lower.x + jitter(), y: lower.y + jitter() };
}

/** Over the rim of `lower`, in any direction. */
function before(lower: Body, piece: Piece, random: Random): Body {
  const angle = 2 * Math.PI * random.uniform();
  const reach = (0.45 + 0.25 * random.uniform()) * ((lower.extent + piece.extent) / 2);
  return { ...piece, x: lower.x + reach * Math.cos(angle), y: lower.y + reach * Math.sin(angle) };
}

/** The nearest point of the grid where the body lies in the region. */
function onGrid(body: Body, region: Box, grid: number): Body {
  const { width, height } = boxOf(body);
  const nearest = (at: number, least: number, most: number) =>
    grid * Math.min(Math.floor(most / grid), Math.max(Math.ceil(least / grid), Math.round(at / grid)));
  return {
    ...body,
    x: nearest(body.x, region.x + width / 2, region.x + region.width - width / 2),
    y: nearest(body.y, region.y + height / 2, region.y + region.height - height / 2),
  };
}

function apart(bodies: Body[]): boolean {
  const boxes = bodies.map(boxOf);
  return boxes.every((box, i) => !boxes.slice(0, i).some((other) => overlap(grown(box), other)));
}

function inRegion(box: Box, region: Box): boolean {
  return (
    box.x >= region.x &&
    box.y >= region.y &&
    box.x + box.width <= region.x + region.width &&
    box.y + box.height <= region.y + region.height
  );
}

function grown({ x, y, width, height }: Box): Box {
  return { x: x - GAP, y: y - GAP, width: width + 2 * GAP, height: height + 2 * GAP };
}

/** Two bands along one axis; the pieces of each band are spread at random along the other axis. */
function bothSides(
  pieces: Piece[],
  { relation, first, second }: Extract<Arrangement, { kind: 'sides' }>,
  region: Box,
  random: Random,
): Body[] | undefined {
  const across = relation === 'left of';
  const depth = [first, second].map((group) => Math.max(...group.map((i) => sideOf(pieces[i], across))));
  const room = across ? region.width : region.height;
  const slack = room - depth[0] - depth[1] - GAP;
  if (slack < 0) return undefined;
  const [a, b] = [random.uniform(), random.uniform()].sort((u, v) => u - v);
  const starts = [slack * a, depth[0] + GAP + slack * b];
  const bodies: Body[] = [];
  for (const [side, group] of [first, second].entries()) {
    const spread = spreadOut(
      group.map((i) => sideOf(pieces[i], !across)),
      across ? region.height : region.width,
      random,
    );
    if (spread === undefined) return undefined;
    group.forEach((i, at) => {
      const main = starts[side] + depth[side] / 2;
      bodies.push(
        across
          ? { ...pieces[i], x: region.x + main, y: region.y + spread[at] }
          : { ...pieces[i], x: region.x + spread[at], y: region.y + main },
      );
    });
  }
  return bodies;
}

function sideOf(piece: Piece, horizontal: boolean): number {
  const box = boxOf({ ...piece, x: 0, y: 0 });
  return horizontal ? box.width : box.height;
}

/** Centres of segments of these lengths along `room`, one after the other, the free room shared out at random. */
function spreadOut(lengths: number[], room: number, random: Random): number[] | undefined {
  const slack = room - lengths.reduce((sum, length) => sum + length, 0) - GAP * (lengths.length - 1);
  if (slack < 0) return undefined;
  const cuts = lengths.map(() => random.uniform()).sort((u, v) => u - v);
  let start = 0;
  return lengths.map((length, i) => {
    const center = start + length / 2 + slack * cuts[i];
    start += length + GAP;
    return center;
  });
}
