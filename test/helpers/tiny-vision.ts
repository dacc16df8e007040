/** Random vision networks as ONNX files, small enough to be written by a test. */
import { random } from '../../src/random.ts';
import {
  conv2d,
  emitOnnx,
  initialise,
  input,
  mean,
  normal,
  params,
  relu,
  type Tensor,
  type Weights,
} from '../../src/tensor/index.ts';
import { outputName } from '../../src/tensor/onnx/emit.ts';
import { extractOnnx } from '../../src/tensor/onnx/extract.ts';

export const TINY = { side: 8, patch: 4, channels: 5 };

/**
 * Pixels (N, 3, 8, 8) named `input` to `grid` (N, 5, 2, 2), `tokens` (N, 2, 5) and `pooled` (N, 5), under the names given
 * in `outputs`.
 */
export function tinyVision(
  inputName: string,
  outputs: Partial<Record<'grid' | 'tokens' | 'pooled', string>>,
  seed = 1,
): Uint8Array {
  const { side, patch, channels } = TINY;
  const p = params();
  const pixels = input(inputName, [1, 3, side, side]);
  const grid = relu(
    conv2d(
      pixels,
      p.get('patches', [channels, 3, patch, patch], normal(0.3)),
      p.get('bias', [channels], normal(1)),
      { stride: patch },
    ),
  );
  const made = { grid, tokens: mean(grid, [3]).transpose([0, 2, 1]), pooled: mean(grid, [2, 3]) };
  const named = Object.entries(outputs).map(([kind, name]) => [name, made[kind as keyof typeof made]]);
  return hubOnnx(inputName, [3, side, side], Object.fromEntries(named), initialise(p.all, seed));
}

/**
 * A network as an ONNX file with outputs of the names given, for any number of pictures.
 * @param shape of the input, without the axis of pictures
 */
export function hubOnnx(
  inputName: string,
  shape: number[],
  outputs: Record<string, Tensor>,
  weights: Weights,
): Uint8Array {
  // The emitter marks outputs with a last letter of its own, so a name is emitted without its last and gets it back.
  const names = Object.keys(outputs);
  const cut = names.map((name) => name.slice(0, -1));
  const { model } = emitOnnx(Object.fromEntries(names.map((name, i) => [cut[i], outputs[name]])), weights);
  const marked = cut.map(outputName);
  // As the shape of inputs is set free, any number of pictures may be given.
  const free = Buffer.from(extractOnnx(model, { inputs: { [inputName]: ['N', ...shape] }, outputs: marked }));
  for (const [i, name] of names.entries()) {
    for (let at = free.indexOf(marked[i]); at >= 0; at = free.indexOf(marked[i]))
      free.write(name, at, 'latin1');
  }
  return free;
}

/** The same network by hand: `grid` of one picture whose pixels are already normalised, (3, 8, 8), as (5, 4). */
export function tinyGrid(pixels: Float32Array, seed = 1): number[][] {
  const { side, patch, channels } = TINY;
  const p = params();
  p.get('patches', [channels, 3, patch, patch], normal(0.3));
  p.get('bias', [channels], normal(1));
  const weights = initialise(p.all, seed);
  const kernel = weights.get('patches')!;
  const cells = side / patch;
  return Array.from({ length: channels }, (_, o) =>
    Array.from({ length: cells * cells }, (_, cell) => {
      let sum = weights.get('bias')![o];
      for (let c = 0; c < 3; c++) {
        for (let y = 0; y < patch; y++) {
          for (let x = 0; x < patch; x++) {
            const [row, column] = [Math.floor(cell / cells) * patch + y, (cell % cells) * patch + x];
            sum += kernel[((o * 3 + c) * patch + y) * patch + x] * pixels[(c * side + row) * side + column];
          }
        }
      }
      return Math.max(0, sum);
    }),
  );
}

/** Random pictures of the network's own size. */
export function tinyViews(count: number) {
  return Array.from({ length: count }, (_, i) => {
    const draw = random(i, 'view');
    return {
      width: TINY.side,
      height: TINY.side,
      data: Uint8Array.from({ length: TINY.side ** 2 * 3 }, () => draw.int(256)),
    };
  });
}

/** (pixel − mean) / std, channels first. */
export function planes(
  { data }: { data: Uint8Array },
  meanOf: number[],
  std: number[],
  order = [0, 1, 2],
): Float32Array {
  const cells = data.length / 3;
  return Float32Array.from({ length: data.length }, (_, i) => {
    const c = Math.floor(i / cells);
    return (data[(i % cells) * 3 + order[c]] - meanOf[c]) / std[c];
  });
}
