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

/** A level of the head for one image: (5 + classes, cells) as box x, y, w, h, objectness, classes; no activation applied. */
export interface HeadLevel {
  values: Float32Array;
  side: number;
  stride: number;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Decodes a YOLOX head (Ge et al. 2021) and suppresses overlapping boxes of one class; strongest first. */
export function decodeDetections(
  levels: HeadLevel[],
  options: Pick<DetectionOutput, 'classes' | 'count' | 'threshold' | 'overlap'>,
): Detection[] {
  const found: Detection[] = [];
  for (const [level, { values, side, stride }] of levels.entries()) {
    const cells = side * side;
    for (let cell = 0; cell < cells; cell++) {
      const objectness = sigmoid(values[4 * cells + cell]);
      if (objectness < options.threshold) continue;
      let label = 0;
      for (let c = 1; c < options.classes; c++) {
        if (values[(5 + c) * cells + cell] > values[(5 + label) * cells + cell]) label = c;
      }
      const score = objectness * sigmoid(values[(5 + label) * cells + cell]);
      if (score < options.threshold) continue;
      const at = (row: number) => values[row * cells + cell];
      const box = {
        x: (at(0) + (cell % side)) * stride,
        y: (at(1) + Math.floor(cell / side)) * stride,
        width: Math.exp(Math.min(at(2), 10)) * stride,
        height: Math.exp(Math.min(at(3), 10)) * stride,
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
  { classes, features }: Pick<DetectionOutput, 'classes' | 'features'>,
  size: number,
): void {
  const width = detectionWidth({ classes, features });
  for (const [row, { score, box, level, cell }] of detections.entries()) {
    const { values, side, features: map } = levels[level];
    const cells = side * side;
    let at = row * width;
    for (let c = 0; c < classes; c++) out[at++] = sigmoid(values[(5 + c) * cells + cell]);
    for (const value of [score, box.x / size, box.y / size, box.width / size, box.height / size])
      out[at++] = value;
    for (let f = 0; f < features; f++) out[at++] = map[f * cells + cell];
  }
}
