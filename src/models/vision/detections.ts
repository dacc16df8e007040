import type { DetectionOutput } from './description.ts';

/** One detection. Box in pixels of the network's input: centre, width and height. */
export interface Detection {
  label: number;
  /** Objectness × class probability, in [0, 1]. */
  score: number;
  box: { x: number; y: number; width: number; height: number };
  /** Where it was found: level of the head and cell in its grid. */
  level: number;
  cell: number;
}

/**
 * A level of the head for one image, (5 + classes, cells). `yolox`: box x, y, w, h, objectness, classes, no activation applied;
 * `fastestdet`: objectness, box x, y, w, h, classes, of which only the box still lacks its activation.
 */
export interface HeadLevel {
  values: Float32Array;
  side: number;
  stride: number;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

type Head = DetectionOutput['head'];
type At = (row: number) => number;

/** How the numbers of a cell are read; boxes are in cells, from the corner of this one. */
const HEAD: Record<
  Head,
  {
    objectness(at: At): number;
    probability(value: number): number;
    score(objectness: number, probability: number): number;
    box(at: At, side: number): Detection['box'];
  }
> = {
  yolox: {
    objectness: (at) => sigmoid(at(4)),
    probability: sigmoid,
    score: (objectness, probability) => objectness * probability,
    box: (at) => ({
      x: at(0),
      y: at(1),
      width: Math.exp(Math.min(at(2), 10)),
      height: Math.exp(Math.min(at(3), 10)),
    }),
  },
  fastestdet: {
    objectness: (at) => at(0),
    probability: (value) => value,
    score: (objectness, probability) => objectness ** 0.6 * probability ** 0.4,
    box: (at, side) => ({
      x: Math.tanh(at(1)),
      y: Math.tanh(at(2)),
      width: sigmoid(at(3)) * side,
      height: sigmoid(at(4)) * side,
    }),
  },
};

/** Decodes the head of YOLOX (Ge et al. 2021) or FastestDet and suppresses overlapping boxes of one class; strongest first. */
export function decodeDetections(
  levels: HeadLevel[],
  options: Pick<DetectionOutput, 'classes' | 'count' | 'threshold' | 'overlap'> & { head?: Head },
): Detection[] {
  const head = HEAD[options.head ?? 'yolox'];
  const found: Detection[] = [];
  for (const [level, { values, side, stride }] of levels.entries()) {
    const cells = side * side;
    for (let cell = 0; cell < cells; cell++) {
      const at = (row: number) => values[row * cells + cell];
      const objectness = head.objectness(at);
      if (head.score(objectness, 1) < options.threshold) continue;
      let label = 0;
      for (let c = 1; c < options.classes; c++) if (at(5 + c) > at(5 + label)) label = c;
      const score = head.score(objectness, head.probability(at(5 + label)));
      if (score < options.threshold) continue;
      const { x, y, width, height } = head.box(at, side);
      const box = {
        x: (x + (cell % side)) * stride,
        y: (y + Math.floor(cell / side)) * stride,
        width: width * stride,
        height: height * stride,
      };
      found.push({ label, score, box, level, cell });
    }
  }
  found.sort((a, b) => b.score - a.score);
  const kept: Detection[] = [];
  for (const candidate of found) {
    if (kept.length === options.count) break;
    if (!kept.some((k) => k.label === candidate.label && overlap(k.box, candidate.box) > options.overlap))
      kept.push(candidate);
  }
  return kept;
}

/** Intersection over union of two boxes. */
export function overlap(a: Detection['box'], b: Detection['box']): number {
  const side = (x: number, w: number, y: number, v: number) =>
    Math.max(0, Math.min(x + w / 2, y + v / 2) - Math.max(x - w / 2, y - v / 2));
  const shared = side(a.x, a.width, b.x, b.width) * side(a.y, a.height, b.y, b.height);
  return shared / (a.width * a.height + b.width * b.height - shared);
}

/** Numbers in a detection's token. */
export const detectionWidth = ({
  classes,
  features,
}: Pick<DetectionOutput, 'classes' | 'features'>): number => classes + 5 + features;

/**
 * Writes detections as tokens into `out` (count, width): class probabilities, score, centre and size as shares of `size`, then
 * the features (channels, cells) of the cell that found it. Unused rows stay zero.
 */
export function writeDetectionTokens(
  out: Float32Array,
  detections: Detection[],
  levels: (HeadLevel & { features: Float32Array })[],
  { classes, features, head = 'yolox' }: Pick<DetectionOutput, 'classes' | 'features'> & { head?: Head },
  size: number,
): void {
  const width = detectionWidth({ classes, features });
  for (const [row, { score, box, level, cell }] of detections.entries()) {
    const { values, side, features: map } = levels[level];
    const cells = side * side;
    let at = row * width;
    for (let c = 0; c < classes; c++) out[at++] = HEAD[head].probability(values[(5 + c) * cells + cell]);
    for (const value of [score, box.x / size, box.y / size, box.width / size, box.height / size])
      out[at++] = value;
    for (let f = 0; f < features; f++) out[at++] = map[f * cells + cell];
  }
}
