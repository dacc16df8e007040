/**
 * The safetensors file format: eight bytes of header length, a JSON header, then the tensors' bytes without a gap
 * (https://github.com/huggingface/safetensors). Little-endian, as is every machine that Node runs on in practice.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { RecaptionError } from '../errors.ts';
import { readError, writeAtomic } from '../files.ts';
import { fromBfloat16, fromHalf, toBfloat16, toHalf } from './half.ts';
import {
  badSafetensors,
  byteLength,
  DTYPE_BYTES,
  headerLength,
  parseHeader,
  type StoredTensor,
} from './safetensors-header.ts';

export { DTYPE_BYTES, type StoredDtype, type StoredTensor } from './safetensors-header.ts';

export interface Safetensors {
  tensors: Map<string, StoredTensor>;
  metadata: Record<string, string>;
}

/**
 * Reads a whole file, each tensor into memory of its own.
 * @throws RecaptionError `file-not-found`, `read-failed`, `bad-safetensors` (the place names file and tensor).
 */
export async function readSafetensors(path: string): Promise<Safetensors> {
  const file = await open(path).catch((cause) => {
    throw readError(path, cause);
  });
  try {
    const { size } = await file.stat();
    const prefix = await readRange(file, path, 0, Math.min(8, size));
    const headerEnd = 8 + headerLength(prefix, size, path);
    const { entries, metadata } = parseHeader(
      await readRange(file, path, 8, headerEnd),
      size - headerEnd,
      path,
    );
    const tensors = new Map<string, StoredTensor>();
    for (const { name, dtype, shape, begin, end } of entries) {
      tensors.set(name, {
        dtype,
        shape,
        data: await readRange(file, path, headerEnd + begin, headerEnd + end),
      });
    }
    return { tensors, metadata };
  } finally {
    await file.close();
  }
}

/** As `readSafetensors`, from memory; the tensors are views into `bytes`. `place` is the name used in errors. */
export function parseSafetensors(bytes: Uint8Array, place = 'safetensors data'): Safetensors {
  const headerEnd = 8 + headerLength(bytes, bytes.byteLength, place);
  const { entries, metadata } = parseHeader(
    bytes.subarray(8, headerEnd),
    bytes.byteLength - headerEnd,
    place,
  );
  const body = bytes.subarray(headerEnd);
  const tensors = new Map<string, StoredTensor>();
  for (const { name, dtype, shape, begin, end } of entries) {
    tensors.set(name, { dtype, shape, data: body.subarray(begin, end) });
  }
  return { tensors, metadata };
}

/**
 * Writes atomically, tensor by tensor. The same tensors and metadata give the same bytes, whatever their order: widest
 * elements first (so that every tensor is aligned), then by name.
 * @param tensors a `Map`, or any iterable of [name, tensor].
 * @throws RecaptionError `bad-safetensors` for a tensor whose bytes do not fit its shape; those of `writeAtomic`.
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<readonly [string, StoredTensor]>,
  metadata: Record<string, string> = {},
): Promise<void> {
  const chunks = layOut(tensors, metadata, path);
  await writeAtomic(path, async (write) => {
    for (const chunk of chunks) await write(chunk);
  });
}

/** The same bytes as `writeSafetensors` writes. */
export function serializeSafetensors(
  tensors: Iterable<readonly [string, StoredTensor]>,
  metadata: Record<string, string> = {},
): Uint8Array {
  return Buffer.concat(layOut(tensors, metadata, 'safetensors data'));
}

/**
 * Converts F32, F16, BF16 (exactly) or F64 (rounded); the result shares no memory with the tensor.
 * @param place file and name of the tensor, for the error.
 * @throws RecaptionError `bad-safetensors` for any other dtype.
 */
export function toFloat32({ dtype, data }: StoredTensor, place?: string): Float32Array<ArrayBuffer> {
  const { buffer } = new Uint8Array(data); // a copy is aligned, the view may not be
  if (dtype === 'F32') return new Float32Array(buffer);
  if (dtype === 'F16') return fromHalf(new Uint16Array(buffer));
  if (dtype === 'BF16') return fromBfloat16(new Uint16Array(buffer));
  if (dtype === 'F64') return new Float32Array(new Float64Array(buffer));
  throw new RecaptionError('bad-safetensors', `weights cannot be read from a tensor of ${dtype}`, {
    place,
    hint: 'Only F32, F16, BF16 and F64 can be used.',
  });
}

/** Rounds to nearest, ties to even. F32 shares memory with `values`. */
export function fromFloat32(
  values: Float32Array,
  shape: number[],
  dtype: 'F32' | 'F16' | 'BF16' = 'F32',
): StoredTensor {
  const { buffer, byteOffset, byteLength } =
    dtype === 'F32' ? values : dtype === 'F16' ? toHalf(values) : toBfloat16(values);
  return { dtype, shape: [...shape], data: new Uint8Array(buffer, byteOffset, byteLength) };
}

function unwritable(place: string, tensor: string, message: string): RecaptionError {
  return new RecaptionError('bad-safetensors', message, {
    place: `${place}, tensor ${JSON.stringify(tensor)}`,
  });
}

function layOut(
  tensors: Iterable<readonly [string, StoredTensor]>,
  metadata: Record<string, string>,
  place: string,
): Uint8Array[] {
  const sorted = [...tensors].sort(
    ([a, x], [b, y]) => DTYPE_BYTES[y.dtype] - DTYPE_BYTES[x.dtype] || (a < b ? -1 : a > b ? 1 : 0),
  );
  const header = new Map<string, unknown>();
  const metadataEntries = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  if (metadataEntries.length > 0) header.set('__metadata__', Object.fromEntries(metadataEntries));
  let offset = 0;
  for (const [name, { dtype, shape, data }] of sorted) {
    if (name === '__metadata__' || header.has(name)) throw unwritable(place, name, 'the name is taken');
    if (byteLength(dtype, shape) !== data.byteLength) {
      throw unwritable(
        place,
        name,
        `${dtype} of shape [${shape}] needs ${byteLength(dtype, shape)} bytes, not ${data.byteLength}`,
      );
    }
    header.set(name, { dtype, shape, data_offsets: [offset, offset + data.byteLength] });
    offset += data.byteLength;
  }
  // Written member by member: an object would put names like "7" first.
  const members = [...header].map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  const json = Buffer.from(`{${members.join(',')}}`);
  const padded = Math.ceil(json.byteLength / 8) * 8;
  const start = Buffer.alloc(8 + padded, ' ');
  start.writeBigUInt64LE(BigInt(padded));
  json.copy(start, 8);
  return [start, ...sorted.map(([, { data }]) => data)];
}

/** In pieces, because one read call is limited to 2 GiB. */
async function readRange(file: FileHandle, path: string, begin: number, end: number): Promise<Uint8Array> {
  const out = new Uint8Array(end - begin);
  try {
    for (let at = 0; at < out.byteLength; ) {
      const { bytesRead } = await file.read(out, at, Math.min(out.byteLength - at, 1 << 30), begin + at);
      if (bytesRead === 0) throw badSafetensors(path, 'the file became shorter while it was read');
      at += bytesRead;
    }
  } catch (error) {
    throw readError(path, error);
  }
  return out;
}
