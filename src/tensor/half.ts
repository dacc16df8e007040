/** Floating-point numbers in two bytes: IEEE binary16 (F16) and the upper half of binary32 (BF16). Pure bit work. */

/** Bits of a binary32 → bits of the nearest binary16; ties go to the even one, overflow to infinity. */
function halfBits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x1ff); // NaN, made quiet
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 2^16 and above
  if (magnitude >= 0x38800000) return sign | roundedShift(magnitude - 0x38000000, 13); // normal: exponent bias 127 → 15
  if (magnitude < 0x33000000) return sign; // below 2^-25, half of the smallest subnormal
  return sign | roundedShift((magnitude & 0x7fffff) | 0x800000, 126 - (magnitude >>> 23)); // in units of 2^-24
}

/** `value / 2^shift`, rounded to nearest, ties to even. A carry into the exponent is the right result. */
function roundedShift(value: number, shift: number): number {
  return (value + (1 << (shift - 1)) - 1 + ((value >>> shift) & 1)) >>> shift;
}

let widened: Uint32Array | undefined;

/** The binary32 bits of all 65,536 binary16 numbers (256 KB, built once when first needed). */
function widenedHalves(): Uint32Array {
  if (widened) return widened;
  const table = new Uint32Array(0x10000);
  const subnormal = new Float32Array(1);
  const subnormalBits = new Uint32Array(subnormal.buffer);
  for (let half = 0; half < 0x8000; half++) {
    const exponent = half >>> 10;
    const mantissa = half & 0x3ff;
    if (exponent === 0) {
      subnormal[0] = mantissa * 2 ** -24;
      table[half] = subnormalBits[0];
    } else {
      table[half] = ((exponent === 31 ? 255 : exponent + 112) << 23) | (mantissa << 13);
    }
    table[half | 0x8000] = table[half] | 0x80000000;
  }
  widened = table;
  return table;
}

/** Rounds to binary16 (nearest, ties to even). Returns the bits, little-endian when seen as bytes. */
export function toHalf(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = halfBits(bits[i]);
  return out;
}

/** Exact. */
export function fromHalf(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const table = widenedHalves();
  const out = new Uint32Array(halves.length);
  for (let i = 0; i < out.length; i++) out[i] = table[halves[i]];
  return new Float32Array(out.buffer);
}

/** Rounds to bfloat16 (nearest, ties to even). Returns the bits. */
export function toBfloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const x = bits[i];
    const notANumber = (x & 0x7fffffff) > 0x7f800000;
    out[i] = notANumber ? (x >>> 16) | 0x40 : (x + 0x7fff + ((x >>> 16) & 1)) >>> 16;
  }
  return out;
}

/** Exact. */
export function fromBfloat16(words: Uint16Array): Float32Array<ArrayBuffer> {
  const out = new Uint32Array(words.length);
  for (let i = 0; i < out.length; i++) out[i] = words[i] << 16;
  return new Float32Array(out.buffer);
}
