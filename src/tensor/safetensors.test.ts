import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Folder, temporaryFolder } from '../../test/helpers/collection.ts';
import { sharedData } from '../../test/shared.ts';
import { RecaptionError } from '../errors.ts';
import {
  DTYPE_BYTES,
  fromFloat32,
  parseSafetensors,
  readSafetensors,
  type StoredDtype,
  type StoredTensor,
  serializeSafetensors,
  toFloat32,
  writeSafetensors,
} from './safetensors.ts';

let folder: Folder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const entry = (begin: number, end: number, shape: unknown = [end - begin], dtype = 'U8') => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

/** A file with this header (as text or as an object) and `body` bytes of zeros. */
function file(header: unknown, body: number, length?: bigint): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const out = Buffer.alloc(8 + json.byteLength + body);
  out.writeBigUInt64LE(length ?? BigInt(json.byteLength));
  json.copy(out, 8);
  return out;
}

function errorOf(act: () => unknown): RecaptionError {
  try {
    act();
  } catch (error) {
    if (error instanceof RecaptionError) return error;
    throw error;
  }
  throw new Error('it did not throw');
}

const tensorArbitrary: fc.Arbitrary<StoredTensor> = fc
  .tuple(
    fc.constantFrom(...(Object.keys(DTYPE_BYTES) as StoredDtype[])),
    fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
  )
  .chain(([dtype, shape]) => {
    const length = shape.reduce((a, b) => a * b, DTYPE_BYTES[dtype]);
    return fc.uint8Array({ minLength: length, maxLength: length }).map((data) => ({ dtype, shape, data }));
  });
const tensorsArbitrary = fc
  .uniqueArray(fc.tuple(fc.string(), tensorArbitrary), { selector: ([name]) => name, maxLength: 6 })
  .filter((tensors) => tensors.every(([name]) => name !== '__metadata__'));

