import { describe, expect, test } from 'vitest';
import { trainStep } from '../../nn/index.ts';
import { random } from '../../random.ts';
import { compile, input, params } from '../../tensor/index.ts';
import { diffusionConfigSchema } from './config.ts';
import { drawTimes, flowLoss, flowVelocity, velocityOf } from './flow.ts';

const tiny = (prediction: 'velocity' | 'sample' | 'noise') =>
  diffusionConfigSchema.parse({
    size: 4,
    patch: 2,
    width: 32,
    layers: 1,
    heads: 2,
    prediction,
    text: { width: 16, layers: 1, heads: 2, vocabulary: 8, maxTokens: 2 },
  });
const PIXELS = 4 * 4 * 3;

test.each(['velocity', 'sample', 'noise'] as const)(
  'a perfect prediction of the %s is the true velocity',
  async (prediction) => {
    const draw = random(1, 'flow');
    const normals = () => Float32Array.from({ length: PIXELS }, () => draw.normal());
    const [x, noise, t] = [normals(), normals(), 0.4];
    const noised = x.map((value, i) => (1 - t) * value + t * noise[i]);
    const v = x.map((value, i) => noise[i] - value);
    const said = { velocity: v, sample: x, noise }[prediction];
    const shape = [1, 4, 4, 3];
    const out = velocityOf(tiny(prediction), input('said', shape), input('x', shape), input('t', [1]));
    const program = await compile({ outputs: { out: out.mul(1) } });
    const results = await program.run({ said, x: noised, t: Float32Array.of(t) });
    await program.dispose();
    for (let i = 0; i < PIXELS; i++) expect(Number(results.out[i])).toBeCloseTo(v[i], 4);
  },
);

test.each(['velocity', 'sample'] as const)(
  'the loss of the %s falls, and words come to decide the colour',
  { timeout: 60_000 },
  async (prediction) => {
    const c = tiny(prediction);
    const [batch, length] = [16, 2];
    const tree = params();
    const loss = flowLoss(tree, c, { batch, length });
    const network = await trainStep({ params: tree, loss, seed: 1, optimiser: { weightDecay: 0 } });
    const draw = random(2, 'data');
    let [first, last] = [0, 0];
    for (let step = 0; step < 150; step++) {
      const word = Array.from({ length: batch }, () => draw.int(2)); // 0: black, 1: white
      const result = await network.run(
        {
          pixels: Uint8Array.from({ length: batch * PIXELS }, (_, i) => 255 * word[Math.floor(i / PIXELS)]),
          t: drawTimes(draw, batch),
          tokens: Int32Array.from({ length: batch * length }, (_, i) => (i % 2 === 0 ? 1 : 3 + word[i >> 1])),
          valid: new Float32Array(batch * length).fill(1),
        },
        3e-3,
        step,
      );
      if (step < 10) first += result.loss / 10;
      if (step >= 140) last += result.loss / 10;
    }
    expect(last).toBeLessThan(0.5 * first);

    const velocity = flowVelocity(tree, c, { batch: 2, length });
    const program = await compile({ outputs: { velocity }, frozen: network.weights() });
    // At pure noise the velocity is ε − x: its mean says how bright the picture will be.
    const { velocity: out } = await program.run({
      x: new Float32Array(2 * PIXELS),
      t: Float32Array.of(1, 1),
      tokens: Int32Array.of(1, 3, 1, 4),
      valid: new Float32Array(4).fill(1),
    });
    const mean = (i: number) =>
      Array.from(out.slice(i * PIXELS, (i + 1) * PIXELS), Number).reduce((a, b) => a + b) / PIXELS;
    expect(mean(0) - mean(1)).toBeGreaterThan(1);
    await program.dispose();
    await network.dispose();
  },
);

describe('times of training', () => {
  test('lie between 0 and 1, half of them on either side of the mean', () => {
    const times = drawTimes(random(3, 't'), 4000);
    expect(Math.min(...times)).toBeGreaterThan(0);
    expect(Math.max(...times)).toBeLessThan(1);
    expect(times.filter((t) => t < 0.5).length / 4000).toBeCloseTo(0.5, 1);
    const noisy = drawTimes(random(3, 't'), 4000, { mean: 1 });
    expect(noisy.filter((t) => t < 1 / (1 + Math.exp(-1))).length / 4000).toBeCloseTo(0.5, 1);
  });
});
