/** A captioner small enough to be computed in milliseconds, for tests of training and decoding. */
import { captionerLoss } from '../../src/models/captioner.ts';
import { type CaptionerConfig, captionerConfigSchema } from '../../src/models/captioner-config.ts';
import { random } from '../../src/random.ts';
import { type Arrays, initialise, params, type Weights } from '../../src/tensor/index.ts';

export const SPECIAL = { bos: 1, eos: 2, never: [0, 1, 3] };

/** 8 × 8 pixels in four patches, one layer of each sort, 24 tokens, no regularisation. */
export function tinyConfig(changes: Partial<CaptionerConfig> = {}): CaptionerConfig {
  return captionerConfigSchema.parse({
    vision: { kind: 'patches', size: 8, patch: 4 },
    width: 16,
    heads: 2,
    imageLayers: 1,
    unimodalLayers: 1,
    multimodalLayers: 2,
    vocabulary: 24,
    maxTokens: 8,
    dropout: 0,
    labelSmoothing: 0,
    grounded: true,
    ...changes,
  });
}

/** Random weights whose predictions are far from uniform, so that pictures and words matter. */
export function tinyWeights(config: CaptionerConfig, seed = 1): Weights {
  const tree = params();
  captionerLoss(tree, config, { batch: 1, length: 1, captions: 1 });
  const weights = initialise(tree.all, seed);
  for (const [path, values] of weights) {
    const gain = path === 'text.head.weight' ? 40 : /text\.(tokens|positions)|words/.test(path) ? 50 : 1;
    for (let i = 0; i < values.length; i++) values[i] *= gain;
  }
  return weights;
}

/** Random pictures of the size that the configuration wants. */
export function tinyPictures(config: CaptionerConfig, count: number, seed = 1): Uint8Array[] {
  const draw = random(seed, 'pictures');
  const size = config.vision.kind === 'frozen' ? 0 : config.vision.size;
  return Array.from({ length: count }, () =>
    Uint8Array.from({ length: size * size * 3 }, () => draw.int(256)),
  );
}

/** The image input of a batch; rows beyond the pictures are black. */
export function pixelsOf(pictures: Uint8Array[], batch = pictures.length): Arrays {
  const pixels = new Uint8Array(batch * pictures[0].length);
  for (const [i, picture] of pictures.entries()) pixels.set(picture, i * picture.length);
  return { pixels };
}

/** Text inputs of `captionerLoss` where `rows[i]` holds the captions of image i; the targets are given, the end included. */
export function textOf(rows: number[][][], length: number, captions: number): Arrays {
  const cells = () => new Int32Array(rows.length * length);
  const [tokens, targets, positions, segments] = [cells(), cells(), cells(), cells()];
  const ends = new Int32Array(rows.length * captions);
  const present = new Float32Array(rows.length * captions);
  for (const [i, row] of rows.entries()) {
    let at = i * length;
    for (const [k, caption] of row.entries()) {
      for (const [j, target] of caption.entries()) {
        tokens[at] = j === 0 ? SPECIAL.bos : caption[j - 1];
        targets[at] = target;
        positions[at] = j;
        segments[at++] = k + 1;
      }
      ends[i * captions + k] = at - 1;
      present[i * captions + k] = 1;
    }
  }
  return { tokens, targets, positions, segments, ends, present };
}
