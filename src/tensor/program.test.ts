import { describe, expect, it } from 'vitest';
import {
  add,
  availableDevices,
  cast,
  compile,
  constant,
  DEVICES,
  input,
  mul,
  parameter,
  randomLike,
  Tensor,
} from './index.ts';
import { apply } from './tensor.ts';

const X = input('x', [2, 2]);
const x = () => Float32Array.of(1, 2, 3, 4);
const refusal = (code: string, message: RegExp, hint?: RegExp) =>
  expect.objectContaining({
    name: 'RecaptionError',
    code,
    message: expect.stringMatching(message),
    ...(hint ? { hint: expect.stringMatching(hint) } : {}),
  });

describe('a program', () => {
  it('says what it must be fed and what it gives', async () => {
    const program = await compile({
      outputs: { y: mul(X, parameter('w', [2])), half: cast(X, 'float16') },
    });
    expect([...program.feeds]).toEqual([
      ['x', { shape: [2, 2], dtype: 'float32' }],
      ['w', { shape: [2], dtype: 'float32' }],
    ]);
    expect(program.outputs).toEqual({
      y: { shape: [2, 2], dtype: 'float32' },
      half: { shape: [2, 2], dtype: 'float16' },
    });
    expect(program.size.nodes).toBe(2);
    const { y, half } = await program.run({ x: x(), w: Float32Array.of(10, 100) });
    expect(y).toEqual(Float32Array.of(10, 200, 30, 400));
    expect(half).toEqual(Uint16Array.of(0x3c00, 0x4000, 0x4200, 0x4400));
    await program.dispose();
  });

  it('bakes frozen parameters in and asks for the others', async () => {
    const y = add(mul(X, parameter('w', [2])), parameter('b', [2]));
    const program = await compile({ outputs: { y }, frozen: new Map([['w', Float32Array.of(2, 3)]]) });
    expect([...program.feeds.keys()]).toEqual(['x', 'b']);
    expect((await program.run({ x: x(), b: Float32Array.of(1, 1) })).y).toEqual(Float32Array.of(3, 7, 7, 13));
    await program.dispose();
  });

  it('writes into the arrays it is given and allocates the others', async () => {
    const program = await compile({ outputs: { y: mul(X, 2), z: mul(X, 3) } });
    const mine = new Float32Array(4);
    const given = x();
    const out = await program.run({ x: given }, { into: { y: mine } });
    expect(out.y).toBe(mine);
    expect(mine).toEqual(Float32Array.of(2, 4, 6, 8));
    expect(out.z).toEqual(Float32Array.of(3, 6, 9, 12));
    expect(given).toEqual(x());
    const again = await program.run({ x: mine }, { into: { y: mine.slice() } });
    expect(again.z).not.toBe(out.z);
    await program.dispose();
  });

  it('gives an input or a constant as an output, and one tensor under two names', async () => {
    const y = mul(X, 2);
    const program = await compile({ outputs: { x: X, y, same: y, seven: constant(7) } });
    const out = await program.run({ x: x() });
    expect(out).toEqual({
      x: x(),
      y: x().map((v) => 2 * v),
      same: x().map((v) => 2 * v),
      seven: Float32Array.of(7),
    });
    await program.dispose();
  });

  it('draws the same numbers for the same key, and others at every place and for every key', async () => {
    const noise = () => randomLike([64], { kind: 'normal' });
    const program = await compile({ outputs: { a: noise(), b: noise() } });
    const first = await program.run({}, { random: 5 });
    expect(await program.run({}, { random: 5 })).toEqual(first);
    expect(first.a).not.toEqual(first.b);
    expect((await program.run({}, { random: 6 })).a).not.toEqual(first.a);
    await program.dispose();
  });
});

describe('a mistake gets a sentence', () => {
  it('when an input is missing, or has another size', async () => {
    const program = await compile({ outputs: { y: mul(X, 2) } });
    await expect(program.run({})).rejects.toThrow(refusal('missing-feed', /not given "x"/));
    await expect(program.run({ x: new Float32Array(3) })).rejects.toThrow(
      refusal('shape', /"x" has 3 elements; \[2,2\] is wanted/),
    );
    await expect(program.run({ x: x() }, { into: { y: new Float32Array(5) } })).rejects.toThrow(
      refusal('shape', /"y" has 5 elements/),
    );
    await program.dispose();
  });

  it('when an array is of another type than its tensor', async () => {
    const program = await compile({ outputs: { y: mul(X, 2) } });
    await expect(program.run({ x: Int32Array.of(1, 2, 3, 4) })).rejects.toThrow(
      refusal('shape', /"x" is given as Int32Array; Float32Array is wanted/),
    );
    await program.dispose();
  });

  it('when randomness has no key', async () => {
    const program = await compile({ outputs: { y: randomLike([2], { kind: 'uniform' }) } });
    await expect(program.run({})).rejects.toThrow(refusal('missing-feed', /random key/));
    await program.dispose();
  });

  it('when the runtime refuses the graph', async () => {
    const y = apply('NoSuchOperator', [X], { shape: X.shape });
    await expect(compile({ outputs: { y } })).rejects.toThrow(refusal('runtime', /NoSuchOperator/));
  });

  it('when a device is not there, naming those that are', async () => {
    const available = await availableDevices();
    expect(available).toContain('cpu');
    const missing = DEVICES.filter((device) => !available.includes(device));
    for (const device of missing) {
      await expect(compile({ outputs: { y: mul(X, 2) }, device })).rejects.toThrow(
        refusal(
          'no-device',
          new RegExp(`"${device}" is not available`),
          new RegExp(`offers: ${available.join(', ')}\\.`),
        ),
      );
    }
  });

  it('when a shape is none', () => {
    expect(() => input('x', [2, 1.5])).toThrow(refusal('shape', /\[2,1.5\] is no shape/));
    expect(() => new Tensor([-1], 'float32', { kind: 'input', name: 'x' })).toThrow(
      refusal('shape', /\[-1\]/),
    );
  });
});
