import { describe, expect, test } from 'vitest';
import { trainStep } from '../../nn/index.ts';
import { random } from '../../random.ts';
import { compile, input, params, type Tensor } from '../../tensor/index.ts';
import { type DiffusionConfig, diffusionConfigSchema } from './config.ts';
import { asSigned, diffusionLoss, drawTimes, expected, guided, noised, signalAndNoise } from './process.ts';
import { encodeText } from './transformer.ts';

type Kind = Pick<DiffusionConfig, 'process' | 'prediction' | 'weighting'>;
const tiny = (kind: Partial<Kind> = {}) =>
  diffusionConfigSchema.parse({
    size: 4,
    patch: 2,
    width: 32,
    layers: 1,
    heads: 2,
    ...kind,
    text: { width: 16, layers: 1, heads: 2, vocabulary: 8, maxTokens: 2, window: 1 },
  });
const PIXELS = 4 * 4 * 3;

const KINDS: [DiffusionConfig['process'], DiffusionConfig['prediction']][] = [
  ['flow', 'velocity'],
  ['flow', 'sample'],
  ['flow', 'noise'],
  ['ddpm', 'velocity'],
  ['ddpm', 'sample'],
  ['ddpm', 'noise'],
];

/** Words of two tokens, through the encoder trained along. */
const wordsOf = (tree: ReturnType<typeof params>, c: DiffusionConfig, batch: number) => {
  const valid = input('valid', [batch, 2]);
  return {
    words: { text: encodeText(tree.at('text'), c, input('tokens', [batch, 2], 'int32'), valid), valid },
  };
};

test.each(KINDS)(
  'in the %s process a network that predicts the %s starts by expecting what its 0 means',
  async (process, prediction) => {
    const c = tiny({ process, prediction });
    const t = 0.4;
    const tree = params();
    const shape = [1, 4, 4, 3];
    const xt = input('xt', shape);
    const out = expected(tree, c, xt, input('t', [1]), {});
    const program = await compile({ outputs: { out: out.mul(1) }, frozen: startOf(tree) });
    const x = Float32Array.from({ length: PIXELS }, (_, i) => Math.sin(i));
    const { out: found } = await program.run({ xt: x, t: Float32Array.of(t) });
    await program.dispose();
    const [alpha, sigma] = signalAndNoise(process, t);
    // v = dx/dt of the process, up to sign and scale: ε − x of the flow, α·ε − σ·x of the other.
    const meant = {
      sample: () => 0,
      noise: (value: number) => value / alpha, // ε = 0
      velocity: (value: number) => (process === 'flow' ? value : alpha * value), // of the flow ε = x = x_t; else x = α·x_t
    }[prediction];
    for (let i = 0; i < PIXELS; i++) expect(Number(found[i])).toBeCloseTo(meant(x[i]), 5);
    expect(sigma).toBeGreaterThan(0);
  },
);

const startOf = (tree: ReturnType<typeof params>) => {
  const weights = new Map<string, Float32Array>();
  for (const { path, tensor } of tree.all.values())
    weights.set(path, new Float32Array(tensor.shape.reduce((a, b) => a * b, 1)));
  return weights;
};

test.each(['flow', 'ddpm'] as const)(
  'the %s process mixes picture and noise as told, from all the one to all the other',
  async (process) => {
    const mix = noised(
      tiny({ process }),
      input('x', [2, 1, 1, 1]),
      input('noise', [2, 1, 1, 1]),
      input('t', [2]),
    );
    const program = await compile({ outputs: { mix } });
    const at = async (t: number) =>
      Number(
        (
          await program.run({
            x: Float32Array.of(3, 3),
            noise: Float32Array.of(5, 5),
            t: Float32Array.of(t, t),
          })
        ).mix[0],
      );
    for (const t of [0, 0.3, 1]) {
      const [alpha, sigma] = signalAndNoise(process, t);
      expect(await at(t)).toBeCloseTo(3 * alpha + 5 * sigma, 5);
    }
    await program.dispose();
    expect(signalAndNoise(process, 0)[1]).toBeCloseTo(0);
    expect(signalAndNoise(process, 1)[0]).toBeCloseTo(0);
  },
);

