import fc from 'fast-check';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { RecaptionError } from '../../errors.ts';
import { add, conv2d, input, mul, parameter, relu, type Tensor } from '../index.ts';
import { emitOnnx, outputName } from './emit.ts';
import { extractOnnx } from './extract.ts';

/** Two heads on one trunk; the unused one has a weight and an input of its own. */
const weights = new Map([
  ['trunk', Float32Array.from({ length: 18 }, (_, i) => i / 10 - 0.9)],
  ['head', Float32Array.of(7)],
]);
function model(): Uint8Array {
  const image = input('image', [1, 2, 4, 4]);
  const trunk = relu(conv2d(image, parameter('trunk', [1, 2, 3, 3]), undefined, { padding: 1 }));
  const outputs: Record<string, Tensor> = {
    trunk,
    head: mul(add(trunk, input('extra', [1])), parameter('head', [1])),
  };
  return emitOnnx(outputs, weights).model;
}
const trunk = outputName('trunk');
const pixels = Float32Array.from({ length: 32 }, (_, i) => Math.sin(i));
const run = async (bytes: Uint8Array, feeds: Record<string, OrtTensor>) => {
  const session = await InferenceSession.create(bytes);
  const result = await session.run(feeds);
  await session.release();
  return result;
};
const image = (data = pixels, side = 4) =>
  new OrtTensor('float32', data, [data.length / (2 * side * side), 2, side, side]);

describe('a part of a model', () => {
  it('gives what the whole gives, and needs only its own inputs and weights', async () => {
    const whole = model();
    const expected = await run(whole, { image: image(), extra: new OrtTensor('float32', [3], [1]) });
    const part = extractOnnx(whole, { outputs: [trunk] });
    expect(part.length).toBeLessThan(whole.length);
    expect(Buffer.from(part).includes('extra')).toBe(false);
    expect(Buffer.from(part).includes('head')).toBe(false);
    const found = await run(part, { image: image() });
    expect(Object.keys(found)).toEqual([trunk]);
    expect(found[trunk].data).toEqual(expected[trunk].data);
    expect(found[trunk].dims).toEqual([1, 1, 4, 4]);
  });

  it('takes another size and a free number of images', async () => {
    const part = extractOnnx(model(), { inputs: { image: ['N', 2, 2, 2] }, outputs: [trunk] });
    for (const count of [1, 3]) {
      const found = await run(part, { image: image(pixels.slice(0, 8 * count), 2) });
      expect(found[trunk].dims).toEqual([count, 1, 2, 2]);
    }
  });

  it('may be cut out again', async () => {
    const once = extractOnnx(model(), { outputs: [trunk] });
    expect(extractOnnx(once, { outputs: [trunk] })).toEqual(once);
  });

  it('that nobody computes is refused by name', () => {
    expect(() => extractOnnx(model(), { outputs: ['neck'] })).toThrow(
      expect.objectContaining({ code: 'bad-onnx', message: expect.stringContaining('"neck"') }),
    );
    expect(() => extractOnnx(model(), { outputs: ['image'] })).toThrow(
      expect.objectContaining({ code: 'bad-onnx' }),
    );
  });
});

describe('a file that is no model', () => {
  const survives = (bytes: Uint8Array) => {
    try {
      extractOnnx(bytes, { inputs: { image: ['N', 2, 4, 4] }, outputs: [trunk] });
    } catch (error) {
      expect(error).toBeInstanceOf(RecaptionError);
      expect(error).toMatchObject({ code: 'bad-onnx' });
    }
  };
  it('is refused with a sentence', () => {
    for (const bytes of [
      new Uint8Array(),
      Buffer.from('<html>not found</html>'),
      Buffer.from('\x89PNG\r\n'),
    ]) {
      expect(() => extractOnnx(bytes, { outputs: [trunk] })).toThrow(/no ONNX model/);
    }
  });
  it('is refused wherever it was cut', () => {
    const whole = model();
    for (let length = 0; length < whole.length; length++) survives(whole.subarray(0, length));
  });
  it('never crashes on random or damaged bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), survives));
    const whole = model();
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => survives(whole.with(at, byte))),
      { numRuns: 300 },
    );
  });
});
