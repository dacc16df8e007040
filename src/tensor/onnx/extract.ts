import { RecaptionError, reason } from '../../errors.ts';
import { bytes, type Chunk, concatenate, integer } from './protobuf.ts';

/** One field of a Protocol Buffers message: its number, its value, and the bytes it was written as. */
interface Field {
  id: number;
  value: number | Uint8Array;
  raw: Uint8Array;
}

/** Splits a message into fields. @throws RangeError where the bytes are no message. */
function* fields(message: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      if (at >= message.length || scale > 2 ** 63) throw new RangeError('a number runs past the end');
      const byte = message[at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Uint8Array => {
    if (at + length > message.length) throw new RangeError('a field runs past the end');
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const start = at;
    const key = varint();
    const [id, wire] = [Math.floor(key / 8), key % 8];
    let value: number | Uint8Array;
    if (wire === 0) value = varint();
    else if (wire === 1) value = take(8);
    else if (wire === 2) value = take(varint());
    else if (wire === 5) value = take(4);
    else throw new RangeError(`wire type ${wire}`);
    yield { id, value, raw: message.subarray(start, at) };
  }
}

const text = new TextDecoder();
const strings = (message: Field, id: number): string[] =>
  [...fields(message.value as Uint8Array)]
    .filter((f) => f.id === id)
    .map((f) => text.decode(f.value as Uint8Array));

/**
 * Cuts a part out of an ONNX model: only the nodes that `outputs` need remain, and the given inputs get new dimensions (a
 * string is a free one). So a detector becomes a backbone, at another resolution and batch size.
 * @throws RecaptionError `bad-onnx` if the file is no ONNX model or an output is not in it.
 */
export function extractOnnx(
  model: Uint8Array,
  {
    inputs = {},
    outputs,
    place,
  }: {
    inputs?: Record<string, (number | string)[]>;
    outputs: string[];
    /** Where the model was read, for errors. */
    place?: string;
  },
): Uint8Array {
  try {
    const parts = [...fields(model)];
    const graph = parts.find(({ id }) => id === 7);
    if (!graph) throw new RangeError('it holds no graph');
    const rest = parts.filter((part) => part !== graph).map(({ raw }) => raw);
    return concatenate([
      ...rest,
      bytes(7, extractGraph([...fields(graph.value as Uint8Array)], inputs, outputs)),
    ]);
  } catch (cause) {
    const known = cause instanceof RecaptionError;
    const message = known ? cause.message : `the file is no ONNX model (${reason(cause)})`;
    throw new RecaptionError('bad-onnx', message, {
      place,
      hint: known ? cause.hint : undefined,
      cause,
    });
  }
}

/** GraphProto: node = 1, initializer = 5, input = 11, output = 12, value_info = 13. */
function extractGraph(
  graph: Field[],
  inputs: Record<string, (number | string)[]>,
  outputs: string[],
): Chunk[] {
  const nodes = graph
    .filter(({ id }) => id === 1)
    .map((node) => ({ node, needs: strings(node, 1), gives: strings(node, 2) }));
  const maker = new Map(nodes.flatMap((entry) => entry.gives.map((name) => [name, entry] as const)));
  const wanted = new Set<string>();
  const kept = new Set<(typeof nodes)[number]>();
  const open = [...outputs];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (wanted.has(name)) continue;
    wanted.add(name);
    const entry = maker.get(name);
    if (!entry) {
      if (!outputs.includes(name)) continue;
      throw new RecaptionError('bad-onnx', `the model computes no tensor "${name}"`, {
        hint: 'Check the names in the description beside the model.',
      });
    }
    kept.add(entry);
    open.push(...entry.needs);
  }
  const described = new Map(graph.filter(({ id }) => id === 12).map((f) => [strings(f, 1)[0], f.raw]));
  return [
    ...nodes.filter((entry) => kept.has(entry)).map(({ node }) => node.raw),
    ...graph
      .filter(({ id, value }) => id !== 1 && id < 11 && !(id === 5 && !wanted.has(initializerName(value))))
      .map(({ raw }) => raw),
    ...graph
      .filter(({ id }) => id === 11)
      .filter((f) => wanted.has(strings(f, 1)[0]))
      .map((f) => reshaped(f, inputs)),
    ...outputs.map(
      (name) =>
        (Object.keys(inputs).length === 0 && described.get(name)) ||
        bytes(12, [bytes(1, name), bytes(2, [bytes(1, integer(1, 1))])]),
    ),
  ];
}

/** TensorProto: name = 8. */
function initializerName(value: number | Uint8Array): string {
  for (const { id, value: name } of fields(value as Uint8Array))
    if (id === 8) return text.decode(name as Uint8Array);
  return '';
}

/** ValueInfoProto of an input with other dimensions; float32, as pictures are. */
function reshaped(field: Field, inputs: Record<string, (number | string)[]>): Chunk {
  const [name] = strings(field, 1);
  const dims = inputs[name];
  if (!dims) return field.raw;
  const shape = dims.map((dim) => bytes(1, typeof dim === 'number' ? integer(1, dim) : bytes(2, dim)));
  return bytes(11, [bytes(1, name), bytes(2, [bytes(1, [integer(1, 1), bytes(2, shape)])])]);
}
