/** ONNX files written by hand, with shapes that are free where ours are not: what models of the hub look like. */
import { bytes, concatenate, integer } from '../../src/tensor/onnx/protobuf.ts';

const TYPES = { float32: 1, int64: 7, bool: 9 } as const;
type Type = keyof typeof TYPES;

export interface Value {
  name: string;
  type?: Type;
  /** Numbers are fixed, names are free. */
  shape: (number | string)[];
}
export interface OnnxNode {
  op: string;
  in: string[];
  out: string;
  ints?: Record<string, number | number[]>;
}
export interface Initialiser {
  name: string;
  shape: number[];
  /** Floats, or 64-bit integers where `int` is set. */
  values: number[];
  int?: boolean;
}

const value = ({ name, type = 'float32', shape }: Value) => {
  const dims = shape.map((dim) => bytes(1, typeof dim === 'number' ? integer(1, dim) : bytes(2, dim)));
  return concatenate([
    bytes(1, name),
    bytes(2, bytes(1, concatenate([integer(1, TYPES[type]), bytes(2, dims)]))),
  ]);
};
const attribute = ([name, given]: [string, number | number[]]) =>
  bytes(
    5,
    concatenate([
      bytes(1, name),
      ...(Array.isArray(given)
        ? [...given.map((one) => integer(8, one)), integer(20, 7)]
        : [integer(3, given), integer(20, 2)]),
    ]),
  );
const node = ({ op, in: inputs, out, ints = {} }: OnnxNode) =>
  concatenate([
    ...inputs.map((name) => bytes(1, name)),
    bytes(2, out),
    bytes(4, op),
    ...Object.entries(ints).map(attribute),
  ]);
const initialiser = ({ name, shape, values, int }: Initialiser) => {
  const raw = int ? BigInt64Array.from(values, BigInt) : Float32Array.from(values);
  return concatenate([
    ...shape.map((dim) => integer(1, dim)),
    integer(2, int ? TYPES.int64 : TYPES.float32),
    bytes(8, name),
    bytes(9, new Uint8Array(raw.buffer)),
  ]);
};

export function onnxFile({ inputs, outputs, nodes, weights }: { inputs: Value[]; outputs: Value[]; nodes: OnnxNode[]; weights: Initialiser[] }): Uint8Array {
  const graph = concatenate([
    ...nodes.map((one) => bytes(1, node(one))),
    bytes(2, 'graph'),
    ...weights.map((one) => bytes(5, initialiser(one))),
    ...inputs.map((one) => bytes(11, value(one))),
    ...outputs.map((one) => bytes(12, value(one))),
  ]);
  return concatenate([integer(1, 8), bytes(7, graph), bytes(8, concatenate([bytes(1, ''), integer(2, 17)]))]);
} // biome-ignore format: one line
