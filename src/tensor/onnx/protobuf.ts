/** The two wire types of Protocol Buffers that ONNX files use for messages: varints and length-delimited bytes. */
export type Chunk = Uint8Array;

const utf8 = new TextEncoder();

function varint(value: number | bigint): Chunk {
  let rest = BigInt.asUintN(64, BigInt(value));
  const out: number[] = [];
  do {
    out.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Uint8Array.from(out);
}

export function concatenate(chunks: readonly Chunk[]): Chunk {
  const out = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

/** Field `id` holding an integer (int32, int64, enum). */
export const integer = (id: number, value: number | bigint): Chunk =>
  concatenate([varint(id << 3), varint(value)]);

/** Field `id` holding bytes, a string or an embedded message. */
export function bytes(id: number, value: Chunk | string | readonly Chunk[]): Chunk {
  const content =
    typeof value === 'string'
      ? utf8.encode(value)
      : 'BYTES_PER_ELEMENT' in value
        ? value
        : concatenate(value);
  return concatenate([varint((id << 3) | 2), varint(content.length), content]);
}

/** Field `id` holding a 32-bit float. */
export const float = (id: number, value: number): Chunk =>
  concatenate([varint((id << 3) | 5), new Uint8Array(Float32Array.of(value).buffer)]);
