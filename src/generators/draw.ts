/** Draws with a network: the loop from noise to pictures, a batch at a time. */
import type { DiffusionConfig } from '../models/diffusion-transformer/config.ts';
import { guided } from '../models/diffusion-transformer/process.ts';
import { type Sampler, solve } from '../models/diffusion-transformer/solve.ts';
import { fillNormal, streamKey } from '../random.ts';
import { compile, type Device, input, params, type Weights } from '../tensor/index.ts';
import { feedWords, type Reading, readWords, WORDLESS, wordTensors } from './words.ts';

export interface DrawOptions {
  steps: number;
  guidance: number;
  sampler: Sampler;
  shift: number;
  /** To draw away from; default: no words. */
  negative?: Reading;
  onStep?: (step: number, expected: Float32Array) => void | Promise<void>;
}

export interface Drawing {
  readonly batch: number;
  /** Numbers of one picture or latent: S · S · C. */
  readonly numbers: number;
  /** At most `batch` pictures (n · S · S · C), each from the noise of its seed. */
  draw(prompts: readonly Reading[], seeds: readonly number[], options: DrawOptions): Promise<Float32Array>;
  /** Weights to draw with from now on, for a network that is still learning. */
  use(weights: Weights): void;
  close(): Promise<void>;
}

/**
 * Compiles the network for `batch` pictures. The batch is always full, whatever is asked for, so that a picture is the same to the last
 * bit in any company.
 * @param frozen weights that do not change; without them `use` must be called first
 */
export async function drawing(
  c: DiffusionConfig,
  { batch, device, frozen }: { batch: number; device: Device; frozen?: Weights },
): Promise<Drawing> {
  const tree = params();
  const shape = [batch, c.size, c.size, c.channels];
  const { given, valid } = wordTensors(c, 2 * batch);
  const { text } = readWords(tree, c, { given, valid }).words!;
  const reading = await compile({ outputs: { text: text.mul(1) }, device, frozen });
  const picture = guided(
    tree.at('net'),
    c,
    input('xt', shape),
    input('t', [batch]),
    input('guidance', [batch]),
    {
      words: { text: input('read', text.shape), valid },
    },
  );
  const program = await compile({ outputs: { picture }, device, frozen });
  const numbers = c.size * c.size * c.channels;
  const out = new Float32Array(batch * numbers);
  let weights: Record<string, Float32Array> = {};
  return {
    batch,
    numbers,
    use(given) {
      weights = Object.fromEntries(given);
    },
    async draw(prompts, seeds, { steps, guidance, sampler, shift, negative = WORDLESS, onStep }) {
      const rows = Array.from({ length: batch }, (_, i) => prompts[i] ?? WORDLESS);
      const others = Array.from({ length: batch }, () => negative);
      const words = feedWords([...rows, ...others], c);
      const { text: read } = await reading.run({ ...weights, ...words }); // once, for all steps
      const noiseOf = (target: Float32Array, ...path: (number | string)[]) => {
        for (let i = 0; i < batch; i++)
          fillNormal(
            target.subarray(i * numbers, (i + 1) * numbers),
            streamKey(seeds[i] ?? 0, 'noise', ...path),
          );
      };
      const noise = new Float32Array(batch * numbers);
      noiseOf(noise);
      const strength = new Float32Array(batch).fill(guidance);
      const times = new Float32Array(batch);
      const drawn = await solve(
        async (xt, t) => {
          const feeds = { ...weights, read, valid: words.valid, xt, t: times.fill(t), guidance: strength };
          await program.run(feeds, { into: { picture: out } });
          return out.slice();
        },
        noise,
        { process: c.process, steps, sampler, shift, fresh: (step, target) => noiseOf(target, step), onStep },
      );
      return drawn.slice(0, prompts.length * numbers);
    },
    async close() {
      await reading.dispose();
      await program.dispose();
    },
  };
}
