/** Perceptual hashes: pictures that look the same have hashes that differ in few bits. */
import { decodeGrey } from './decode.ts';

/** The picture is shrunk to this many pixels a side, of whose frequencies the lowest few are looked at. */
const SIDE = 32;
const LOW = 8;
/** Frequencies weaker than this, of pixels from 0 to 255, are rounding and noise. */
const FLAT = 64;

/** COSINES[u][x] of the discrete cosine transform, its lowest frequencies. */
const COSINES = Array.from({ length: LOW }, (_, u) =>
  Float32Array.from({ length: SIDE }, (_, x) => Math.cos(((2 * x + 1) * u * Math.PI) / (2 * SIDE))),
);

/**
 * The perceptual hash of a picture, 64 bits: which of its 8 × 8 lowest frequencies lie above their median ("pHash", Zauner 2010,
 * section 3.2.1). Sizes, formats and compression hardly change it; crops, mirrors and turns do.
 *  Undefined for a picture without features, such as one of a single colour: all of these would look the same.
 * @throws as `decodeImage`
 */
export async function likenessOf(input: Uint8Array | string): Promise<Uint8Array | undefined> {
  const grey = await decodeGrey(input, SIDE);
  const rows = COSINES.map((cosine) =>
    Float32Array.from({ length: SIDE }, (_, y) => {
      let sum = 0;
      for (let x = 0; x < SIDE; x++) sum += cosine[x] * grey[y * SIDE + x];
      return sum;
    }),
  );
  const frequencies = COSINES.flatMap((cosine) =>
    rows.map((row) => {
      let sum = 0;
      for (let y = 0; y < SIDE; y++) sum += cosine[y] * row[y];
      return sum;
    }),
  );
  const others = frequencies.slice(1).sort((a, b) => a - b); // the first is the mean brightness
  if (Math.max(-others[0], others[others.length - 1]) < FLAT) return undefined;
  const median = others[others.length >> 1];
  const hash = new Uint8Array(8);
  for (const [i, frequency] of frequencies.entries())
    if (i > 0 && frequency > median) hash[i >> 3] |= 1 << (i & 7);
  return hash;
}

/** Bits in which two hashes differ, 0 to 64. */
export function likenessDistance(a: Uint8Array, b: Uint8Array): number {
  let bits = 0;
  for (let i = 0; i < a.length; i++) for (let x = a[i] ^ b[i]; x > 0; x &= x - 1) bits++;
  return bits;
}
