import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkGradient, evaluate } from './check-gradient.ts';
import type { Shape, Tensor } from './index.ts';
import * as T from './index.ts';

const floats = (values: number[], shape: Shape = [values.length]) =>
  T.constant(Float32Array.from(values), shape, 'float32');
const ints = (values: number[], shape: Shape = [values.length]) =>
  T.constant(Int32Array.from(values), shape, 'int32');
const near = (actual: ArrayLike<number>, expected: number[], digits = 5) => {
  expect(actual.length).toBe(expected.length);
  for (const [i, value] of expected.entries()) expect(actual[i]).toBeCloseTo(value, digits);
};

/** 0, 1, 2 … in this shape. */
const grid = (shape: Shape) => floats([...Array(T.sizeOf(shape)).keys()], shape);

/** Error function to 1e-7 (Abramowitz & Stegun 7.1.26 is too coarse; this is its series). */
const erf = (x: number) => {
  let [term, sum] = [x, x];
  for (let n = 1; n < 60; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
};
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

describe('every operator of one argument has the value of its definition and the gradient of its finite differences', () => {
  const cases: [string, (x: Tensor) => Tensor, (x: number) => number, { low?: number; high?: number }?][] = [
    ['neg', T.neg, (x) => -x],
    ['exp', T.exp, Math.exp],
    ['log', T.log, Math.log, { low: 0.5, high: 3 }],
    ['sqrt', T.sqrt, Math.sqrt, { low: 0.5, high: 3 }],
    ['reciprocal', T.reciprocal, (x) => 1 / x, { low: 0.5, high: 3 }],
    ['tanh', T.tanh, Math.tanh],
    ['sigmoid', T.sigmoid, sigmoid],
    ['sin', T.sin, Math.sin],
    ['cos', T.cos, Math.cos],
    ['abs', T.abs, Math.abs, { low: 0.1 }],
    ['relu', T.relu, (x) => Math.max(0, x), { low: 0.1 }],
    ['relu of negatives', T.relu, (x) => Math.max(0, x), { high: -0.1 }],
    ['erf', T.erf, erf],
    ['gelu', T.gelu, (x) => (x * (1 + erf(x / Math.SQRT2))) / 2],
    [
      'geluTanh',
      T.geluTanh,
      (x) => (x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2,
    ],
    ['quickGelu', T.quickGelu, (x) => x * sigmoid(1.702 * x)],
    ['silu', T.silu, (x) => x * sigmoid(x)],
    ['pow', (x) => T.pow(x, 1.5), (x) => x ** 1.5, { low: 0.5, high: 3 }],
    ['square', (x) => x.square(), (x) => x * x],
  ];
  for (const [name, build, value, range] of cases) {
    it(name, async () => {
      await checkGradient([[2, 3]], build, range);
      const points = [0.6, 0.9, 1.3, 2.1];
      near(await evaluate(build(floats(points))), points.map(value), 4);
    });
  }
});

describe('operators of two arguments broadcast like NumPy and sum their gradients over what was broadcast', () => {
  const cases: [string, (x: Tensor, y: Tensor) => Tensor, (x: number, y: number) => number][] = [
    ['add', T.add, (x, y) => x + y],
    ['sub', T.sub, (x, y) => x - y],
    ['mul', T.mul, (x, y) => x * y],
    ['div', T.div, (x, y) => x / y],
    ['maximum', T.maximum, Math.max],
    ['minimum', T.minimum, Math.min],
  ];
  for (const [name, build, value] of cases) {
    it(name, async () => {
      await checkGradient(
        [
          [2, 3],
          [2, 3],
        ],
        build,
        { low: 0.5, high: 2, step: 2e-3 },
      );
      await checkGradient(
        [
          [2, 1, 3],
          [4, 1],
        ],
        build,
        { low: 0.5, high: 2, step: 2e-3 },
      );
      await checkGradient([[3], []], build, { low: 0.5, high: 2 });
      near(await evaluate(build(floats([1, 2, 3, 4], [2, 2]), floats([5, 3]))), [
        value(1, 5),
        value(2, 3),
        value(3, 5),
        value(4, 3),
      ]);
    });
  }
  it('refuses shapes that do not broadcast, naming both', () => {
    expect(() => T.add(floats([1, 2]), floats([1, 2, 3]))).toThrow(/\[2\] and \[3\]/);
  });
});

describe('comparison and choice', () => {
  it('compares numbers and picks by a condition', async () => {
    const x = floats([1, 2, 3]);
    const flags = (t: Tensor) => evaluate(T.where(t, 1, 0));
    near(await flags(T.equal(x, 2)), [0, 1, 0]);
    near(await flags(T.less(x, 2)), [1, 0, 0]);
    near(await flags(T.lessOrEqual(x, 2)), [1, 1, 0]);
    near(await flags(T.greater(x, 2)), [0, 0, 1]);
    near(await flags(T.greaterOrEqual(x, 2)), [0, 1, 1]);
    near(await flags(T.and(T.not(T.equal(x, 2)), T.less(x, 3))), [1, 0, 0]);
  });
  it('compares integers with whole numbers exactly, and refuses numbers that are none of their type', async () => {
    const flags = (t: Tensor) => evaluate(T.where(t, 1, 0));
    near(await flags(T.greaterOrEqual(ints([-1, 0, 7]), 0)), [0, 1, 1]);
    near(await flags(T.less(-1, ints([-2, -1, 0]))), [0, 0, 1]);
    near(await flags(T.equal(ints([2 ** 24, 2 ** 24 + 1]), 2 ** 24 + 1)), [0, 1]); // no float32 is 2²⁴ + 1
    const longs = T.constant(BigInt64Array.of(2n, 3n), [2], 'int64');
    near(await flags(T.equal(longs, T.constant(3))), [0, 1]);
    const bytes = T.constant(Uint8Array.of(1, 255), [2], 'uint8');
    for (const wrong of [
      () => T.less(ints([2]), 2.5),
      () => T.equal(0.5, longs),
      () => T.greater(ints([2]), 2 ** 31),
      () => T.equal(bytes, -1),
      () => T.less(ints([2]), Number.NaN),
    ]) {
      expect(wrong).toThrow(
        expect.objectContaining({ code: 'shape', message: expect.stringMatching(/cast/) }),
      );
    }
  });
  it('sends the gradient of a choice to the chosen side', async () => {
    const condition = T.greater(floats([1, -1, 1]), 0);
    await checkGradient([[2, 3], [3]], (x, y) => T.where(condition, x, y));
  });
  it('stops gradients where it is told to', () => {
    const x = T.input('x', [2]);
    expect(T.gradients(T.sum(T.stopGradient(x)), [x])).toEqual([undefined]);
  });
});

describe('cast', () => {
  it('cuts fractions off, and carries whole numbers over', async () => {
    expect(await evaluate(floats([1.7, -1.7, 0.5, 2]).cast('int32'))).toEqual([1, -1, 0, 2]);
    expect(await evaluate(ints([3, -4, 0]).cast('float32'))).toEqual([3, -4, 0]);
    expect(await evaluate(ints([3, -4]).cast('int64'))).toEqual([3n, -4n]);
    expect(await evaluate(floats([0, 0.5, -2]).cast('bool'))).toEqual([0, 1, 1]);
  });
  it('passes gradients between floating types only', async () => {
    await checkGradient([[3]], (x) => T.mul(x.cast('float16').cast('float32'), 3), { step: 0.125 });
    const x = T.input('x', [2]);
    expect(T.gradients(T.sum(x.cast('int32').cast('float32')), [x])).toEqual([undefined]);
  });
});

describe('matrix products', () => {
  it('are the same numbers however the operands lie', async () => {
    const a = { false: floats([1, 2, 3, 4, 5, 6], [2, 3]), true: floats([1, 4, 2, 5, 3, 6], [3, 2]) };
    const b = { false: floats([1, 0, 2, 1, 0, 3], [3, 2]), true: floats([1, 2, 0, 0, 1, 3], [2, 3]) };
    for (const transposeA of [false, true]) {
      for (const transposeB of [false, true]) {
        const [x, y] = [a[`${transposeA}`], b[`${transposeB}`]];
        near(await evaluate(T.matmul(x, y, { transposeA, transposeB })), [5, 11, 14, 23]);
        const batch = T.stack([x, T.mul(x, 2)], 0);
        const halves = await evaluate(T.matmul(batch, y, { transposeA, transposeB, alpha: 0.5 }));
        near(halves, [2.5, 5.5, 7, 11.5, 5, 11, 14, 23]);
      }
    }
  });
  for (const transposeA of [false, true]) {
    for (const transposeB of [false, true]) {
      it(`of matrices and batches, transposed ${transposeA} ${transposeB}`, async () => {
        const a = transposeA ? [3, 2] : [2, 3];
        const b = transposeB ? [4, 3] : [3, 4];
        const product = (x: Tensor, y: Tensor) => T.matmul(x, y, { transposeA, transposeB, alpha: 0.5 });
        await checkGradient([a, b], product);
        await checkGradient(
          [
            [2, ...a],
            [2, ...b],
          ],
          product,
        );
        await checkGradient(
          [
            [2, 1, ...a],
            [3, ...b],
          ],
          product,
        );
      });
    }
  }
  it('a batch times one matrix is one product of all rows', async () => {
    await checkGradient(
      [
        [2, 3, 4],
        [4, 2],
      ],
      (x, y) => T.matmul(x, y),
    );
    near(
      await evaluate(T.matmul(floats([1, 2, 3, 4], [1, 2, 2]), floats([5, 6, 7, 8], [2, 2]))),
      [19, 22, 43, 50],
    );
  });
  it('linear adds its bias to every row', async () => {
    await checkGradient([[2, 2, 3], [3, 4], [4]], (x, w, b) => T.linear(x, w, b));
    near(
      await evaluate(T.linear(floats([1, 2], [1, 2]), floats([1, 0, 0, 1], [2, 2]), floats([10, 20]))),
      [11, 22],
    );
  });
  it('refuses sizes that do not fit, naming them', () => {
    expect(() => T.matmul(floats([1, 2], [1, 2]), floats([1, 2, 3], [3, 1]))).toThrow(/\[1,2\] × \[3,1\]/);
  });
});

describe('shapes', () => {
  const cases: [string, number[][], (...x: Tensor[]) => Tensor][] = [
    ['reshape', [[2, 6]], (x) => x.reshape([3, -1])],
    ['transpose', [[2, 3, 4]], (x) => x.transpose([2, 0, 1])],
    ['transpose of the last two', [[2, 3, 4]], (x) => x.transpose()],
    ['expand', [[2, 1]], (x) => T.expand(x, [3, 2, 4])],
    [
      'concat',
      [
        [2, 2],
        [2, 3],
      ],
      (x, y) => T.concat([x, y], -1),
    ],
    [
      'stack',
      [
        [2, 2],
        [2, 2],
      ],
      (x, y) => T.stack([x, y], 1),
    ],
    ['slice', [[2, 5]], (x) => x.slice(1, 1, -1)],
    ['pad', [[2, 3]], (x) => T.pad(x, 1, 1, 2, 7)],
    ['patchify', [[1, 4, 4, 2]], (x) => T.patchify(x, 2)],
    ['unpatchify', [[1, 4, 8]], (x) => T.unpatchify(x, 2, 4, 4)],
    ['spaceToDepth', [[1, 2, 4, 2]], (x) => T.spaceToDepth(x, 2)],
    ['depthToSpace', [[1, 8, 1, 2]], (x) => T.depthToSpace(x, 2)],
    ['split', [[2, 5]], (x) => T.split(x, 1, [2, 3])[1]],
    ['both parts of a split', [[5]], (x) => T.mul(T.split(x, 0, [2, 2, 1])[0], T.split(x, 0, [2, 2, 1])[1])],
  ];
  for (const [name, shapes, build] of cases) {
    it(name, async () => {
      await checkGradient(shapes, build);
    });
  }
  it('transpose permutes axes, by default the last two', async () => {
    near(await evaluate(grid([2, 3]).transpose()), [0, 3, 1, 4, 2, 5]);
    near(await evaluate(grid([2, 2, 2]).transpose([2, 0, 1])), [0, 2, 4, 6, 1, 3, 5, 7]);
  });
  it('expand repeats along axes of size 1 and along new ones', async () => {
    near(await evaluate(T.expand(floats([1, 2], [2, 1]), [2, 2, 3])), [1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2]);
  });
  it('concat and stack put parts one after the other along an axis, old or new', async () => {
    const square = floats([1, 2, 3, 4], [2, 2]);
    near(await evaluate(T.concat([square, floats([5, 6], [2, 1])], -1)), [1, 2, 5, 3, 4, 6]);
    near(await evaluate(T.concat([square, floats([5, 6], [1, 2])], 0)), [1, 2, 3, 4, 5, 6]);
    const stacked = (axis: number) => T.stack([floats([1, 2]), floats([3, 4])], axis);
    near(await evaluate(stacked(0)), [1, 2, 3, 4]);
    near(await evaluate(stacked(1)), [1, 3, 2, 4]);
  });
  it('slice and split take what lies between two places of an axis', async () => {
    const x = grid([2, 5]);
    near(await evaluate(x.slice(1, 1, -1)), [1, 2, 3, 6, 7, 8]);
    near(await evaluate(x.slice(0, -1)), [5, 6, 7, 8, 9]);
    const [left, right] = T.split(x, -1, [2, 3]);
    near(await evaluate(left), [0, 1, 5, 6]);
    near(await evaluate(right), [2, 3, 4, 7, 8, 9]);
  });
  it('pad adds a value before and after along an axis', async () => {
    near(await evaluate(T.pad(grid([2, 2]), 1, 1, 2, 7)), [7, 0, 1, 7, 7, 7, 2, 3, 7, 7]);
    near(await evaluate(T.pad(grid([2, 2]), 0, 1, 0)), [0, 0, 0, 1, 2, 3]);
  });
  it('spaceToDepth lists the pixels of a block row by row, each with its channels; depthToSpace undoes it', async () => {
    near(await evaluate(T.spaceToDepth(grid([1, 2, 2, 2]), 2)), [0, 4, 1, 5, 2, 6, 3, 7]);
    near(await evaluate(T.spaceToDepth(grid([1, 1, 2, 4]), 2)), [0, 2, 1, 3, 4, 6, 5, 7]);
    const blocks = floats([0, 4, 1, 5, 2, 6, 3, 7], [1, 8, 1, 1]);
    near(await evaluate(T.depthToSpace(blocks, 2)), [...Array(8).keys()]);
    const x = grid([2, 3, 4, 6]);
    near(await evaluate(T.depthToSpace(T.spaceToDepth(x, 2), 2)), [...Array(144).keys()]);
  });
  it('patchify lists the pixels of a patch row by row, and unpatchify undoes it', async () => {
    const image = floats([...Array(16).keys()], [1, 4, 4, 1]);
    near((await evaluate(T.patchify(image, 2))).slice(0, 8), [0, 1, 4, 5, 2, 3, 6, 7]);
    near(await evaluate(T.unpatchify(T.patchify(image, 2), 2, 4, 4)), [...Array(16).keys()]);
  });
  it('refuses what does not fit, naming the operator', () => {
    expect(() => floats([1, 2, 3]).reshape([2, 2])).toThrow(/reshape: \[3\]/);
    expect(() => T.patchify(floats([...Array(9).keys()], [1, 3, 3, 1]), 2)).toThrow(/patchify/);
    expect(() => T.slice(floats([1, 2]), 0, 1, 3)).toThrow(/slice/);
  });
});

describe('reductions', () => {
  for (const [name, reduce] of [
    ['sum', T.sum],
    ['mean', T.mean],
    ['max', T.max],
  ] as const) {
    it(name, async () => {
      await checkGradient([[2, 3, 2]], (x) => reduce(x, [1]), { low: -1, high: 1 });
      await checkGradient([[2, 3]], (x) => reduce(x, [-1], { keepDims: true }));
      await checkGradient([[2, 3]], (x) => reduce(x));
    });
  }
  it('have the values of their definitions', async () => {
    const x = floats([1, 5, 2, 4, 0, 3], [2, 3]);
    near(await evaluate(T.sum(x, [0])), [5, 5, 5]);
    near(await evaluate(T.mean(x, [1])), [8 / 3, 7 / 3]);
    near(await evaluate(T.max(x, [1])), [5, 4]);
    near(await evaluate(T.argmax(x, 1).cast('float32')), [1, 0]);
    near(await evaluate(T.sumSquares(x)), [55]);
    await checkGradient([[2, 3]], T.sumSquares);
  });
  it('sum over leading axes, by another operator, to the same numbers and gradients', async () => {
    const x = grid([2, 2, 3]);
    for (const keepDims of [false, true]) {
      const shape = (lead: number[], rest: number[]) => (keepDims ? [...lead, ...rest] : rest);
      const over = (axes: number[]) => (t: Tensor) => T.sum(t, axes, { keepDims });
      expect(over([0])(x).shape).toEqual(shape([1], [2, 3]));
      expect(over([0, 1])(x).shape).toEqual(shape([1, 1], [3]));
      near(await evaluate(over([0])(x)), [6, 8, 10, 12, 14, 16]);
      near(await evaluate(over([0, 1])(x)), [18, 22, 26]);
      near(await evaluate(over([1, 0])(x)), [18, 22, 26]);
      for (const axes of [[0], [0, 1], [-3]]) await checkGradient([[2, 2, 3]], over(axes));
    }
    expect(await evaluate(T.sum(ints([1, 2, 3, 4], [2, 2]), [0]))).toEqual([4, 6]);
  });
});

describe('positions', () => {
  it('gather picks rows and adds up the gradients of a row picked twice', async () => {
    const at = ints([2, 0, 2]);
    await checkGradient([[3, 2]], (x) => T.gather(x, at));
    near(await evaluate(T.embedding(floats([1, 2, 3, 4, 5, 6], [3, 2]), at)), [5, 6, 1, 2, 5, 6]);
  });
  it('scatterAdd adds every update, also a thousand to one row', async () => {
    const at = ints(Array.from({ length: 1000 }, (_, i) => i % 2));
    near(await evaluate(T.scatterAdd([3, 1], at, T.expand(T.constant(1), [1000, 1]))), [500, 500, 0]);
    await checkGradient([[3, 2]], (x) => T.scatterAdd([4, 2], ints([1, 1, 3]), x));
  });
  it('gatherElements and scatterElements work along an axis', async () => {
    const at = ints([0, 2, 1, 1], [2, 2]);
    await checkGradient([[2, 3]], (x) => T.gatherElements(x, at, 1));
    await checkGradient(
      [
        [2, 3],
        [2, 1],
      ],
      (x, u) => T.scatterElements(x, ints([2, 0], [2, 1]), u, 1),
    );
    await checkGradient(
      [
        [2, 3],
        [2, 2],
      ],
      (x, u) => T.scatterElements(x, ints([2, 2, 0, 1], [2, 2]), u, 1, 'add'),
    );
    near(await evaluate(T.gatherElements(grid([2, 3]), at, 1)), [0, 2, 4, 4]);
    near(await evaluate(T.gatherElements(grid([2, 3]), ints([1, 0, 1], [1, 3]), 0)), [3, 1, 5]);
    near(await evaluate(T.scatterElements(floats([1, 2, 3]), ints([1]), floats([9]), 0)), [1, 9, 3]);
  });
  it('rotate turns the halves of each vector together by the angle of its place, in every head', async () => {
    const angles = Float32Array.from([0, 0.3, Math.PI / 2, -1.2, 2, 0.7]); // three places, vectors of four
    await checkGradient([[2, 2, 3, 4]], (x) => T.rotate(x, angles));
    const turned = await evaluate(T.rotate(grid([1, 2, 3, 4]), angles));
    for (let head = 0; head < 2; head++)
      for (let place = 0; place < 3; place++)
        for (let i = 0; i < 2; i++) {
          const at = (head * 3 + place) * 4 + i;
          const [cos, sin] = [Math.cos(angles[place * 2 + i]), Math.sin(angles[place * 2 + i])];
          expect(turned[at]).toBeCloseTo(at * cos - (at + 2) * sin, 4);
          expect(turned[at + 2]).toBeCloseTo((at + 2) * cos + at * sin, 4);
        }
    expect(() => T.rotate(grid([1, 2, 3, 4]), angles.subarray(2))).toThrow(/rotate/);
  });
});

describe('normalisation', () => {
  it('softmax sums to one, and logSoftmax is its logarithm, also far from zero', async () => {
    await checkGradient([[2, 4]], (x) => T.softmax(x));
    await checkGradient([[2, 4]], (x) => T.logSoftmax(x));
    await checkGradient([[3, 2]], (x) => T.softmax(x, 0));
    const far = floats([1000, 1001], [1, 2]);
    near(await evaluate(T.softmax(far)), [1 / (1 + Math.E), Math.E / (1 + Math.E)]);
    near(await evaluate(T.logSoftmax(far)), [-Math.log(1 + Math.E), 1 - Math.log(1 + Math.E)]);
  });
  it('layerNorm has mean 0 and deviation 1 before scale and bias', async () => {
    await checkGradient([[2, 3, 4], [4], [4]], (x, s, b) => T.layerNorm(x, s, b));
    near(await evaluate(T.layerNorm(floats([1, 3], [1, 2]), floats([2, 2]), floats([1, 1]), 0)), [-1, 3]);
  });
  it('rmsNorm divides by the root mean square', async () => {
    await checkGradient([[2, 4], [4]], (x, s) => T.rmsNorm(x, s));
    near(await evaluate(T.rmsNorm(floats([3, 4], [1, 2]), floats([1, 1]), 0)), [
      3 / Math.sqrt(12.5),
      4 / Math.sqrt(12.5),
    ]);
  });
  it('groupNorm normalises each group of channels by itself', async () => {
    await checkGradient([[2, 4, 2, 1], [4], [4]], (x, s, b) => T.groupNorm(x, 2, s, b));
    near(
      await evaluate(
        T.groupNorm(floats([1, 3, 10, 30], [1, 4, 1, 1]), 2, floats([1, 1, 1, 1]), floats([0, 0, 0, 0]), 0),
      ),
      [-1, 1, -1, 1],
    );
  });
});

describe('crossEntropy', () => {
  const targets = ints([1, 0, 3]);
  it('is the mean negative log-probability of the targets', async () => {
    near(await evaluate(T.crossEntropy(floats([0, 0, 0, 0], [1, 4]), ints([2]))), [Math.log(4)]);
    await checkGradient([[3, 4]], (x) => T.crossEntropy(x, targets));
  });
  it('with smoothing is the cross-entropy with the smoothed target', async () => {
    const [x, e] = [[1, 2, 0.5], 0.3];
    const total = x.reduce((sum, v) => sum + Math.exp(v), 0);
    const expected = -x.reduce(
      (sum, v, i) => sum + ((i === 2 ? 1 - e : 0) + e / 3) * (v - Math.log(total)),
      0,
    );
    near(await evaluate(T.crossEntropy(floats(x, [1, 3]), ints([2]), { smoothing: e })), [expected]);
    await checkGradient([[3, 4]], (logits) => T.crossEntropy(logits, targets, { smoothing: 0.2 }));
  });
  it('leaves masked rows out of the mean and of the gradient', async () => {
    const mask = floats([1, 0, 1]);
    await checkGradient([[3, 4]], (x) => T.crossEntropy(x, targets, { mask, smoothing: 0.1 }));
    const [one] = await evaluate(
      T.crossEntropy(floats([0, 1, 5, 5], [2, 2]), ints([0, 0]), { mask: floats([1, 0]) }),
    );
    expect(one).toBeCloseTo(Math.log(1 + Math.E), 5);
  });
  it('weighs rows against each other where the sum is divided by a number given', async () => {
    const options = { mask: floats([1, -2, 0.5]), over: floats([4]).sum() };
    const nats = [Math.log(2), Math.log(2), Math.log(2)];
    const [one] = await evaluate(
      T.crossEntropy(floats([0, 0, 0, 0, 0, 0], [3, 2]), ints([0, 0, 1]), options),
    );
    expect(one).toBeCloseTo((nats[0] - 2 * nats[1] + nats[2] / 2) / 4, 5);
    await checkGradient([[3, 4]], (x) => T.crossEntropy(x, targets, options));
  });
});

describe('conv2d', () => {
  for (const [stride, padding] of [
    [1, 0],
    [1, 1],
    [2, 0],
    [2, 1],
  ]) {
    it(`has the right gradients with stride ${stride} and padding ${padding}`, async () => {
      await checkGradient(
        [[2, 2, 4, 5], [3, 2, 3, 3], [3]],
        (x, w, b) => T.conv2d(x, w, b, { stride, padding }),
        { low: -1, high: 1 },
      );
    });
  }
  it('moves its window by the stride, over zeros where there is padding, and correlates: nothing is turned', async () => {
    const [x, w] = [grid([1, 1, 3, 3]), floats([1, 2, 3, 4], [1, 1, 2, 2])];
    near(await evaluate(T.conv2d(x, w)), [27, 37, 57, 67]);
    near(await evaluate(T.conv2d(x, w, floats([1]), { stride: 2, padding: 1 })), [1, 12, 31, 68]);
  });
  it('shows each group of kernels its own channels', async () => {
    const w = floats([10, 1, 10, 1], [2, 2, 1, 1]);
    const x = floats([1, 2, 3, 4], [1, 4, 1, 1]);
    near(await evaluate(T.conv2d(x, w, undefined, { groups: 2 })), [12, 34]);
    expect(() => T.conv2d(x, w)).toThrow(/conv2d: \[1,4,1,1\]/);
  });
  it('sums a window', async () => {
    const x = floats([1, 2, 3, 4], [1, 1, 2, 2]);
    near(await evaluate(T.conv2d(x, floats([1, 1, 1, 1], [1, 1, 2, 2]))), [10]);
    near(
      await evaluate(T.conv2d(T.concat([x, x], 1), floats([1, 2], [2, 1, 1, 1]), undefined, { groups: 2 })),
      [1, 2, 3, 4, 2, 4, 6, 8],
    );
  });
});

describe('dropout', () => {
  it('keeps the share it should, scales the rest, and depends on the key alone', async () => {
    const x = T.expand(T.constant(1), [20_000]);
    const a = await evaluate(T.dropout(x, 0.25), {}, 7);
    const zero = a.filter((v) => v === 0).length / a.length;
    expect(zero).toBeGreaterThan(0.235);
    expect(zero).toBeLessThan(0.265);
    expect(new Set(a.map((v) => v.toFixed(5)))).toEqual(new Set(['0.00000', (1 / 0.75).toFixed(5)]));
    expect(await evaluate(T.dropout(x, 0.25), {}, 7)).toEqual(a);
    expect(await evaluate(T.dropout(x, 0.25), {}, 8)).not.toEqual(a);
  });
  it('sends its gradient through what it kept, scaled as that was', async () => {
    await checkGradient([[4, 8]], (x) => T.dropout(x, 0.5), { random: 7 });
  });
  it('draws differently at two places of one graph', async () => {
    const x = T.expand(T.constant(1), [64]);
    const both = await evaluate(T.concat([T.dropout(x, 0.5), T.dropout(x, 0.5)], 0), {}, 3);
    expect(both.slice(0, 64)).not.toEqual(both.slice(64));
  });
});

describe('random graphs', () => {
  /** A step turns what was computed so far into something new; all keep the shape (2, 3) and stay near zero. */
  const steps: ((x: Tensor, y: Tensor) => Tensor)[] = [
    (x, y) => T.add(x, T.mul(y, 0.5)),
    (x, y) => T.mul(T.tanh(x), y),
    (x) => T.softmax(x),
    (x) => T.gelu(x),
    (x) => T.silu(T.sub(x, 0.3)),
    (x, y) => T.matmul(T.matmul(x, T.tanh(y), { transposeB: true }), x),
    (x) => T.sub(x, T.mean(x, [1], { keepDims: true })),
    (x, y) => T.concat([x.slice(1, 0, 1), y.slice(1, 1)], 1),
    (x) => T.div(x, T.sqrt(T.add(T.sum(x.square()), 1))),
    (x, y) => T.where(T.greater(floats([1, -1, 1]), 0), x, y),
  ];
  it('have the gradients of their finite differences', async () => {
    const recipe = fc.array(fc.tuple(fc.nat(steps.length - 1), fc.nat(9), fc.nat(9)), {
      minLength: 2,
      maxLength: 7,
    });
    await fc.assert(
      fc.asyncProperty(recipe, async (plan) => {
        await checkGradient(
          [
            [2, 3],
            [2, 3],
          ],
          (a, b) => {
            const made = [a, b];
            for (const [step, i, j] of plan)
              made.push(steps[step](made[i % made.length], made[j % made.length]));
            return made[made.length - 1];
          },
          { low: -1, high: 1 },
        );
      }),
      { numRuns: 25, seed: 7 },
    );
  });
});
