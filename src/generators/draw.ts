/** Draws with a network: the loop from noise to pictures, a batch at a time. */
import type { DiffusionConfig } from '../models/diffusion-transformer/config.ts';
import { expected, guided } from '../models/diffusion-transformer/process.ts';
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

/** Frozen weights become part of a graph, whose file cannot be larger than 2 GiB: more bytes than this are fed instead. */
const MOST_FROZEN = 1.8e9;

interface DrawingOptions {
  batch: number;
  device: Device;
  frozen?: Weights;
}

/**
 * Prepares the network for `batch` pictures. The batch is always full, whatever is asked for, so that a picture is the same to the last
 * bit in any company.
 * @param frozen weights that do not change; without them `use` must be called first
 */
export async function drawing(
  c: DiffusionConfig,
  { batch, device, frozen }: DrawingOptions,
): Promise<Drawing> {
  const bytes = [...(frozen?.values() ?? [])].reduce((sum, { byteLength }) => sum + byteLength, 0);
  const isFed = bytes > MOST_FROZEN;
  const options = { batch, device, ...(!isFed && { frozen }) };
  const numbers = c.size * c.size * c.channels;
  // Under guidance every step asks twice; where there is none, once.
  const networks = new Map<boolean, ReturnType<typeof network>>();
  const networkFor = (isGuided: boolean) => {
    const found = networks.get(isGuided) ?? network(c, isGuided, options);
    networks.set(isGuided, found);
    return found;
  };
  let weights: Record<string, Float32Array> = isFed ? Object.fromEntries(frozen!) : {};
  return {
    batch,
    numbers,
    use(given) {
      weights = Object.fromEntries(given);
    },
    async draw(prompts, seeds, { steps, guidance, sampler, shift, negative = WORDLESS, onStep }) {
      const { reading, program } = await networkFor(guidance !== 1);
      const asked = Array.from({ length: batch }, (_, i) => prompts[i] ?? WORDLESS);
      const others = guidance === 1 ? [] : Array.from({ length: batch }, () => negative);
      const words = feedWords([...asked, ...others], c);
      const { read } = await reading.run({ ...weights, ...words }); // once, for all steps
      const noise = (out: Float32Array, ...path: number[]) => {
        for (let i = 0; i < batch; i++)
          fillNormal(
            out.subarray(i * numbers, (i + 1) * numbers),
            streamKey(seeds[i] ?? 0, 'noise', ...path),
          );
        return out;
      };
      const strength = new Float32Array(batch).fill(guidance);
      const drawn = await solve(
        async (xt, t) => {
          const times = new Float32Array(batch).fill(t);
          const feeds = { ...weights, read, valid: words.valid, xt, t: times, guidance: strength };
          return (await program.run(feeds)).picture as Float32Array;
        },
        noise(new Float32Array(batch * numbers)),
        { process: c.process, steps, sampler, shift, fresh: (step, out) => void noise(out, step), onStep },
      );
      return drawn.slice(0, prompts.length * numbers);
    },
    async close() {
      for (const one of networks.values()) {
        const { reading, program } = await one;
        await reading.dispose();
        await program.dispose();
      }
    },
  };
}

/** The text encoder, and a step with what it has read. */
async function network(c: DiffusionConfig, isGuided: boolean, { batch, device, frozen }: DrawingOptions) {
  const tree = params();
  const { given, valid } = wordTensors(c, isGuided ? 2 * batch : batch);
  const { text } = readWords(tree, c, { given, valid }).words!;
  const reading = await compile({ outputs: { read: text.mul(1) }, device, frozen });
  const words = { text: input('read', text.shape), valid };
  const [xt, t] = [input('xt', [batch, c.size, c.size, c.channels]), input('t', [batch])];
  const picture = isGuided
    ? guided(tree.at('net'), c, xt, t, input('guidance', [batch]), { words })
    : expected(tree.at('net'), c, xt, t, { words });
  return { reading, program: await compile({ outputs: { picture: picture.mul(1) }, device, frozen }) };
}
