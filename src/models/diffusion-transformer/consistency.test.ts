import { expect, test } from 'vitest';
import { trainStep } from '../../nn/index.ts';
import { random } from '../../random.ts';
import { compile, input, params, type Weights } from '../../tensor/index.ts';
import { diffusionConfigSchema } from './config.ts';
import { consistencyLoss } from './consistency.ts';
import { asSigned, diffusionLoss, drawTimes, expected } from './process.ts';
import { timesOf } from './solve.ts';

const c = diffusionConfigSchema.parse({
  size: 2,
  patch: 2,
  width: 32,
  layers: 1,
  heads: 2,
  text: { width: 8, heads: 2 },
});
const [BATCH, PIXELS] = [32, 2 * 2 * 3];

/** Pictures that are black or white all over, by chance. */
const pictures = (draw: ReturnType<typeof random>) => {
  const white = Array.from({ length: BATCH }, () => draw.int(2));
  return Uint8Array.from({ length: BATCH * PIXELS }, (_, i) => 255 * white[Math.floor(i / PIXELS)]);
};

test('a pupil says at once, of pure noise, which picture its teacher would arrive at', {
  timeout: 60_000,
}, async () => {
  const x = () => asSigned(input('pixels', [BATCH, 2, 2, 3], 'uint8'));
  const tree = params();
  const taught = await trainStep({ params: tree, loss: diffusionLoss(tree, c, x(), {}), seed: 1, optimiser: { weightDecay: 0 } }); // biome-ignore format: one line
  const draw = random(1, 'data');
  for (let step = 0; step < 500; step++)
    await taught.run({ pixels: pictures(draw), t: drawTimes(draw, BATCH, { mean: 0.5 }) }, 3e-3, step);

  const both = params();
  const seeing = { ...c, leastInput: 0.1 };
  const loss = consistencyLoss(seeing, x(), {
    student: { net: both, conditions: {} },
    teacher: { net: both.at('teacher'), config: c, conditions: {}, guided: true },
  });
  const weights: Weights = new Map([...taught.weights()].flatMap(([path, values]) => [[path, values.slice()], [`teacher.${path}`, values.slice()]])); // biome-ignore format: one line
  const pupil = await trainStep({ params: both, loss, weights, frozen: (path) => path.startsWith('teacher.'), optimiser: { weightDecay: 0 } }); // biome-ignore format: one line
  const times = timesOf(8, 2);
  for (let step = 0; step < 500; step++) {
    const at = Array.from({ length: BATCH }, () => draw.int(8));
    const [t, s] = [0, 1].map((k) => Float32Array.from(at, (i) => times[i + k]));
    await pupil.run({ pixels: pictures(draw), t, s, guidance: Float32Array.of(1) }, 1e-3, step);
  }

  const own = params();
  const out = expected(own, seeing, input('xt', [BATCH, 2, 2, 3]), input('t', [BATCH]), {});
  const program = await compile({ outputs: { out: out.mul(1) } });
  const noise = Float32Array.from({ length: BATCH * PIXELS }, () => draw.normal());
  /** How far from grey the picture is that is expected of pure noise. */
  const decided = async (given: Weights) => {
    const t = new Float32Array(BATCH).fill(1);
    const { out: found } = await program.run({ ...Object.fromEntries(given), xt: noise, t });
    return (found as Float32Array).reduce((sum, value) => sum + Math.abs(value), 0) / found.length;
  };
  expect(await decided(taught.weights())).toBeLessThan(0.4); // black or white: on the whole, grey
  expect(await decided(pupil.weights())).toBeGreaterThan(0.7);
  for (const thing of [program, taught, pupil]) await thing.dispose();
});
