import { HIDDEN } from '../nn/index.ts';
import {
  type Arrays,
  allocate,
  compile,
  type Device,
  type DType,
  type Program,
  params,
  type Shape,
  sizeOf,
  type Weights,
} from '../tensor/index.ts';
import { decodeStep, encodeImage, imageMemory, PHRASE } from './captioner.ts';
import type { CaptionerConfig } from './captioner-config.ts';
import { captionsBy, type Decoded, type DecodeOptions, type RunSearches, type SpecialTokens } from './search.ts'; // biome-ignore format: one line

export interface CaptionDecoder {
  /** Images per run: hand over exactly this many, padded with anything. */
  batch: number;
  /**
   * Captions of `count` ≤ batch images. `images` holds the network's image inputs; `seeds` one number per image, for drawing:
   * an image draws the same whatever else is in its batch.
   */
  decode(images: Arrays, count: number, options: DecodeOptions, seeds?: number[]): Promise<Decoded[]>;
  /** As `decode`, but `samples` captions of each image, drawn independently at `temperature`. */
  sample(
    images: Arrays,
    count: number,
    samples: number,
    options: DecodeOptions,
    seeds?: number[],
  ): Promise<Decoded[][]>;
  dispose(): Promise<void>;
}

/**
 * Compiles a captioner for inference, its weights packed into the graphs; one step graph per beam width, made when needed.
 * Without weights they are inputs by their paths, to be handed over with the images: for weights that change.
 */
export async function captionDecoder(
  config: CaptionerConfig,
  weights: Weights | undefined,
  special: SpecialTokens,
  { batch, device = 'cpu' }: { batch: number; device?: Device },
): Promise<CaptionDecoder> {
  const memory = await compile({
    outputs: imageMemory(params(), config, { batch }),
    frozen: weights,
    device,
  });
  const memorySize = memoryTokens(config, batch);
  const steps = new Map<number, Promise<Program>>();
  const stepFor = (beams: number): Promise<Program> => {
    const known = steps.get(beams);
    if (known) return known;
    const outputs = decodeStep(params(), config, { images: batch, beams, memory: memorySize });
    const made = compile({ outputs, frozen: weights, device });
    steps.set(beams, made);
    return made;
  };
  const spare = new Map<Program, Arrays[]>(); // buffers of calls that have ended: fresh memory is dear
  const buffersOf = (program: Program): Arrays =>
    spare.get(program)?.pop() ?? arrays([...program.feeds, ...Object.entries(program.outputs)]);
  const giveBack = (program: Program, buffers: Arrays) =>
    spare.set(program, [...(spare.get(program) ?? []), buffers]);

  /** Steps through `searches`, one per image, each of `beams` hypotheses. */
  const run: RunSearches<Arrays> = async (images, beams, most, searches) => {
    const step = await stepFor(beams);
    const buffers = buffersOf(step);
    for (const name of step.feeds.keys()) if (images[name]) buffers[name] = images[name];
    const tokens = (buffers.tokens as Int32Array).fill(special.bos);
    const recent = (buffers.recent as Int32Array | undefined)?.fill(special.bos);
    const width = (config.maxTokens + 1) * beams;
    const masks = Array.from({ length: batch * beams }, (_, row) =>
      (buffers.path as Float32Array).subarray(row * width, (row + 1) * width),
    );
    const paths: number[][] = masks.map(() => []);
    for (const [row, mask] of masks.entries()) showPath(mask, beams, row % beams, []);
    const logp = buffers.logp as Float32Array;
    const into = Object.fromEntries(Object.keys(step.outputs).map((name) => [name, buffers[name]]));
    const caches = Object.keys(buffers).filter((name) => name.startsWith('cache.'));
    for (const name of caches) (buffers[name] as Float32Array).fill(0); // hidden is weight 0, and 0 · NaN is NaN
    // The image's keys and values are written where the steps read them.
    await memory.run(images, { into: buffers });

    const last = Math.min(most, config.maxTokens);
    for (let position = 0; position < last && searches.some((s) => !s.done); position++) {
      buffers.position[0] = position;
      await step.run(buffers, { into });
      for (const name of caches) {
        const fresh = buffers[name.replace('cache', 'fresh')] as Float32Array;
        const [, heads] = step.feeds.get(name)!.shape;
        putSlots(buffers[name] as Float32Array, fresh, batch * heads, position);
      }
      for (const [i, search] of searches.entries()) {
        if (search.done) continue;
        const row = i * beams;
        search.advance(
          logp.subarray(row * config.vocabulary, (row + beams) * config.vocabulary),
          position + 1 === last,
        );
        const before = paths.slice(row, row + beams);
        const earlier = recent?.slice(row * PHRASE, (row + beams) * PHRASE);
        for (const [k, { token, parent }] of search.live().entries()) {
          tokens[row + k] = token;
          paths[row + k] = [...before[parent], parent];
          if (earlier) remember(recent!, row + k, earlier.subarray(parent * PHRASE), token);
          showPath(masks[row + k], beams, k, paths[row + k]);
        }
      }
    }
    giveBack(step, buffers);
  };

  return {
    batch,
    ...captionsBy(run, special),
    async dispose() {
      await memory.dispose();
      for (const step of steps.values()) await (await step).dispose();
    },
  };
}

const arrays = (specs: [string, { shape: Shape; dtype: DType }][]): Arrays =>
  Object.fromEntries(specs.map(([name, { shape, dtype }]) => [name, allocate(dtype, sizeOf(shape))]));

/** Row of the mask `path` of `decodeStep` for hypothesis `own`, whose t-th word was written by the image's hypothesis `rows[t]`. */
function showPath(mask: Float32Array, beams: number, own: number, rows: number[]): void {
  mask.fill(HIDDEN);
  for (const [t, row] of rows.entries()) mask[t * beams + row] = 0;
  mask[mask.length - beams + own] = 0;
}

/** Puts a word before the last ones of the hypothesis that it continues, in the row `row` of `recent`. */
function remember(recent: Int32Array, row: number, before: Int32Array, token: number): void {
  recent[row * PHRASE] = token;
  recent.set(before.subarray(0, PHRASE - 1), row * PHRASE + 1);
}

/** Copies what one step wrote, (groups, beams, d), into its slots of a cache (groups, T, beams, d). */
function putSlots(cache: Float32Array, fresh: Float32Array, groups: number, position: number): void {
  const size = fresh.length / groups;
  const stride = cache.length / groups;
  for (let g = 0; g < groups; g++) {
    cache.set(fresh.subarray(g * size, (g + 1) * size), g * stride + position * size);
  }
}

const memoryTokens = (config: CaptionerConfig, batch: number): number =>
  encodeImage(params(), config, { batch }).shape[1];
