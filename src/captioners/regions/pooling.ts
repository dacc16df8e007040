/** Features of boxes from a feature map, as weights of its cells: what is to be learnt of them may come after. */
import type { Box } from '../../data/regions.ts';
import type { MapGrid } from '../../models/vision/encoder.ts';

/** Sampling points of a box along a side, for each cell that it is wide. */
const DENSITY = 2;
const MOST_POINTS = 16;

/**
 * Writes into `out` (side²) how much each cell of a map counts for a box: the mean of bilinear samples on a regular grid of points
 * within the box (RoIAlign, He et al. 2017). Their sum is 1.
 * @param aspect width / height of the picture, for maps that do not show all of it squeezed
 */
export function poolingWeights(out: Float32Array, box: Box, { side, fit }: MapGrid, aspect: number): void {
  const { x, y, width, height } = onMap(box, fit, aspect);
  const columns = axisWeights(x, width, side);
  const rows = axisWeights(y, height, side);
  for (let r = 0, at = 0; r < side; r++) for (let c = 0; c < side; c++) out[at++] = rows[r] * columns[c];
}

/** The same along one axis: the points form a grid, so a cell's weight is that of its row times that of its column. */
function axisWeights(start: number, length: number, side: number): Float64Array {
  const count = Math.min(MOST_POINTS, Math.max(1, Math.ceil(length * side * DENSITY)));
  const weights = new Float64Array(side);
  for (let i = 0; i < count; i++) {
    const at = (start + ((i + 0.5) / count) * length) * side - 0.5; // in cells, from the centre of the first
    const inside = Math.min(side - 1, Math.max(0, at));
    const low = Math.floor(inside);
    const rest = inside - low;
    weights[low] += (1 - rest) / count;
    if (rest > 0) weights[low + 1] += rest / count;
  }
  return weights;
}

/** A box of a picture as shares of the square that the map shows. */
function onMap(box: Box, fit: MapGrid['fit'], aspect: number): Box {
  if (fit === 'fill') return box;
  // How long the picture's sides are in sides of the square.
  const whole = fit === 'letterbox' ? Math.max(1, aspect) : Math.min(1, aspect);
  const [w, h] = [aspect / whole, 1 / whole];
  return {
    x: box.x * w + (1 - w) / 2,
    y: box.y * h + (1 - h) / 2,
    width: box.width * w,
    height: box.height * h,
  };
}

/** The smallest box around two. */
export function union(a: Box, b: Box): Box {
  const [x, y] = [Math.min(a.x, b.x), Math.min(a.y, b.y)];
  return {
    x,
    y,
    width: Math.max(a.x + a.width, b.x + b.width) - x,
    height: Math.max(a.y + a.height, b.y + b.height) - y,
  };
}
