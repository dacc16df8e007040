/** Our side of `bench/generator-step` and `bench/sample`, asked like `bench/peers/generator.py`. */
import { drawing } from '../../src/generators/draw.ts';
import { feedWords, wordInputs } from '../../src/generators/words.ts';
import {
  type DiffusionConfig,
  diffusionConfigSchema,
} from '../../src/models/diffusion-transformer/config.ts';
import { asSigned, diffusionLoss, drawTimes } from '../../src/models/diffusion-transformer/process.ts';
import { trainStep } from '../../src/nn/index.ts';
import { random } from '../../src/random.ts';
import { countParameters, initialise, input, params } from '../../src/tensor/index.ts';
import { peakMemory, serve } from '../lib/lines.ts';
import type { GENERATOR } from '../models.ts';

await serve<typeof GENERATOR & { threads: number }>(
  async ({ batch, length, steps, drawn, threads: _, ...sizes }) => {
    const { text, ...rest } = sizes;
    const c: DiffusionConfig = diffusionConfigSchema.parse({ ...rest, text: { ...text, maxTokens: length } });
    const tree = params();
    const pixels = asSigned(input('pixels', [batch, c.size, c.size, c.channels], 'uint8'));
    const loss = diffusionLoss(tree.at('net'), c, pixels, wordInputs(tree, c, batch));
    const weights = () => initialise(tree.all, 0); // not kept: a training does not keep what it starts from
    const draw = random(0, 'bench');
    const rows = Array.from({ length: batch }, () => ({
      tokens: Array.from({ length }, () => draw.int(text.vocabulary)),
    }));
    const shown = Uint8Array.from({ length: batch * c.size ** 2 * c.channels }, () => draw.int(256));
    let network: Awaited<ReturnType<typeof trainStep>> | undefined;
    let drawer: Awaited<ReturnType<typeof drawing>> | undefined;
    return async (request) => {
      if (request === 'memory') return peakMemory();
      if (request === 'parameters') return countParameters(tree.all);
      if (request === 'step')
        network ??= await trainStep({ params: tree, loss, weights: weights(), optimiser: { clip: 1, ema: 0.998, weightDecay: 0.01 } }); // biome-ignore format: one line
      else drawer ??= await drawing(c, { batch: drawn, device: 'cpu', frozen: weights() });
      const start = performance.now();
      if (request === 'step') await network!.run({ pixels: shown, t: drawTimes(draw, batch, { mean: 1 }), ...feedWords(rows, c) }, 1e-3, network!.step); // biome-ignore format: one line
    else await drawer!.draw(rows.slice(0, 1).flatMap((row) => Array(drawn).fill(row)), [...Array(drawn).keys()], { steps, guidance: 3, sampler: 'euler', shift: 1 }); // biome-ignore format: one line
      return performance.now() - start;
    };
  },
);
