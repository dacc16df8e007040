/** Which part each word of a caption plays in its graph. */
import { addClasses, feature, hash, softmax, type Weights } from './log-linear.ts';
import type { Token } from './token.ts';

/** An object or attribute of several words goes on with the odd role. */
export const Role = { other: 0, object: 1, objectGoesOn: 2, attribute: 3, attributeGoesOn: 4 } as const;
export type Role = (typeof Role)[keyof typeof Role];

export interface Tagging {
  /** One for each token. */
  roles: Role[];
  logProbability: number;
}

const ROLES = Object.values(Role);
/** What comes before the first word. */
export const START = 9;
/** Taggings kept from word to word. */
const BEAM = 4;
/** Outcomes less likely than this are not followed. */
const UNLIKELY = 1e-2;

/** A tagging under way, from its last word back. */
interface Path {
  role: number;
  before: Path | undefined;
  logProbability: number;
}

/** The likeliest taggings of a sentence, best first, at most `count`. */
export function tagRoles(tokens: readonly Token[], weights: Weights, count: number): Tagging[] {
  const words = wordHashes(tokens);
  const start: Path = { role: START, before: undefined, logProbability: 0 };
  let beam = [start];
  for (let i = 0; i < tokens.length; i++) {
    const seen = ROLES.map(() => 0);
    addClasses(weights, wordFeatures(words, i), seen);
    const known = new Map<number, number[]>(); // taggings that end alike have the same choice
    const next: Path[] = [];
    for (const path of beam) {
      const before = path.before?.role ?? START;
      const key = 10 * path.role + before;
      let chances = known.get(key);
      if (!chances) {
        const scores = seen.slice();
        addClasses(weights, stateFeatures(words, i, path.role, before), scores);
        chances = softmax(scores, weights.scale);
        known.set(key, chances);
      }
      for (const role of ROLES) {
        if (chances[role] < UNLIKELY || !mayFollow(path.role, role)) continue;
        next.push({ role, before: path, logProbability: path.logProbability + Math.log(chances[role]) });
      }
    }
    beam = next.sort((a, b) => b.logProbability - a.logProbability).slice(0, BEAM);
  }
  return beam
    .slice(0, count)
    .map((path) => ({ roles: rolesOf(path, tokens.length), logProbability: path.logProbability }));
}

function rolesOf(last: Path, length: number): Role[] {
  const roles = new Array<Role>(length);
  let path = last;
  for (let i = length - 1; i >= 0; i--) {
    roles[i] = path.role as Role;
    path = path.before!;
  }
  return roles;
}

function mayFollow(before: number, role: Role): boolean {
  if (role === Role.objectGoesOn) return before === Role.object || before === role;
  if (role === Role.attributeGoesOn) return before === Role.attribute || before === role;
  return true;
}

/** Hashes of the words of a sentence, with two edges on either side, so that the `i`th word is at `i + 2`. */
export interface WordHashes {
  texts: number[];
  tags: number[];
  lemmas: number[];
  /** Of the beginnings and endings of each word. */
  parts: number[][];
  length: number;
}

const EDGE = hash('|');

export function wordHashes(tokens: readonly Token[]): WordHashes {
  const padded = (values: number[]) => [EDGE, EDGE, ...values, EDGE, EDGE];
  return {
    texts: padded(tokens.map(({ text }) => hash(text))),
    tags: padded(tokens.map(({ tag }) => hash(tag))),
    lemmas: padded(tokens.map(({ lemma }) => hash(lemma))),
    parts: tokens.map(({ text }) => partsOf(text).map(hash)),
    length: tokens.length,
  };
}

function partsOf(text: string): string[] {
  const parts = [`${text.slice(0, 3)}+`, `${text.slice(0, 4)}+`];
  for (let length = 1; length <= 4 && length < text.length; length++) parts.push(`+${text.slice(-length)}`);
  if (/\d/.test(text)) parts.push('0');
  if (text.includes('-')) parts.push('-');
  return parts;
}

const SEEN = Array.from({ length: 26 }, (_, i) => hash(`seen ${i}`));
const [LEMMA, PART, PLACE, LENGTH] = ['lemma', 'part', 'place', 'length'].map(hash);

/** What is to be seen at the `i`th word, whatever roles the others have: words and tags around it. */
export function wordFeatures({ texts, tags, lemmas, parts, length }: WordHashes, i: number): number[] {
  const [w2, w1, w, n1, n2] = [texts[i], texts[i + 1], texts[i + 2], texts[i + 3], texts[i + 4]];
  const [t2, t1, t, m1, m2] = [tags[i], tags[i + 1], tags[i + 2], tags[i + 3], tags[i + 4]];
  const features = [
    feature(SEEN[0], w),
    feature(SEEN[1], w1),
    feature(SEEN[2], n1),
    feature(SEEN[3], w2),
    feature(SEEN[4], n2),
    feature(SEEN[5], t),
    feature(SEEN[6], t1, t),
    feature(SEEN[7], t, m1),
    feature(SEEN[8], t1, t, m1),
    feature(SEEN[9], t, m1, m2),
    feature(SEEN[10], t2, t1, t),
    feature(SEEN[11], w1, w),
    feature(SEEN[12], w, n1),
    feature(SEEN[13], w1, n1),
    feature(SEEN[14], w1, w, n1),
    feature(SEEN[15], w, n1, n2),
    feature(SEEN[16], w2, w1, w),
    feature(SEEN[17], w, n2),
    feature(SEEN[18], w2, w),
    feature(SEEN[19], n1, n2),
    feature(SEEN[20], w2, w1),
    feature(SEEN[21], w, m1),
    feature(SEEN[22], w, t1),
    feature(SEEN[23], w, t1, m1),
    feature(SEEN[24], n1, t),
    feature(SEEN[25], w1, t),
    feature(LEMMA, lemmas[i + 2]),
    feature(PLACE, Math.min(i, 3), Math.min(length - 1 - i, 3)),
    feature(LENGTH, Math.min(length, 8), t),
  ];
  for (const part of parts[i]) features.push(feature(PART, part));
  return features;
}

const STATES = Array.from({ length: 10 }, (_, i) => hash(`state ${i}`));

/** What is to be seen at the `i`th word after the roles of the last word and the one before it. */
export function stateFeatures(
  { texts, tags }: WordHashes,
  i: number,
  last: number,
  before: number,
): number[] {
  const at = i + 2;
  const both = 16 * last + before;
  return [
    feature(STATES[0], last),
    feature(STATES[1], both),
    feature(STATES[2], last, texts[at]),
    feature(STATES[3], last, tags[at]),
    feature(STATES[4], both, tags[at]),
    feature(STATES[5], both, texts[at]),
    feature(STATES[6], last, texts[at - 1], texts[at]),
    feature(STATES[7], last, tags[at], tags[at + 1]),
    feature(STATES[8], last, texts[at + 1]),
    feature(STATES[9], both, texts[at], texts[at + 1]),
  ];
}
