import { describe, expect, it } from 'vitest';
import { random } from '../random.ts';
import { checkGradient } from '../tensor/check-gradient.ts';
import {
  compile,
  constant,
  initialise,
  input,
  type ParameterSpec,
  type Params,
  params,
  type Shape,
  sizeOf,
  type Tensor,
  type Weights,
} from '../tensor/index.ts';
import {
  attend,
  attention,
  block,
  causalMask,
  layerNorm,
  mergeHeads,
  paddingMask,
  projectHeads,
} from './layers.ts';

const numbers = (shape: Shape, ...path: (number | string)[]) => {
  const draw = random(1, ...path);
  return Float32Array.from({ length: sizeOf(shape) }, () => draw.normal());
};

/** Compiles once; each call runs with the given inputs and the same random weights. */
async function layer(
  build: (p: Params, inputs: Record<string, Tensor>) => Tensor,
  shapes: Record<string, Shape>,
): Promise<{
  run: (feeds: Record<string, Float32Array>) => Promise<Float32Array>;
  weights: Weights;
  y: Tensor;
}> {
  const tree = params();
  const inputs = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, input(name, shape)]),
  );
  const y = build(tree, inputs);
  const weights = initialise(tree.all, 2);
  for (const [path, values] of weights) if (path.endsWith('bias')) values.set(numbers([values.length], path));
  const program = await compile({ outputs: { y }, frozen: weights });
  return { y, weights, run: async (feeds) => (await program.run(feeds)).y as Float32Array };
}

/** Rows of a matrix product with bias, in doubles. */
const affine = (x: number[][], w: Float32Array, b: Float32Array) =>
  x.map((row) =>
    [...b].map((bias, j) => row.reduce((sum, value, i) => sum + value * w[i * b.length + j], bias)),
  );
const rows = (values: Float32Array, width: number) =>
  Array.from({ length: values.length / width }, (_, i) => [...values.subarray(i * width, (i + 1) * width)]);

/** Attention of one sequence as the paper writes it: softmax(Q·Kᵀ / √d)·V per head, heads side by side. */
function attentionByHand(
  q: number[][],
  k: number[][],
  v: number[][],
  heads: number,
  sees = (_t: number, _s: number) => true,
) {
  const size = q[0].length / heads;
  return q.map((query, t) =>
    Array.from({ length: heads }, (_, h) => {
      const part = (x: number[]) => x.slice(h * size, (h + 1) * size);
      const scores = k.map((key, s) =>
        sees(t, s)
          ? part(query).reduce((sum, x, i) => sum + x * part(key)[i], 0) / Math.sqrt(size)
          : -Infinity,
      );
      const top = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - top));
      const sum = weights.reduce((a, b) => a + b);
      return Array.from({ length: size }, (_, i) =>
        v.reduce((y, value, s) => y + (weights[s] / sum) * part(value)[i], 0),
      );
    }).flat(),
  );
}
const near = (actual: Float32Array, expected: number[][], digits = 4) => {
  expect(actual.length).toBe(expected.flat().length);
  for (const [i, value] of expected.flat().entries()) expect(actual[i]).toBeCloseTo(value, digits);
};

const [T, S, C, HEADS] = [5, 4, 6, 2];

