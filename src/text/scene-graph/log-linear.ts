/**
 * Log-linear models over hashed features (feature hashing: Weinberger et al. 2009). All decisions of the parser share one
 * table of weights; a feature's number says where its weights lie.
 */
export interface Weights {
  /** As many as a power of two. */
  values: Int8Array | Float32Array;
  /** What one unit of `values` is worth. */
  scale: number;
}

/** 32 bits of a text (FNV-1a). */
export function hash(text: string): number {
  let bits = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) bits = Math.imul(bits ^ text.charCodeAt(i), 0x01000193);
  return bits;
}

/** The number of a feature: of what kind it is, and up to three hashes of what is seen. */
export function feature(kind: number, a = 0, b = 0, c = 0): number {
  let bits = Math.imul(kind ^ a, 0x9e3779b1);
  bits = Math.imul(bits ^ (bits >>> 15) ^ b, 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13) ^ c, 0xc2b2ae35);
  return bits ^ (bits >>> 16); // a signed number, which engines keep without a box
}

/** Classes of a decision whose classes are always the same: at most this many, with their weights side by side. */
export const CLASSES = 8;

/** Where the weights of a feature begin that has one for each class. */
export function classPlace(feature: number, size: number): number {
  return feature & (size - 1) & -CLASSES;
}

/** Adds the weights of each class to `sums`, unscaled. */
export function addClasses({ values }: Weights, features: readonly number[], sums: number[]): void {
  for (let k = 0; k < features.length; k++) {
    const place = classPlace(features[k], values.length);
    for (let i = 0; i < sums.length; i++) sums[i] += values[place + i];
  }
}

/** A decision whose outcomes differ from case to case. What outcomes have in common is in `groups`, and summed once. */
export interface Choice {
  groups: number[][];
  /** Each with the features of its own and the groups it has. */
  outcomes: { features: number[]; groups: number[] }[];
}

/** Probability of each outcome. */
export function choose(weights: Weights, { groups, outcomes }: Choice): number[] {
  const { values } = weights;
  const mask = values.length - 1;
  const sum = (features: readonly number[]) => {
    let total = 0;
    for (let i = 0; i < features.length; i++) total += values[features[i] & mask];
    return total;
  };
  const sums = groups.map(sum);
  const scores = outcomes.map((one) => {
    let total = sum(one.features);
    for (const group of one.groups) total += sums[group];
    return total;
  });
  return softmax(scores, weights.scale);
}

export function softmax(scores: readonly number[], scale: number): number[] {
  let most = Number.NEGATIVE_INFINITY;
  for (const score of scores) most = Math.max(most, score);
  let total = 0;
  const powers = scores.map((score) => {
    const power = Math.exp((score - most) * scale);
    total += power;
    return power;
  });
  return powers.map((power) => power / total);
}
