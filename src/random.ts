/**
 * Counter-based randomness: a value depends only on (seed, stream, counter), so a resumed run, a worker or a test draws
 * exactly what an uninterrupted run would have drawn.
 */

/** A 32-bit mixing function with full avalanche (two xor-multiply rounds in the manner of MurmurHash3's finaliser). */
function mix(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return x ^ (x >>> 15);
}

/** Folds numbers and words into one 32-bit stream key. */
export function streamKey(seed: number, ...path: (number | string)[]): number {
  let key = mix(Math.trunc(seed) ^ mix(Math.floor(seed / 0x100000000) + 0x632be5ab));
  for (const part of path) {
    if (typeof part === 'number') key = mix(key ^ mix(Math.trunc(part) + 0x9e3779b9));
    else {
      for (let i = 0; i < part.length; i++) key = mix(key ^ (part.charCodeAt(i) + 0x85ebca6b));
      key = mix(key ^ (part.length + 0x3c6ef372)); // where the word ends
    }
  }
  return key;
}

/** The `counter`-th 32-bit word of a stream, unsigned. */
function word(key: number, counter: number): number {
  return mix(key ^ mix(counter + 0x5851f42d)) >>> 0;
}

export interface Random {
  /** In [0, 1), 32 bits. */
  uniform(): number;
  /** Integer in [0, n). */
  int(n: number): number;
  /** Standard normal (Box–Muller). */
  normal(): number;
  pick<T>(items: readonly T[]): T;
  /** A new array; the argument is left as it is (Fisher–Yates). */
  shuffle<T>(items: readonly T[]): T[];
}

/** A stream of numbers named by a seed and a path: `random(seed, 'world', index)`. */
export function random(seed: number, ...path: (number | string)[]): Random {
  const key = streamKey(seed, ...path);
  let counter = 0;
  const uniform = () => word(key, counter++) / 0x100000000;
  const int = (n: number) => Math.floor(uniform() * n);
  return {
    uniform,
    int,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    pick: (items) => items[int(items.length)],
    shuffle(items) {
      const out = [...items];
      for (let i = out.length - 1; i > 0; i--) {
        const j = int(i + 1);
        [out[i], out[j]] = [out[j], out[i]];
      }
      return out;
    },
  };
}

export interface Reservoir<T> {
  add(one: T): void;
  kept(): readonly T[];
  /** How many came by. */
  seen(): number;
}

/** A few of a stream, each as likely to be kept as any other (reservoir sampling); all of them where there are no more than `size`. */
export function reservoir<T>(size: number, { int }: Random): Reservoir<T> {
  const kept: T[] = [];
  let seen = 0;
  return {
    add(one) {
      const at = seen < size ? seen : int(seen + 1);
      if (at < size) kept[at] = one;
      seen++;
    },
    kept: () => kept,
    seen: () => seen,
  };
}

/** Fills `out` with uniforms in [0, 1). */
export function fillUniform(out: Float32Array, key: number): void {
  for (let i = 0; i < out.length; i++) out[i] = (word(key, i) >>> 8) / 0x1000000;
}

/** Fills `out` with standard normals (Box–Muller, both halves used). */
export function fillNormal(out: Float32Array, key: number): void {
  for (let i = 0; i < out.length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - word(key, i) / 0x100000000));
    const angle = (2 * Math.PI * word(key, i + 1)) / 0x100000000;
    out[i] = radius * Math.cos(angle);
    if (i + 1 < out.length) out[i + 1] = radius * Math.sin(angle);
  }
}

/**
 * Fills `out` with 0 (probability `rate`, to 1/65536) or `1 / (1 - rate)`: an inverted-dropout mask. Two masks come from one word,
 * without a branch: a step draws millions of them.
 */
export function fillDropout(out: Float32Array, key: number, rate: number): void {
  const threshold = Math.round(rate * 0x10000);
  const keep = 1 / (1 - rate);
  for (let i = 0; i < out.length; i += 2) {
    const x = mix(Math.imul(i, 0x9e3779b9) ^ key);
    out[i] = keep * ((((x & 0xffff) - threshold) >>> 31) ^ 1);
    if (i + 1 < out.length) out[i + 1] = keep * ((((x >>> 16) - threshold) >>> 31) ^ 1);
  }
}
