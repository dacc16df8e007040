import {
  type Arrays,
  allocate,
  compile,
  type Device,
  type Program,
  params,
  sizeOf,
  type Weights,
} from '../../tensor/index.ts';
import type { CaptionDecoder } from '../caption-decoder.ts';
import { captionsBy, type RunSearches, type SpecialTokens } from '../search.ts';
import { bodyOf, type GraphCaptionerConfig, graphMemory, graphStep, still } from './index.ts';

/**
 * Compiles a graph captioner for inference; one step graph per beam width, made when needed. Without weights they are inputs by
 * their paths, to be handed over with the pictures: for weights that change.
 */
export async function graphDecoder(
  config: GraphCaptionerConfig,
  weights: Weights | undefined,
  special: SpecialTokens,
  { batch, device = 'cpu' }: { batch: number; device?: Device },
): Promise<CaptionDecoder> {
  const c = still(config);
  const memory = await compile({ outputs: graphMemory(params(), c, batch), frozen: weights, device });
  const steps = new Map<number, Promise<Program>>();
  const stepFor = (beams: number): Promise<Program> => {
    const known = steps.get(beams);
    if (known) return known;
    const made = compile({ outputs: graphStep(params(), c, { images: batch, beams }), frozen: weights, device }); // biome-ignore format: one line
    steps.set(beams, made);
    return made;
  };
  const shapes = bodyOf(c).state(c, 1);

  /** Steps through `searches`, one per picture, each of `beams` hypotheses. */
  const run: RunSearches<Arrays> = async (images, beams, most, searches) => {
    const step = await stepFor(beams);
    const rows = batch * beams;
    const seen = (await memory.run(images)) as Arrays;
    const feeds: Arrays = { ...images, ...seen, tokens: new Int32Array(rows).fill(special.bos), position: new Int32Array(1) }; // biome-ignore format: one line
    for (const [name, shape] of Object.entries(shapes)) {
      const size = sizeOf(shape);
      const start = seen[`memory.start.${name}`] as Float32Array | undefined;
      const all = allocate('float32', rows * size) as Float32Array;
      if (start) for (let row = 0; row < rows; row++) all.set(start.subarray(Math.floor(row / beams) * size, (Math.floor(row / beams) + 1) * size), row * size); // biome-ignore format: one line
      feeds[`state.${name}`] = all;
    }
    const last = Math.min(most, c.maxTokens);
    for (let position = 0; position < last && searches.some((search) => !search.done); position++) {
      feeds.position[0] = position;
      const out = (await step.run(feeds)) as Record<string, Float32Array>;
      const from = Int32Array.from({ length: rows }, (_, row) => row);
      for (const [i, search] of searches.entries()) {
        if (search.done) continue;
        const row = i * beams;
        search.advance(
          out.logp.subarray(row * c.vocabulary, (row + beams) * c.vocabulary),
          position + 1 === last,
        );
        for (const [k, { token, parent }] of search.live().entries()) {
          feeds.tokens[row + k] = token;
          from[row + k] = row + parent;
        }
      }
      for (const [name, shape] of Object.entries(shapes)) continueFrom(feeds[`state.${name}`] as Float32Array, out[`next.${name}`], from, sizeOf(shape)); // biome-ignore format: one line
    }
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

/** Gives each row the state of the row that it continues. */
function continueFrom(state: Float32Array, next: Float32Array, from: Int32Array, size: number): void {
  for (const [row, source] of from.entries())
    state.set(next.subarray(source * size, (source + 1) * size), row * size);
}
