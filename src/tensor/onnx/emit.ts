import { ONNX_TYPES, type TensorData } from '../dtype.ts';
import { topological } from '../gradient.ts';
import type { Attribute, Leaf, Node, Shape, Tensor } from '../tensor.ts';
import { bytes, type Chunk, concatenate, float, integer } from './protobuf.ts';

/** Field numbers are those of `onnx.proto3`; versions: operator set 20, the newest that every ONNX Runtime in use has. */
const OPSET = 20;
const IR_VERSION = 9;

export interface Emitted {
  model: Uint8Array;
  /** Leaves that must be fed at every run, with the names they have in the model. */
  feeds: { name: string; leaf: Leaf; tensor: Tensor }[];
  nodes: number;
}

/**
 * Writes the graph of `outputs` as an ONNX model. Parameters found in `frozen` become initialisers (the runtime packs them
 * once); all others are inputs, named by their path.
 */
export function emitOnnx(
  outputs: Record<string, Tensor>,
  frozen: ReadonlyMap<string, Float32Array> = new Map(),
): Emitted {
  const order = topological(Object.values(outputs));
  const names = new Map<Tensor, string>();
  const initializers: Chunk[] = [];
  const inputs: Chunk[] = [];
  const feeds: Emitted['feeds'] = [];
  const constants = new Map<string, string>(); // equal small constants are written once
  const taken = new Set<string>();
  // Our own names begin with #, so that an input may be called c0.

  const declare = (tensor: Tensor): void => {
    const leaf = tensor.leaf!;
    if (leaf.kind === 'constant') {
      const key = `${tensor.dtype}[${tensor.shape}]${leaf.data.length <= 16 ? leaf.data : `#${names.size}`}`;
      const known = constants.get(key);
      names.set(tensor, known ?? `#c${constants.size}`);
      if (known !== undefined) return;
      constants.set(key, names.get(tensor)!);
      initializers.push(bytes(5, tensorProto(names.get(tensor)!, tensor, leaf.data)));
      return;
    }
    const name =
      leaf.kind === 'input' ? leaf.name : leaf.kind === 'parameter' ? leaf.path : `#random${feeds.length}`;
    names.set(tensor, name);
    const value = leaf.kind === 'parameter' ? frozen.get(leaf.path) : undefined;
    if (taken.has(name)) return; // the same parameter or input declared twice is one value
    taken.add(name);
    if (value) {
      initializers.push(bytes(5, tensorProto(name, tensor, value)));
    } else {
      inputs.push(bytes(11, valueInfo(name, tensor)));
      feeds.push({ name, leaf, tensor });
    }
  };

  for (const [name, tensor] of Object.entries(outputs)) {
    if (tensor.node && !names.has(tensor)) names.set(tensor, outputName(name));
  }
  const nodeChunks: Chunk[] = [];
  for (const node of order) {
    for (const x of node.inputs) if (x?.leaf && !names.has(x)) declare(x);
    for (const [i, y] of node.outputs.entries()) {
      if (!names.has(y)) names.set(y, `#t${nodeChunks.length}${i ? `_${i}` : ''}`);
    }
    nodeChunks.push(bytes(1, nodeProto(node, names)));
  }
  const outputChunks: Chunk[] = [];
  for (const [name, tensor] of Object.entries(outputs)) {
    if (tensor.leaf && !names.has(tensor)) declare(tensor);
    const internal = names.get(tensor)!;
    if (internal !== outputName(name)) {
      nodeChunks.push(bytes(1, [bytes(1, internal), bytes(2, outputName(name)), bytes(4, 'Identity')]));
    }
    outputChunks.push(bytes(12, valueInfo(outputName(name), tensor)));
  }

  const graph = [...nodeChunks, bytes(2, 'recaption'), ...initializers, ...inputs, ...outputChunks];
  const model = concatenate([
    integer(1, IR_VERSION),
    bytes(2, 'recaption'),
    bytes(7, graph),
    bytes(8, [bytes(1, ''), integer(2, OPSET)]),
    bytes(8, [bytes(1, 'com.microsoft'), integer(2, 1)]),
  ]);
  return { model, feeds, nodes: nodeChunks.length };
}

/** Name of an output in the model: apart from inputs, so that new parameters may carry the names of the old. */
export const outputName = (name: string): string => `${name}'`;

function nodeProto(node: Node, names: Map<Tensor, string>): Chunk[] {
  // `Identity` and friends may carry extra inputs for their gradient rules only.
  const arity = node.op === 'Identity' ? 1 : node.inputs.length;
  return [
    ...node.inputs.slice(0, arity).map((x) => bytes(1, x ? names.get(x)! : '')),
    ...node.outputs.map((y) => bytes(2, names.get(y)!)),
    bytes(4, node.op),
    ...Object.entries(node.attributes).map(([name, value]) => bytes(5, attributeProto(name, value))),
    ...(node.domain ? [bytes(7, node.domain)] : []),
  ];
}

function attributeProto(name: string, value: Attribute): Chunk[] {
  const named = bytes(1, name);
  if (typeof value === 'number') return [named, integer(3, value), integer(20, 2)];
  if (typeof value === 'string') return [named, bytes(4, value), integer(20, 3)];
  if (!('length' in value)) {
    if ('float' in value) return [named, float(2, value.float), integer(20, 1)];
    return [named, ...value.floats.map((f) => float(7, f)), integer(20, 6)];
  }
  return [named, ...value.map((i) => integer(8, i)), integer(20, 7)];
}

function tensorProto(name: string, { shape, dtype }: Tensor, data: TensorData): Chunk[] {
  return [
    ...shape.map((dim) => integer(1, dim)),
    integer(2, ONNX_TYPES[dtype]),
    bytes(8, name),
    bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  ];
}

function valueInfo(name: string, { shape, dtype }: { shape: Shape; dtype: Tensor['dtype'] }): Chunk[] {
  const dims = shape.map((dim) => bytes(1, [integer(1, dim)]));
  return [bytes(1, name), bytes(2, [bytes(1, [integer(1, ONNX_TYPES[dtype]), bytes(2, dims)])])];
}
