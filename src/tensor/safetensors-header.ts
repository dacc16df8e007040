/** The header of a safetensors file: what it may say, and the proof that it fits the bytes behind it. */
import { z } from 'zod';
import { RecaptionError } from '../errors.ts';

/** Bytes of one element. */
export const DTYPE_BYTES = {
  F64: 8,
  I64: 8,
  U64: 8,
  F32: 4,
  I32: 4,
  U32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  U16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I8: 1,
  U8: 1,
  BOOL: 1,
} as const;
export type StoredDtype = keyof typeof DTYPE_BYTES;

export interface StoredTensor {
  dtype: StoredDtype;
  /** Row-major; `[]` is a scalar. */
  shape: number[];
  /** The elements as they lie in the file. */
  data: Uint8Array;
}

const MAX_HEADER_BYTES = 100_000_000;

const extent = z
  .number()
  .refine((n) => Number.isSafeInteger(n) && n >= 0, 'is not a whole number of at least 0');
const entrySchema = z.strictObject({
  dtype: z.enum(Object.keys(DTYPE_BYTES) as StoredDtype[]),
  shape: z.array(extent).max(64),
  data_offsets: z.tuple([extent, extent]),
});

export interface Entry {
  name: string;
  dtype: StoredDtype;
  shape: number[];
  /** Counted from the end of the header. */
  begin: number;
  end: number;
}

export function badSafetensors(
  place: string,
  message: string,
  tensor?: string,
  cause?: unknown,
): RecaptionError {
  return new RecaptionError('bad-safetensors', message, {
    place: tensor === undefined ? place : `${place}, tensor ${JSON.stringify(tensor)}`,
    hint: 'The file is damaged or no safetensors file; fetch or write it again.',
    cause,
  });
}

/** Checks the first eight bytes of a file: length of the header that follows them, in bytes. */
export function headerLength(bytes: Uint8Array, fileSize: number, place: string): number {
  if (fileSize < 8)
    throw badSafetensors(place, `the file has ${fileSize} bytes, too few for a safetensors header`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES)
    throw badSafetensors(place, `the header claims ${length} bytes, more than the limit of 100 MB`);
  if (length > fileSize - 8)
    throw badSafetensors(place, `the header claims ${length} bytes, but the file has only ${fileSize}`);
  return Number(length);
}

/** Entries in the order of their bytes, proven to cover exactly the `bodyBytes` behind the header. */
export function parseHeader(
  bytes: Uint8Array,
  bodyBytes: number,
  place: string,
): { entries: Entry[]; metadata: Record<string, string> } {
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (cause) {
    throw badSafetensors(place, 'the header is no valid JSON', undefined, cause);
  }
  if (!isObject(header)) throw badSafetensors(place, 'the header is no JSON object');
  const repeated = repeatedKey(text);
  if (repeated !== undefined) throw badSafetensors(place, 'the name occurs twice in the header', repeated);

  // As it was parsed: zod's records drop a key "__proto__".
  const metadata = Object.hasOwn(header, '__metadata__') ? header.__metadata__ : {};
  if (!isRecord(metadata))
    throw badSafetensors(place, 'the metadata of the header is no object of strings', '__metadata__');

  const entries = Object.keys(header)
    .filter((name) => name !== '__metadata__')
    .map((name) => parseEntry(name, header[name], bodyBytes, place))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of entries) {
    if (begin < covered)
      throw badSafetensors(place, `its bytes from ${begin} on overlap those of another tensor`, name);
    if (begin > covered)
      throw badSafetensors(place, `there is a gap of ${begin - covered} bytes before it`, name);
    covered = end;
  }
  if (covered < bodyBytes)
    throw badSafetensors(place, `${bodyBytes - covered} bytes at the end belong to no tensor`);
  return { entries, metadata };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isRecord(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((text) => typeof text === 'string');
}

function parseEntry(name: string, value: unknown, bodyBytes: number, place: string): Entry {
  const parsed = entrySchema.safeParse(value);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0];
    throw badSafetensors(
      place,
      `its entry in the header is wrong: ${path.length > 0 ? `${path.join('.')}: ` : ''}${message}`,
      name,
    );
  }
  const { dtype, shape } = parsed.data;
  const [begin, end] = parsed.data.data_offsets;
  if (end < begin) throw badSafetensors(place, `its offsets run backwards, from ${begin} to ${end}`, name);
  if (end > bodyBytes)
    throw badSafetensors(place, `its bytes end at ${end}, but the file holds only ${bodyBytes}`, name);
  const expected = byteLength(dtype, shape);
  if (expected !== end - begin) {
    throw badSafetensors(
      place,
      `${dtype} of shape [${shape}] needs ${expected} bytes, but its offsets span ${end - begin}`,
      name,
    );
  }
  return { name, dtype, shape, begin, end };
}

/** May lose precision above 2^53, where it is far beyond any file; never comes back down to a plausible size. */
export function byteLength(dtype: StoredDtype, shape: number[]): number {
  return shape.includes(0) ? 0 : shape.reduce((product, n) => product * n, DTYPE_BYTES[dtype]);
}

/** The first key that an object of the header states twice; `JSON.parse` would silently keep the last. */
function repeatedKey(json: string): string | undefined {
  const open: Set<string>[] = [];
  let last = '';
  for (let i = 0; i < json.length; i++) {
    const c = json[i];
    if (c === '"') {
      const start = i++;
      while (json[i] !== '"') i += json[i] === '\\' ? 2 : 1;
      last = json.slice(start, i + 1);
    } else if (c === '{') open.push(new Set());
    else if (c === '}') open.pop();
    else if (c === ':') {
      const key = JSON.parse(last) as string;
      const keys = open[open.length - 1];
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}
