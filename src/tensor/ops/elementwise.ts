import { allocate, type DType, ONNX_TYPES, sizeOf } from '../dtype.ts';
import { apply, constant, randomLike, type Shape, shapeError, Tensor } from '../tensor.ts';
import { sum } from './reduce.ts';
import { reshape } from './shape.ts';

type Operand = Tensor | number;

const lift = (x: Operand): Tensor => (x instanceof Tensor ? x : constant(x));

/** Shape of an elementwise result (NumPy's rules). */
export function broadcastShapes(op: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) throw shapeError(op, `[${a}] and [${b}] do not broadcast`);
    return x === 1 ? y : x;
  });
}

/** Sums a gradient over the axes along which an operand was broadcast. */
export function sumTo(dy: Tensor, shape: Shape): Tensor {
  if (dy.rank === shape.length && dy.shape.every((dim, i) => dim === shape[i])) return dy;
  const lead = dy.rank - shape.length;
  const axes = dy.shape.flatMap((dim, i) => (i < lead || (shape[i - lead] === 1 && dim !== 1) ? [i] : []));
  const summed = axes.length > 0 ? sum(dy, axes, { keepDims: true }) : dy;
  return reshape(summed, shape);
}

function binary(
  op: string,
  a: Operand,
  b: Operand,
  gradient: (dy: Tensor, x: Tensor, y: Tensor) => [() => Tensor, () => Tensor],
): Tensor {
  const x = lift(a);
  const y = lift(b);
  const shape = broadcastShapes(op, x.shape, y.shape);
  return apply(op, [x, y], { shape }, (dy) => {
    const [dx, dz] = gradient(dy, x, y);
    return [needsNone(x) ? undefined : sumTo(dx(), x.shape), needsNone(y) ? undefined : sumTo(dz(), y.shape)];
  });
}

/** Constants take no gradient; not tracing one keeps graphs small. */
const needsNone = (x: Tensor) => x.leaf?.kind === 'constant' || x.leaf?.kind === 'random';

export const add = (a: Operand, b: Operand): Tensor => binary('Add', a, b, (dy) => [() => dy, () => dy]);
export const sub = (a: Operand, b: Operand): Tensor => binary('Sub', a, b, (dy) => [() => dy, () => neg(dy)]);
export const mul = (a: Operand, b: Operand): Tensor =>
  binary('Mul', a, b, (dy, x, y) => [() => mul(dy, y), () => mul(dy, x)]);
export const div = (a: Operand, b: Operand): Tensor =>
  binary('Div', a, b, (dy, x, y) => [() => div(dy, y), () => neg(div(mul(dy, x), mul(y, y)))]);

/** The larger of the two; where they are equal the gradient goes to the first. */
export const maximum = (a: Operand, b: Operand): Tensor =>
  binary('Max', a, b, (dy, x, y) => pickSide(dy, greaterOrEqual(x, y)));
/** The smaller of the two; where they are equal the gradient goes to the first. */
export const minimum = (a: Operand, b: Operand): Tensor =>
  binary('Min', a, b, (dy, x, y) => pickSide(dy, lessOrEqual(x, y)));

const pickSide = (dy: Tensor, first: Tensor): [() => Tensor, () => Tensor] => [
  () => where(first, dy, 0),
  () => where(first, 0, dy),
];

function unary(op: string, x: Tensor, gradient?: (dy: Tensor, y: Tensor) => Tensor): Tensor {
  const y: Tensor = apply(op, [x], { shape: x.shape }, gradient && ((dy) => [gradient(dy, y)]));
  return y;
}

export const neg = (x: Tensor): Tensor => unary('Neg', x, (dy) => neg(dy));
export const exp = (x: Tensor): Tensor => unary('Exp', x, (dy, y) => mul(dy, y));
export const log = (x: Tensor): Tensor => unary('Log', x, (dy) => div(dy, x));
export const sqrt = (x: Tensor): Tensor => unary('Sqrt', x, (dy, y) => div(mul(dy, 0.5), y));
export const reciprocal = (x: Tensor): Tensor => unary('Reciprocal', x, (dy, y) => neg(mul(dy, mul(y, y))));
export const tanh = (x: Tensor): Tensor => unary('Tanh', x, (dy, y) => mul(dy, sub(1, mul(y, y))));
export const sigmoid = (x: Tensor): Tensor => unary('Sigmoid', x, (dy, y) => mul(dy, mul(y, sub(1, y))));
export const sin = (x: Tensor): Tensor => unary('Sin', x, (dy) => mul(dy, cos(x)));
export const cos = (x: Tensor): Tensor => unary('Cos', x, (dy) => neg(mul(dy, sin(x))));
export const abs = (x: Tensor): Tensor => unary('Abs', x, (dy) => mul(dy, unary('Sign', x)));
export const relu = (x: Tensor): Tensor => unary('Relu', x, (dy, y) => where(greater(y, 0), dy, 0));
/** Gauss error function; its derivative is 2/√π · exp(−x²). */
export const erf = (x: Tensor): Tensor =>
  unary('Erf', x, (dy) => mul(dy, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI))));
/** xᵉ for a constant exponent; x must be positive where e is not a whole number. */
export const pow = (x: Tensor, exponent: number): Tensor =>
  apply('Pow', [x, constant(exponent)], { shape: x.shape }, (dy) => [
    mul(dy, mul(pow(x, exponent - 1), exponent)),
  ]);

