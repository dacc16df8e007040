import { RecaptionError } from '../errors.ts';
import type { DType, TensorData } from './dtype.ts';
import * as elementwise from './ops/elementwise.ts';
import { type MatmulOptions, matmul } from './ops/matmul.ts';
import * as reduce from './ops/reduce.ts';
import * as shape from './ops/shape.ts';

export type Shape = readonly number[];
export type Attribute =
  | number
  | { float: number }
  | string
  | readonly number[]
  | { floats: readonly number[] };

/** How a host fills a random leaf before every run. */
export type Distribution = { kind: 'uniform' } | { kind: 'normal' } | { kind: 'dropout'; rate: number };

/** Where the value of a leaf comes from. */
export type Leaf =
  | { kind: 'input'; name: string }
  | { kind: 'parameter'; path: string }
  | { kind: 'constant'; data: TensorData }
  | { kind: 'random'; distribution: Distribution };

/**
 * Gradients of the inputs (undefined where there is none), given the gradient of the first output; `all` holds those of
 * every output, for operators with several.
 */
export type GradientRule = (dy: Tensor, all: (Tensor | undefined)[]) => (Tensor | undefined)[];

/** One operator of the traced graph; becomes one ONNX node. */
export interface Node {
  op: string;
  /** '' is ONNX's own operator set. */
  domain: string;
  inputs: (Tensor | undefined)[];
  attributes: Record<string, Attribute>;
  outputs: Tensor[];
  gradient: GradientRule | undefined;
}

/** A symbolic value: a shape, a type, and where it comes from. Nothing is computed until a program is compiled and run. */
export class Tensor {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly node: Node | undefined;
  readonly leaf: Leaf | undefined;

  constructor(shape: Shape, dtype: DType, origin: Node | Leaf) {
    for (const dim of shape) {
      if (!Number.isInteger(dim) || dim < 0)
        throw shapeError('tensor', `${JSON.stringify(shape)} is no shape`);
    }
    this.shape = shape;
    this.dtype = dtype;
    this.node = 'op' in origin ? origin : undefined;
    this.leaf = 'op' in origin ? undefined : origin;
  }

  get rank(): number {
    return this.shape.length;
  }

  add(other: Tensor | number): Tensor {
    return elementwise.add(this, other);
  }
  sub(other: Tensor | number): Tensor {
    return elementwise.sub(this, other);
  }
  mul(other: Tensor | number): Tensor {
    return elementwise.mul(this, other);
  }
  div(other: Tensor | number): Tensor {
    return elementwise.div(this, other);
  }
  neg(): Tensor {
    return elementwise.neg(this);
  }
  square(): Tensor {
    return elementwise.mul(this, this);
  }
  matmul(other: Tensor, options?: MatmulOptions): Tensor {
    return matmul(this, other, options);
  }
  reshape(to: Shape): Tensor {
    return shape.reshape(this, to);
  }
  /** Permutes the axes; without an argument swaps the last two. */
  transpose(permutation?: readonly number[]): Tensor {
    return shape.transpose(this, permutation);
  }
  /** Elements `start ≤ i < end` of one axis; negative positions count from the end. */
  slice(axis: number, start: number, end?: number): Tensor {
    return shape.slice(this, axis, start, end);
  }
  sum(axes?: readonly number[], options?: reduce.ReduceOptions): Tensor {
    return reduce.sum(this, axes, options);
  }
  mean(axes?: readonly number[], options?: reduce.ReduceOptions): Tensor {
    return reduce.mean(this, axes, options);
  }
  cast(dtype: DType): Tensor {
    return elementwise.cast(this, dtype);
  }
}

/** A mistake in tracing: shapes that do not fit. Always names the operator and the shapes. */
export function shapeError(op: string, what: string): RecaptionError {
  return new RecaptionError('shape', `${op}: ${what}`);
}

/** Traces one ONNX operator with a single output. */
export function apply(
  op: string,
  inputs: (Tensor | undefined)[],
  out: { shape: Shape; dtype?: DType; attributes?: Record<string, Attribute>; domain?: string },
  gradient?: GradientRule,
): Tensor {
  return applyMany(op, inputs, { ...out, outputs: [{ shape: out.shape, dtype: out.dtype }] }, gradient)[0];
}

/** As `apply`, for operators with several outputs. */
export function applyMany(
  op: string,
  inputs: (Tensor | undefined)[],
  out: {
    outputs: { shape: Shape; dtype?: DType }[];
    attributes?: Record<string, Attribute>;
    domain?: string;
  },
  gradient?: GradientRule,
): Tensor[] {
  const node: Node = {
    op,
    domain: out.domain ?? '',
    inputs,
    attributes: out.attributes ?? {},
    outputs: [],
    gradient,
  };
  node.outputs = out.outputs.map((o) => new Tensor(o.shape, o.dtype ?? inputs[0]!.dtype, node));
  return node.outputs;
}

/** A value handed over at every run, by name. */
export function input(name: string, shape: Shape, dtype: DType = 'float32'): Tensor {
  return new Tensor(shape, dtype, { kind: 'input', name });
}

/** A trained value; `path` is its name in a safetensors file. */
export function parameter(path: string, shape: Shape): Tensor {
  return new Tensor(shape, 'float32', { kind: 'parameter', path });
}

/** A float32 scalar, or an array of any type with its shape. */
export function constant(value: number): Tensor;
export function constant(data: TensorData, shape: Shape, dtype: DType): Tensor;
export function constant(value: number | TensorData, shape: Shape = [], dtype: DType = 'float32'): Tensor {
  const data = typeof value === 'number' ? new Float32Array([value]) : value;
  return new Tensor(shape, dtype, { kind: 'constant', data });
}

/** Small integer vectors, as operators want them for axes, shapes and positions. */
export function int64s(values: readonly number[]): Tensor {
  return constant(BigInt64Array.from(values, BigInt), [values.length], 'int64');
}

/**
 * Fresh random numbers at every run: drawn by the host from a counter-based stream, so that CPU, GPU and a resumed run
 * see the same ones.
 */
export function randomLike(shape: Shape, distribution: Distribution): Tensor {
  return new Tensor(shape, 'float32', { kind: 'random', distribution });
}
