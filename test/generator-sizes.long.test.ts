/** The largest published size of a diffusion transformer: it must build, and compute. */
import { expect, test } from 'vitest';
import { DIFFUSION_SIZES, diffusionConfigSchema } from '../src/models/diffusion-transformer/config.ts';
import { diffuse } from '../src/models/diffusion-transformer/transformer.ts';
import { compile, countParameters, initialise, input, params } from '../src/tensor/index.ts';

test('XL/2 draws a latent of 32 × 32 × 4 from the vectors of a T5-XXL', async () => {
  const c = diffusionConfigSchema.parse({
    ...DIFFUSION_SIZES['XL/2'],
    size: 32,
    channels: 4,
    text: { width: 4096, layers: 0, heads: 1 },
  });
  const tree = params();
  const words = { text: input('text', [1, 8, 4096]), valid: input('valid', [1, 8]) };
  const out = diffuse(tree, c, input('x', [1, 32, 32, 4]), input('t', [1]), { words });
  expect(countParameters(tree.all)).toBeGreaterThan(800e6);
  const weights = initialise(tree.all, 1);
  for (let i = 0; i < weights.get('out.weight')!.length; i++)
    weights.get('out.weight')![i] = 0.01 * Math.sin(i); // it begins at 0
  const program = await compile({ outputs: { out } }); // weights are fed: 2 GB is the most that a graph can hold
  const { out: drawn } = await program.run({
    ...Object.fromEntries(weights),
    x: Float32Array.from({ length: 4096 }, (_, i) => Math.sin(i)),
    t: Float32Array.of(0.5),
    text: Float32Array.from({ length: 8 * 4096 }, (_, i) => Math.cos(i)),
    valid: new Float32Array(8).fill(1),
  });
  await program.dispose();
  expect(drawn).toHaveLength(4096);
  expect((drawn as Float32Array).every(Number.isFinite)).toBe(true);
  expect((drawn as Float32Array).some((value) => Math.abs(value) > 1e-3)).toBe(true);
});
