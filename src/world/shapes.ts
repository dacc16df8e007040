/**
 * Outlines of the shapes as signed distances, in units of the shape's longer side, around the centre of its bounding
 * box; x to the right, y down; negative inside.
 */
import type { Shape } from './vocabulary.ts';

type Point = readonly [x: number, y: number];

export interface Outline {
  /** Extent of the bounding box; the longer side is 1. */
  width: number;
  height: number;
  distance(x: number, y: number): number;
}

/** Corners are rounded with this radius: softer to the eye, and no spike thinner than a pixel. */
const ROUNDING = 0.03;

/** Distance to a polygon: nearest edge, with the sign of the even–odd rule. */
function polygonDistance(points: readonly Point[], x: number, y: number): number {
  let nearest = Number.POSITIVE_INFINITY;
  let inside = false;
  for (let i = 0, j = points.length - 1; i < points.length; j = i++) {
    const [ax, ay] = points[i];
    const [bx, by] = points[j];
    const ex = bx - ax;
    const ey = by - ay;
    const wx = x - ax;
    const wy = y - ay;
    const t = Math.min(1, Math.max(0, (wx * ex + wy * ey) / (ex * ex + ey * ey)));
    nearest = Math.min(nearest, (wx - ex * t) ** 2 + (wy - ey * t) ** 2);
    if (ay > y !== by > y && wx < (ex * wy) / ey) inside = !inside;
  }
  return inside ? -Math.sqrt(nearest) : Math.sqrt(nearest);
}

/** Scales a polygon so that, once its corners are rounded, its longer side is 1, and centres it. */
function polygon(points: readonly Point[]): Outline {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const scale = (1 - 2 * ROUNDING) / Math.max(right - left, bottom - top);
  const fitted = points.map(
    ([x, y]): Point => [(x - (left + right) / 2) * scale, (y - (top + bottom) / 2) * scale],
  );
  return {
    width: (right - left) * scale + 2 * ROUNDING,
    height: (bottom - top) * scale + 2 * ROUNDING,
    distance: (x, y) => polygonDistance(fitted, x, y) - ROUNDING,
  };
}

/** Corners of a star, first point up: radius 1, with every second corner at `inner`. */
function star(points: number, inner: number): Point[] {
  return Array.from({ length: 2 * points }, (_, i) => {
    const angle = (Math.PI * i) / points;
    const radius = i % 2 === 0 ? 1 : inner;
    return [radius * Math.sin(angle), -radius * Math.cos(angle)];
  });
}

/** The well-known heart curve x = 16 sin³t, y = 13 cos t − 5 cos 2t − 2 cos 3t − cos 4t. */
function heart(corners: number): Point[] {
  return Array.from({ length: corners }, (_, i) => {
    const t = (2 * Math.PI * i) / corners;
    const y = 13 * Math.cos(t) - 5 * Math.cos(2 * t) - 2 * Math.cos(3 * t) - Math.cos(4 * t);
    return [16 * Math.sin(t) ** 3, -y];
  });
}

/** A disc of radius ½ with a disc of radius `bite` taken out, whose centre lies `offset` to the right. */
function crescent(bite: number, offset: number): Outline {
  const tip = (offset ** 2 + 0.25 - bite ** 2) / (2 * offset); // x where the two circles meet
  const center = (tip - 0.5) / 2;
  return {
    width: tip + 0.5,
    height: 1,
    distance: (x, y) => Math.max(Math.hypot(x + center, y) - 0.5, bite - Math.hypot(x + center - offset, y)),
  };
}

const arm = 0.36; // thickness of the cross, where its length is 2

// biome-ignore format: a table of corners
export const OUTLINES: Record<Shape, Outline> = {
  circle: { width: 1, height: 1, distance: (x, y) => Math.hypot(x, y) - 0.5 },
  square: polygon([[-1, -1], [1, -1], [1, 1], [-1, 1]]),
  triangle: polygon([[0, -0.92], [1, 0.86], [-1, 0.86]]),
  diamond: polygon([[0, -1], [0.86, 0], [0, 1], [-0.86, 0]]),
  star: polygon(star(5, 0.5)),
  heart: polygon(heart(40)),
  cross: polygon([
    [-arm, -1], [arm, -1], [arm, -arm], [1, -arm], [1, arm], [arm, arm],
    [arm, 1], [-arm, 1], [-arm, arm], [-1, arm], [-1, -arm], [-arm, -arm],
  ]),
  moon: crescent(0.42, 0.28),
};