test.each([
  ...KINDS.map(([process, prediction]): Kind => ({ process, prediction, weighting: 'velocity' })),
  { process: 'ddpm', prediction: 'noise', weighting: 'min-snr' } satisfies Kind,
])(
  'with $process, $prediction and $weighting the loss falls, and words come to decide the colour',
  { timeout: 60_000 },
  async (kind) => {
    const c = tiny(kind);
    const batch = 16;
    const tree = params();
    const pixels = asSigned(input('pixels', [batch, 4, 4, 3], 'uint8'));
    const loss = diffusionLoss(tree.at('net'), c, pixels, wordsOf(tree, c, batch));
    const network = await trainStep({ params: tree, loss, seed: 1, optimiser: { weightDecay: 0 } });
    const draw = random(2, 'data');
    let [first, last] = [0, 0];
    for (let step = 0; step < 200; step++) {
      const word = Array.from({ length: batch }, () => draw.int(2)); // 0: black, 1: white
      const result = await network.run(
        {
          pixels: Uint8Array.from({ length: batch * PIXELS }, (_, i) => 255 * word[Math.floor(i / PIXELS)]),
          t: drawTimes(draw, batch),
          tokens: Int32Array.from({ length: batch * 2 }, (_, i) => (i % 2 === 0 ? 1 : 3 + word[i >> 1])),
          valid: new Float32Array(batch * 2).fill(1),
        },
        3e-3,
        step,
      );
      if (step < 10) first += result.loss / 10;
      if (step >= 190) last += result.loss / 10;
    }
    expect(last).toBeLessThan(0.5 * first);

    const out = expected(tree.at('net'), c, input('xt', [2, 4, 4, 3]), input('t', [2]), wordsOf(tree, c, 2));
    const program = await compile({ outputs: { out }, frozen: network.weights() });
    // Near pure noise, what is expected is what the words say.
    const noise = Float32Array.from({ length: PIXELS }, () => draw.normal());
    const { out: found } = await program.run({
      xt: Float32Array.of(...noise, ...noise),
      t: Float32Array.of(0.95, 0.95),
      tokens: Int32Array.of(1, 3, 1, 4),
      valid: new Float32Array(4).fill(1),
    });
    const mean = (i: number) =>
      Array.from(found.slice(i * PIXELS, (i + 1) * PIXELS), Number).reduce((a, b) => a + b) / PIXELS;
    expect(mean(1) - mean(0)).toBeGreaterThan(0.6);
    await program.dispose();
    await network.dispose();
  },
);

test('guidance 1 is what the words say, 0 what the others say, and more goes beyond', async () => {
  const c = tiny();
  const tree = params();
  const [xt, t] = [input('xt', [1, 4, 4, 3]), input('t', [1])];
  const plain = expected(tree.at('net'), c, xt, t, named(tree, c, 'a', 1));
  const both = guided(tree.at('net'), c, xt, t, input('g', [1]), named(tree, c, 'b', 2));
  const draw = random(3, 'w');
  const weights = new Map(
    [...startOf(tree)].map(([path, values]) => [path, values.map(() => 0.3 * draw.normal())]),
  );
  const program = await compile({ outputs: { plain, both }, frozen: weights });
  const run = async (tokens: number[], guidance: number) =>
    program.run({
      xt: Float32Array.from({ length: PIXELS }, (_, i) => Math.cos(i)),
      t: Float32Array.of(0.5),
      g: Float32Array.of(guidance),
      'a.tokens': Int32Array.from(tokens.slice(0, 2)),
      'a.valid': Float32Array.of(1, 1),
      'b.tokens': Int32Array.from(tokens),
      'b.valid': Float32Array.of(1, 1, 1, 1),
    });
  const asked = await run([1, 3, 1, 4], 1);
  const other = await run([1, 4, 1, 4], 1);
  const none = await run([1, 3, 1, 4], 0);
  const beyond = await run([1, 3, 1, 4], 3);
  for (let i = 0; i < PIXELS; i++) {
    expect(asked.both[i]).toBeCloseTo(Number(asked.plain[i]), 4);
    expect(none.both[i]).toBeCloseTo(Number(other.plain[i]), 4);
    const [a, b] = [Number(asked.plain[i]), Number(other.plain[i])];
    expect(beyond.both[i]).toBeCloseTo(b + 3 * (a - b), 3);
  }
  await program.dispose();

  function named(
    tree_: typeof tree,
    config: DiffusionConfig,
    name: string,
    batch: number,
  ): { words: { text: Tensor; valid: Tensor } } {
    const valid = input(`${name}.valid`, [batch, 2]);
    return {
      words: {
        text: encodeText(tree_.at('text'), config, input(`${name}.tokens`, [batch, 2], 'int32'), valid),
        valid,
      },
    };
  }
});

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
