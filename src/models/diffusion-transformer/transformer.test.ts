import { describe, expect, test } from 'vitest';
import { random } from '../../random.ts';
import {
  type Arrays,
  compile,
  countParameters,
  initialise,
  input,
  params,
  type Weights,
} from '../../tensor/index.ts';
import { DIFFUSION_SIZES, type DiffusionConfig, diffusionConfigSchema } from './config.ts';
import { diffuse, encodeText } from './transformer.ts';

const config = diffusionConfigSchema.parse({
  size: 8,
  patch: 2,
  width: 32,
  layers: 2,
  heads: 2,
  text: { width: 16, layers: 1, heads: 2, vocabulary: 20, maxTokens: 6 },
});

function trace(c: DiffusionConfig, batch: number, length: number, texts = batch) {
  const tree = params();
  const valid = input('valid', [texts, length]);
  const text = encodeText(tree.at('text'), c, input('tokens', [texts, length], 'int32'), valid);
  const x = input('x', [batch, c.size, c.size, c.channels]);
  return { tree, out: diffuse(tree.at('net'), c, x, input('t', [batch]), { words: { text, valid } }) };
}

/** Weights as after some training: those that begin at 0 are no longer. */
function moved(tree: ReturnType<typeof params>): Weights {
  const draw = random(5, 'weights');
  const weights = initialise(tree.all, 3);
  for (const values of weights.values())
    for (let i = 0; i < values.length; i++) values[i] += 0.2 * draw.normal();
  return weights;
}

async function run(
  batch: number,
  length: number,
  feeds: Arrays,
  weights: 'initial' | 'moved' = 'moved',
  texts = batch,
): Promise<Float32Array> {
  const { tree, out } = trace(config, batch, length, texts);
  const frozen = weights === 'moved' ? moved(tree) : initialise(tree.all, 3);
  const program = await compile({ outputs: { out }, frozen });
  const results = await program.run(feeds);
  await program.dispose();
  return results.out as Float32Array;
}

const PIXELS = 8 * 8 * 3;
function feeds(batch: number, length: number, seed = 1): Arrays {
  const draw = random(seed, 'feeds');
  return {
    x: Float32Array.from({ length: batch * PIXELS }, () => draw.normal()),
    t: Float32Array.from({ length: batch }, () => draw.uniform()),
    tokens: Int32Array.from({ length: batch * length }, () => draw.int(20)),
    valid: new Float32Array(batch * length).fill(1),
  };
}

/** Row i of every input. */
const only = (all: Arrays, i: number, batch: number): Arrays =>
  Object.fromEntries(
    Object.entries(all).map(([name, values]) => {
      const size = values.length / batch;
      return [name, values.slice(i * size, (i + 1) * size)];
    }),
  ) as Arrays;

const difference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);

test('as initialised it predicts 0 whatever it sees', async () => {
  const out = await run(2, 4, feeds(2, 4), 'initial');
  expect(out).toHaveLength(2 * PIXELS);
  expect(Math.max(...out.map(Math.abs))).toBe(0);
});

test('a picture is drawn alike in any company', async () => {
  const all = feeds(3, 5);
  const together = await run(3, 5, all);
  for (let i = 0; i < 3; i++) {
    const alone = await run(1, 5, only(all, i, 3));
    expect(difference(alone, together.slice(i * PIXELS, (i + 1) * PIXELS))).toBeLessThan(1e-4);
  }
});

test('pictures of one text are drawn as if each came with its own', async () => {
  const [a, b] = [feeds(2, 5, 1), feeds(2, 5, 2)];
  const four = { x: Float32Array.of(...(a.x as Float32Array), ...(b.x as Float32Array)), t: Float32Array.of(0.1, 0.9, 0.3, 0.7) }; // biome-ignore format: one line
  const tokens = a.tokens as Int32Array;
  const row = (i: number) => [...tokens.slice(5 * i, 5 * i + 5)];
  const each = Int32Array.of(...row(0), ...row(0), ...row(1), ...row(1));
  const shared = await run(4, 5, { ...four, tokens, valid: a.valid }, 'moved', 2);
  const own = await run(4, 5, { ...four, tokens: each, valid: new Float32Array(20).fill(1) });
  expect(difference(shared, own)).toBeLessThan(1e-4);
});

describe('what is drawn depends on', () => {
  const base = feeds(1, 4);
  test.each([
    ['the noised picture', { x: feeds(1, 4, 2).x }],
    ['the time', { t: Float32Array.of(0.9 - Number(base.t[0]) / 2) }],
    ['the words', { tokens: Int32Array.of(1, 2, 3, 4) }],
    ['their order', { tokens: Int32Array.from(base.tokens as Int32Array).reverse() }],
  ])('%s', async (_, changes) => {
    expect(difference(await run(1, 4, base), await run(1, 4, { ...base, ...changes }))).toBeGreaterThan(1e-3);
  });
});

test('padding changes nothing', async () => {
  const short = feeds(1, 3);
  const padded = {
    ...short,
    tokens: Int32Array.of(...(short.tokens as Int32Array), 7, 9),
    valid: Float32Array.of(1, 1, 1, 0, 0),
  };
  expect(difference(await run(1, 3, short), await run(1, 5, padded))).toBeLessThan(1e-5);
});

test('a text without words is no NaN', async () => {
  const out = await run(1, 3, { ...feeds(1, 3), valid: new Float32Array(3) });
  expect(out.every(Number.isFinite)).toBe(true);
});

test('XL/2 has the parameters of the largest DiT, and those of its cross-attention', () => {
  const c = diffusionConfigSchema.parse({
    ...DIFFUSION_SIZES['XL/2'],
    size: 32,
    channels: 4,
    text: { width: 4096, layers: 0 },
  });
  const tree = params();
  const [x, text, valid] = [input('x', [1, 32, 32, 4]), input('text', [1, 8, 4096]), input('valid', [1, 8])];
  diffuse(tree, c, x, input('t', [1]), { words: { text, valid } });
  const cross = [...tree.all].filter(([path]) => /cross|words|whole/.test(path));
  const of = (entries: typeof cross) => countParameters(new Map(entries));
  // 675 million (Peebles & Xie 2023, table 4) with an embedding of 1,000 classes, which gives way to the words here.
  expect(of([...tree.all]) - of(cross)).toBeGreaterThan(670e6);
  expect(of([...tree.all]) - of(cross)).toBeLessThan(680e6);
});

test('sizes that do not go together are refused', () => {
  expect(() => diffusionConfigSchema.parse({ size: 30, patch: 4 })).toThrow('it must divide');
  expect(() => diffusionConfigSchema.parse({ width: 100, heads: 7 })).toThrow('it must divide');
});