/** x · Φ(x) (Hendrycks & Gimpel 2016), exact. */
export const gelu = (x: Tensor): Tensor =>
  apply('Gelu', [x], { shape: x.shape, domain: 'com.microsoft' }, (dy) => {
    // Φ(x) + x·φ(x) with t = x/√2: ½ + ½·erf(t) + t·exp(−t² − ½·ln π); every pass over the activations counts.
    const t = mul(x, Math.SQRT1_2);
    const density = mul(t, exp(sub(-0.5 * Math.log(Math.PI), mul(t, t))));
    return [mul(dy, add(add(mul(erf(t), 0.5), 0.5), density))];
  });

/** The tanh approximation of `gelu`, written x · σ(2u) with u = √(2/π)(x + 0.044715x³). */
export const geluTanh = (x: Tensor): Tensor =>
  apply('FastGelu', [x], { shape: x.shape, domain: 'com.microsoft' }, (dy) => {
    const [a, b] = [2 * Math.sqrt(2 / Math.PI), 2 * Math.sqrt(2 / Math.PI) * 0.044715];
    const squared = mul(x, x);
    const s = sigmoid(mul(x, add(mul(squared, b), a)));
    const slope = mul(mul(x, sub(1, s)), add(mul(squared, 3 * b), a));
    return [mul(dy, mul(s, add(slope, 1)))];
  });

/** x · σ(x). */
export function silu(x: Tensor): Tensor {
  const s = apply('Sigmoid', [x], { shape: x.shape });
  const y = apply('Mul', [x, s], { shape: x.shape }, (dy) => [mul(dy, add(s, mul(y, sub(1, s))))]);
  return y;
}

/** x · σ(1.702 x), the activation of the published CLIP models. */
export function quickGelu(x: Tensor): Tensor {
  const z = apply('Mul', [x, constant(1.702)], { shape: x.shape });
  const s = apply('Sigmoid', [z], { shape: x.shape });
  return apply('Mul', [x, s], { shape: x.shape }, (dy) => [
    mul(dy, mul(s, add(mul(z, sub(1, s)), 1))),
    undefined,
  ]);
}

function compare(op: string, a: Operand, b: Operand): Tensor {
  const [x, y] = [likeOther(op, a, b), likeOther(op, b, a)];
  return apply(op, [x, y], { shape: broadcastShapes(op, x.shape, y.shape), dtype: 'bool' });
}

/** A number takes the element type of what it is compared with; a tensor stays as it is. */
function likeOther(op: string, a: Operand, other: Operand): Tensor {
  const x = lift(a);
  if (!(other instanceof Tensor) || x.dtype === other.dtype) return x;
  if (x.leaf?.kind !== 'constant' || x.rank > 0) return x;
  if (!['int32', 'int64', 'uint8'].includes(other.dtype)) return cast(x, other.dtype);
  const value = typeof a === 'number' ? a : Number(x.leaf.data[0]);
  const data = allocate(other.dtype, 1);
  if (data instanceof BigInt64Array) data[0] = Number.isInteger(value) ? BigInt(value) : 0n;
  else data[0] = value;
  if (Number(data[0]) !== value) {
    const what = `elements of type ${other.dtype} are compared with ${value}, which is none`;
    throw shapeError(op, `${what}; cast them to float32 first`);
  }
  return constant(data, [], other.dtype);
}
export const equal = (a: Operand, b: Operand): Tensor => compare('Equal', a, b);
export const less = (a: Operand, b: Operand): Tensor => compare('Less', a, b);
export const lessOrEqual = (a: Operand, b: Operand): Tensor => compare('LessOrEqual', a, b);
export const greater = (a: Operand, b: Operand): Tensor => compare('Greater', a, b);
export const greaterOrEqual = (a: Operand, b: Operand): Tensor => compare('GreaterOrEqual', a, b);
export const not = (x: Tensor): Tensor => apply('Not', [x], { shape: x.shape });
export const and = (a: Tensor, b: Tensor): Tensor =>
  apply('And', [a, b], { shape: broadcastShapes('And', a.shape, b.shape) });

/** `condition ? a : b`, broadcasting all three. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const x = lift(a);
  const y = lift(b);
  const shape = broadcastShapes('Where', condition.shape, broadcastShapes('Where', x.shape, y.shape));
  return apply('Where', [condition, x, y], { shape, dtype: x.dtype }, (dy) => [
    undefined,
    needsNone(x) ? undefined : sumTo(where(condition, dy, 0), x.shape),
    needsNone(y) ? undefined : sumTo(where(condition, 0, dy), y.shape),
  ]);
}

/** Converts the element type; the gradient passes between floating types. */
export function cast(x: Tensor, dtype: DType): Tensor {
  if (x.dtype === dtype) return x;
  const floating = (t: DType) => t === 'float32' || t === 'float16';
  return apply(
    'Cast',
    [x],
    { shape: x.shape, dtype, attributes: { to: ONNX_TYPES[dtype] } },
    floating(x.dtype) && floating(dtype) ? (dy) => [cast(dy, x.dtype)] : undefined,
  );
}

/** The same value, through which no gradient flows. */
export const stopGradient = (x: Tensor): Tensor => apply('Identity', [x], { shape: x.shape });

/** Zeroes a share `rate` of the elements and scales the rest by 1/(1 − rate). Identity for rate 0. */
export function dropout(x: Tensor, rate: number): Tensor {
  if (rate === 0 || sizeOf(x.shape) === 0) return x;
  return mul(x, randomLike(x.shape, { kind: 'dropout', rate }));
}