describe('attention', () => {
  it('to itself is that of the paper', async () => {
    const { run, weights } = await layer((p, { x }) => attention(p, x, { heads: HEADS }), { x: [1, T, C] });
    const x = numbers([T, C], 'x');
    const all = affine(rows(x, C), weights.get('qkv.weight')!, weights.get('qkv.bias')!);
    const part = (i: number) => all.map((row) => row.slice(i * C, (i + 1) * C));
    const joined = attentionByHand(part(0), part(1), part(2), HEADS);
    near(await run({ x }), affine(joined, weights.get('out.weight')!, weights.get('out.bias')!));
  });

  it('to a context takes its keys and values there, each batch from its own', async () => {
    const { run, weights, y } = await layer(
      (p, { x, context }) => attention(p, x, { heads: HEADS, context }),
      {
        x: [2, T, C],
        context: [2, S, 3],
      },
    );
    expect(y.shape).toEqual([2, T, C]);
    const [x, context] = [numbers([2, T, C], 'x'), numbers([2, S, 3], 'context')];
    const found = await run({ x, context });
    for (const b of [0, 1]) {
      const from = rows(context.subarray(b * S * 3, (b + 1) * S * 3), 3);
      const q = affine(
        rows(x.subarray(b * T * C, (b + 1) * T * C), C),
        weights.get('q.weight')!,
        weights.get('q.bias')!,
      );
      const kv = affine(from, weights.get('kv.weight')!, weights.get('kv.bias')!);
      const joined = attentionByHand(
        q,
        kv.map((row) => row.slice(0, C)),
        kv.map((row) => row.slice(C)),
        HEADS,
      );
      near(
        found.subarray(b * T * C, (b + 1) * T * C),
        affine(joined, weights.get('out.weight')!, weights.get('out.bias')!),
      );
    }
  });

  it('under a causal mask does not see the future', async () => {
    const { run } = await layer((p, { x }) => attention(p, x, { heads: HEADS, mask: causalMask(T) }), {
      x: [1, T, C],
    });
    const x = numbers([T, C], 'x');
    const before = await run({ x });
    for (let t = 1; t < T; t++) {
      const changed = x.slice();
      changed.set(numbers([T - t, C], 'later'), t * C);
      const after = await run({ x: changed });
      expect(after.slice(0, t * C)).toEqual(before.slice(0, t * C));
      for (let s = t; s < T; s++)
        expect(after.slice(s * C, (s + 1) * C)).not.toEqual(before.slice(s * C, (s + 1) * C));
    }
  });

  it('under a padding mask takes nothing from hidden keys: it is attention to the shorter sequence', async () => {
    const masked = await layer(
      (p, { x, context, valid }) => attention(p, x, { heads: HEADS, context, mask: paddingMask(valid) }),
      { x: [2, T, C], context: [2, S, C], valid: [2, S] },
    );
    const x = numbers([2, T, C], 'x');
    const context = numbers([2, S, C], 'context');
    const valid = Float32Array.of(1, 1, 0, 0, 1, 1, 1, 1);
    const before = await masked.run({ x, context, valid });
    const changed = context.slice();
    changed.set(
      numbers([2, C], 'padding').map((value) => 100 * value),
      2 * C,
    );
    expect(await masked.run({ x, context: changed, valid })).toEqual(before);

    const short = await layer((p, { x, context }) => attention(p, x, { heads: HEADS, context }), {
      x: [1, T, C],
      context: [1, 2, C],
    });
    near(
      before.slice(0, T * C),
      rows(await short.run({ x: x.slice(0, T * C), context: context.slice(0, 2 * C) }), C),
      5,
    );
  });

  it('to keys that are all hidden is finite', async () => {
    const { run } = await layer(
      (p, { x, valid }) => attention(p, x, { heads: HEADS, mask: paddingMask(valid) }),
      { x: [1, T, C], valid: [1, T] },
    );
    const y = await run({ x: numbers([T, C], 'x'), valid: new Float32Array(T) });
    expect(y.every(Number.isFinite)).toBe(true);
  });

  it('does not care for the order of what it looks at', async () => {
    const { run } = await layer((_, { q, k, v }) => attend(q, k, v), {
      q: [1, 1, T, C],
      k: [1, 1, S, C],
      v: [1, 1, S, C],
    });
    const [q, k, v] = [numbers([T, C], 'q'), numbers([S, C], 'k'), numbers([S, C], 'v')];
    const turned = (values: Float32Array) => Float32Array.from(rows(values, C).toReversed().flat());
    near(await run({ q, k, v }), rows(await run({ q, k: turned(k), v: turned(v) }), C), 5);
  });

  it('cuts into heads and joins them again', async () => {
    const { run, weights } = await layer((p, { x }) => mergeHeads(projectHeads(p, x, C, HEADS, 3)[1]), {
      x: [1, T, C],
    });
    const x = numbers([T, C], 'x');
    const all = affine(rows(x, C), weights.get('weight')!, weights.get('bias')!);
    near(
      await run({ x }),
      all.map((row) => row.slice(C, 2 * C)),
    );
  });
});

/** A tree whose parameters are the given inputs, so that a check of gradients reaches the weights too. */
function given(specs: ParameterSpec[], tensors: Tensor[]): Params {
  const byPath = new Map(specs.map(({ path }, i) => [path, tensors[i]]));
  const scope = (path: string): Params => ({
    path,
    all: new Map(),
    at: (name) => scope(path ? `${path}.${name}` : `${name}`),
    get: (name) => byPath.get(path ? `${path}.${name}` : name)!,
  });
  return scope('');
}

/** Checks the gradients of a layer for its inputs and all its parameters against finite differences. */
async function checkLayer(
  shapes: number[][],
  build: (p: Params, ...inputs: Tensor[]) => Tensor,
): Promise<void> {
  const tree = params();
  build(tree, ...shapes.map((shape, i) => input(`x${i}`, shape)));
  const specs = [...tree.all.values()];
  await checkGradient(
    [...shapes, ...specs.map(({ tensor }) => [...tensor.shape])],
    (...inputs) => build(given(specs, inputs.slice(shapes.length)), ...inputs.slice(0, shapes.length)),
    { low: -0.8, high: 0.8 },
  );
}

describe('the gradient of a whole block is that of its finite differences', () => {
  it('attending to itself under a causal mask', () =>
    checkLayer([[2, 3, 4]], (p, x) => block(p, x, { heads: 2, ratio: 2, mask: causalMask(3) })));
  it('attending to a context under a padding mask', () =>
    checkLayer(
      [
        [2, 2, 4],
        [2, 3, 4],
      ],
      (p, x, context) => {
        const valid = constant(Float32Array.of(1, 1, 0, 1, 1, 1), [2, 3], 'float32');
        return block(p, x, { heads: 2, ratio: 1, context, mask: paddingMask(valid) });
      },
    ));
});

describe('layerNorm', () => {
  it('brings every row to mean 0 and variance 1, then shifts it by its bias', async () => {
    const { run, weights } = await layer((p, { x }) => layerNorm(p, x), { x: [T, C] });
    const bias = weights.get('bias')!;
    const y = rows(await run({ x: numbers([T, C], 'x').map((value) => 3 * value + 5) }), C);
    for (const row of y) {
      const plain = row.map((value, i) => value - bias[i]);
      expect(plain.reduce((a, b) => a + b) / C).toBeCloseTo(0, 4);
      expect(plain.reduce((sum, value) => sum + value ** 2, 0) / C).toBeCloseTo(1, 3);
    }
  });
});
