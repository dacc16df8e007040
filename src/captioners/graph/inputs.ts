/** Graphs and captions as the inputs of a graph captioner. */
import { BOX_NUMBERS, type GraphCaptionerConfig, WORD_KINDS } from '../../models/graph-captioner/index.ts';
import type { Random } from '../../random.ts';
import type { Arrays } from '../../tensor/index.ts';
import type { TokenisedImage } from '../batches.ts';
import type { PictureRegions } from '../regions/records.ts';
import { regionArrays } from '../relations/inputs.ts';
import type { Edge } from '../relations/scorer.ts';

export interface Graph {
  regions: PictureRegions;
  edges: readonly Edge[];
}

/** Inputs of `graphNodes` for `batch` pictures, but for their features; rows beyond the pictures are 0. */
export function graphArrays(graphs: readonly Graph[], c: GraphCaptionerConfig, batch: number): Arrays {
  const { most: n } = c.regions;
  const none = Array<PictureRegions>(batch - graphs.length).fill({ regions: [], aspect: 1 });
  const pictures = [...graphs.map(({ regions }) => regions), ...none];
  const boxes = new Float32Array(batch * n * BOX_NUMBERS);
  const present = new Float32Array(batch * n);
  for (const [b, { regions }] of pictures.entries()) {
    for (const [i, { box }] of regions.slice(0, n).entries()) {
      const { x, y, width, height } = box;
      present[b * n + i] = 1;
      boxes.set([2 * x - 1, 2 * y - 1, 2 * (x + width) - 1, 2 * (y + height) - 1, Math.sqrt(width * height)], (b * n + i) * BOX_NUMBERS); // biome-ignore format: one line
    }
  }
  const regions = { ...regionArrays(pictures, c.regions), 'regions.boxes': boxes, 'regions.present': present }; // biome-ignore format: one line
  return c.predicates === 0 ? regions : { ...regions, ...edgeArrays(graphs, c, batch) };
}

function edgeArrays(graphs: readonly Graph[], { regions: { most: n }, edges: e }: GraphCaptionerConfig, batch: number): Arrays {
  const predicates = new Int32Array(batch * e);
  const [subjects, objects] = [new Float32Array(batch * e * n), new Float32Array(batch * e * n)];
  for (const [b, { edges }] of graphs.entries()) {
    const inside = edges.filter(({ subject, object }) => Math.max(subject, object) < n).slice(0, e);
    for (const [k, { subject, predicate, object }] of inside.entries()) {
      predicates[b * e + k] = predicate + 1;
      subjects[(b * e + k) * n + subject] = 1;
      objects[(b * e + k) * n + object] = 1;
    }
  }
  return { 'edges.predicates': predicates, 'edges.subjects': subjects, 'edges.objects': objects };
} // biome-ignore format: one line

/** An image's captions as tokens, with the kind of the word that each is part of. */
export interface KindedImage extends TokenisedImage {
  /** As the captions' tokens; absent of captions that were drawn. */
  wordKinds?: number[][];
}

export const OTHER = WORD_KINDS.indexOf('other');

export interface CaptionShape {
  batch: number;
  /** Of each picture; drawn from those that it has. */
  captions: number;
  maxTokens: number;
}

/**
 * Inputs of `graphCaptionerLoss` for the captions of a batch. A caption that is too long is cut without an end: nothing shall learn to
 * stop in the middle of a sentence.
 */
export function captionRows(
  images: readonly KindedImage[],
  { batch, captions: k, maxTokens: t }: CaptionShape,
  special: { bos: number; eos: number },
  draw: Random,
): Arrays {
  const rows = batch * k;
  const [tokens, targets, kinds] = [new Int32Array(rows * t), new Int32Array(rows * t), new Int32Array(rows * t)];
  const [weights, real] = [new Float32Array(rows * t), new Float32Array(rows * t)];
  for (const [i, image] of images.entries()) {
    const known = image.advantages ? undefined : image.wordKinds; // of captions that were drawn, nothing is known
    const chosen = draw.shuffle([...image.tokens.keys()]).slice(0, k);
    for (const [row, which] of chosen.entries()) {
      const whole = [special.bos, ...image.tokens[which], special.eos].slice(0, t + 1);
      const at = (i * k + row) * t;
      for (let j = 0; j + 1 < whole.length; j++) {
        tokens[at + j] = whole[j];
        targets[at + j] = whole[j + 1];
        kinds[at + j] = known?.[which][j] ?? OTHER;
        weights[at + j] = image.advantages?.[which] ?? 1;
        real[at + j] = 1;
      }
    }
  }
  return { tokens, targets, kinds, weights, real };
} // biome-ignore format: one line