describe('safetensors', () => {
  it('gives back what was written, whatever the tensors and their names', () => {
    fc.assert(
      fc.property(
        tensorsArbitrary,
        fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }),
        (tensors, metadata) => {
          const read = parseSafetensors(serializeSafetensors(tensors, metadata));
          expect(new Map([...read.tensors].map(([name, t]) => [name, { ...t, data: [...t.data] }]))).toEqual(
            new Map(tensors.map(([name, t]) => [name, { ...t, data: [...t.data] }])),
          );
          expect(Object.entries(read.metadata).sort()).toEqual(Object.entries(metadata).sort());
        },
      ),
    );
  });

  it('gives back metadata whose name means something to JavaScript', () => {
    const metadata = JSON.parse('{"__proto__": "a", "constructor": "b"}');
    const read = parseSafetensors(serializeSafetensors([], metadata)).metadata;
    expect(Object.entries(read)).toEqual(Object.entries(metadata));
  });

  it('gives the same bytes for any order of the tensors, each tensor aligned to its elements', () => {
    const tensors: [string, StoredTensor][] = [
      ['c', { dtype: 'U8', shape: [3], data: new Uint8Array(3) }],
      ['b', fromFloat32(new Float32Array(5), [5], 'F16')],
      ['7', fromFloat32(new Float32Array(1), [], 'F32')],
      ['a', { dtype: 'I64', shape: [1], data: new Uint8Array(8) }],
    ];
    const bytes = serializeSafetensors(tensors, { z: '1', a: '2' });
    expect(serializeSafetensors(new Map(tensors.reverse()), { a: '2', z: '1' })).toEqual(bytes);
    for (const { dtype, data } of parseSafetensors(bytes).tensors.values()) {
      expect((data.byteOffset - bytes.byteOffset) % DTYPE_BYTES[dtype]).toBe(0);
    }
  });

  it('never fails with anything but bad-safetensors when bytes of a file are changed', () => {
    const original = serializeSafetensors(
      [
        ['weight', fromFloat32(new Float32Array(6), [2, 3])],
        ['bias', fromFloat32(new Float32Array(3), [3], 'F16')],
      ],
      { format: 'pt' },
    );
    const change = fc.tuple(fc.nat(original.length - 1), fc.nat(255));
    fc.assert(
      fc.property(
        fc.array(change, { minLength: 1, maxLength: 8 }),
        fc.nat(original.length),
        (changes, length) => {
          const bytes = original.slice(0, length === 0 ? undefined : length);
          for (const [at, value] of changes) bytes[at] = value;
          try {
            for (const { data } of parseSafetensors(bytes).tensors.values())
              expect(data.length).toBeLessThan(25);
          } catch (error) {
            expect(error).toBeInstanceOf(RecaptionError);
            expect((error as RecaptionError).code).toBe('bad-safetensors');
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['a file of 5 bytes', new Uint8Array(5), /5 bytes/],
    ['a header longer than the file', file('{}', 0, 3n), /claims 3 bytes/],
    ['a header above 100 MB', file('{}', 0, 2n ** 63n), /limit/],
    ['a header that is no JSON', file('{"a":', 0), /JSON/],
    ['a header that is a list', file([], 0), /JSON/],
    ['a header that is not UTF-8', file('{"\u00ff', 0).with(9, 0xff), /JSON/],
    ['overlapping tensors', file({ a: entry(0, 4), b: entry(3, 8) }, 8), /overlap/],
    ['a gap between tensors', file({ a: entry(0, 3), b: entry(4, 8) }, 8), /gap of 1/],
    ['a gap at the start', file({ a: entry(1, 3) }, 3), /gap of 1/],
    ['a size that does not fit the shape', file({ a: entry(0, 8, [3], 'F32') }, 8), /needs 12 bytes.*span 8/],
    ['a negative extent', file({ a: entry(0, 0, [-1]) }, 0), /shape\.0/],
    ['a fractional extent', file({ a: entry(0, 1, [0.5, 2]) }, 1), /shape\.0/],
    ['an extent beyond 2^53', file({ a: entry(0, 0, [2 ** 60]) }, 0), /shape\.0/],
    ['extents whose product overflows', file({ a: entry(0, 0, [2 ** 50, 2 ** 50]) }, 0), /needs/],
    ['offsets past the end', file({ a: entry(0, 9) }, 8), /only 8/],
    ['offsets that run backwards', file({ a: entry(4, 0, [4]) }, 4), /backwards/],
    ['an unknown dtype', file({ a: entry(0, 4, [4], 'Q4') }, 4), /dtype/],
    ['an unknown field', file({ a: { ...entry(0, 4), x: 1 } }, 4), /wrong/],
    ['bytes behind the last tensor', file({ a: entry(0, 4) }, 6), /2 bytes at the end/],
    ['metadata that is no object of strings', file({ __metadata__: { a: 1 } }, 0), /metadata/],
    [
      'a name given twice',
      file(
        '{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}',
        0,
      ),
      /twice/,
    ],
  ])('rejects %s', (_, bytes, message) => {
    const error = errorOf(() => parseSafetensors(bytes, 'model.safetensors'));
    expect(error.code).toBe('bad-safetensors');
    expect(error.message).toMatch(message);
    expect(error.place).toContain('model.safetensors');
  });

  it('names the tensor that is wrong', () => {
    const bytes = file({ good: entry(0, 4), 'layer.0.weight': entry(4, 8, [5]) }, 8);
    expect(errorOf(() => parseSafetensors(bytes, 'm')).place).toBe('m, tensor "layer.0.weight"');
  });

  it('writes and reads files, replaces them whole and leaves no temporary file', async () => {
    const path = join(folder.path, 'model.safetensors');
    const tensors = [['w', fromFloat32(Float32Array.of(1, 2, 3), [3])]] as const;
    await writeFile(path, 'old');
    await writeSafetensors(path, tensors, { step: '7' });
    const read = await readSafetensors(path);
    expect(toFloat32(read.tensors.get('w')!)).toEqual(Float32Array.of(1, 2, 3));
    expect(read.metadata).toEqual({ step: '7' });
    expect(await readdir(folder.path)).toEqual(['model.safetensors']);
    expect(new Uint8Array(await readFile(path))).toEqual(
      new Uint8Array(serializeSafetensors(tensors, { step: '7' })),
    );
  });

  it('keeps the old file when a tensor does not fit its shape', async () => {
    const path = join(folder.path, 'kept.safetensors');
    await writeFile(path, 'old');
    const wrong = { dtype: 'F32', shape: [2], data: new Uint8Array(4) } as const;
    await expect(writeSafetensors(path, [['w', { ...wrong, shape: [2] }]])).rejects.toThrow(
      /needs 8 bytes, not 4/,
    );
    expect(await readFile(path, 'utf8')).toBe('old');
  });

  it('says of a missing file that it is missing, and of a cut file that it is damaged', async () => {
    await expect(readSafetensors(join(folder.path, 'none'))).rejects.toMatchObject({
      code: 'file-not-found',
    });
    const path = join(folder.path, 'cut.safetensors');
    await writeFile(
      path,
      serializeSafetensors([['w', fromFloat32(new Float32Array(9), [9])]]).subarray(0, -4),
    );
    await expect(readSafetensors(path)).rejects.toMatchObject({ code: 'bad-safetensors' });
  });

  const taef2 = sharedData('models/taef2/decoder.safetensors');
  it.skipIf(!taef2)('reads a published half-precision model', async () => {
    const { tensors } = await readSafetensors(taef2!);
    expect(tensors.size).toBe(79);
    for (const tensor of tensors.values()) {
      expect(tensor.dtype).toBe('F16');
      expect(toFloat32(tensor).every((x) => Math.abs(x) < 100)).toBe(true);
    }
  });

  it('refuses to read integers as weights', () => {
    expect(errorOf(() => toFloat32({ dtype: 'I8', shape: [1], data: new Uint8Array(1) })).message).toMatch(
      /I8/,
    );
  });

  it('rounds double precision to single', () => {
    const data = new Uint8Array(Float64Array.of(0.1, 1e300).buffer);
    expect(toFloat32({ dtype: 'F64', shape: [2], data })).toEqual(
      Float32Array.of(Math.fround(0.1), Infinity),
    );
  });
});
