/** Which objects of a caption stand in which relation. */
import { type Choice, choose, feature, hash, type Weights } from './log-linear.ts';
import type { Counted, Outcomes } from './model.ts';
import { fillSlots, NONE, type Pattern, patternsOf, type Relation } from './patterns.ts';
import { outline, type Phrases } from './phrases.ts';

/** Objects further apart than this, counted in objects, are not compared. */
const REACH = 4;

/** A relation of the mention `a` to `b`, `a` before `b`. */
export interface RelatedPair {
  a: number;
  b: number;
  relation: Relation;
}

/** What speaks for a candidate: a pattern under which it was counted. */
interface Evidence {
  kind: number;
  counted: Counted;
  total: number;
}

/** What is known of a pattern. */
export type Lookup = (pattern: Pattern) => Outcomes | undefined;

/** Decisions so far, by `a` and `b`. */
export type Decisions = Map<string, Relation>;
export const pairKey = (a: number, b: number): string => `${a} ${b}`;

/** Pairs in the order in which they are decided: nearest first, so that a far one knows what stands between. */
export function* pairs(mentions: number): Generator<[a: number, b: number]> {
  for (let b = 1; b < mentions; b++) {
    for (let a = b - 1; a >= Math.max(0, b - REACH); a--) yield [a, b];
  }
}

/** Decides pair by pair; undefined as soon as this has become no likelier than `least`, a log probability. */
export function relate(
  phrases: Phrases,
  weights: Weights,
  lookup: Lookup,
  least = Number.NEGATIVE_INFINITY,
): { related: RelatedPair[]; logProbability: number } | undefined {
  const related: RelatedPair[] = [];
  const decisions: Decisions = new Map();
  let logProbability = 0;
  for (const [a, b] of pairs(phrases.mentions.length)) {
    if (logProbability <= least) return undefined;
    const { relations, choice } = relationChoice(phrases, a, b, decisions, lookup);
    if (relations.length === 1) continue; // nothing but no relation comes into question
    const chances = choose(weights, choice);
    const best = chances.indexOf(Math.max(...chances));
    logProbability += Math.log(chances[best]);
    decisions.set(pairKey(a, b), relations[best]);
    if (relations[best] !== NONE) related.push({ a, b, relation: relations[best] });
  }
  return logProbability > least ? { related, logProbability } : undefined;
}

/** What outcomes have in common: groups of features, and which relations have them. */
const GROUP_KINDS = ['apart', 'forth', 'back'].map(hash);
const groupsOf = (relation: Relation): number[] => [relation === NONE ? 0 : relation[0] === '>' ? 1 : 2];

const [EXACT, FIRST, SECOND, FROM, SHARE, OPEN, ALWAYS, BY] = 'exact first second from share open always by'.split(' ').map(hash); // biome-ignore format: one line
const WORDS = Array.from({ length: 6 }, (_, i) => hash(`words ${i}`));

/** The relations that come into question, `NONE` first, and what speaks for each. */
export function relationChoice(
  phrases: Phrases,
  a: number,
  b: number,
  decisions: Decisions,
  lookup: Lookup,
): { relations: Relation[]; choice: Choice } {
  const patterns = patternsOf(phrases, a, b);
  const candidates = candidatesOf(patterns, lookup);
  if (candidates.size === 1) return { relations: [NONE], choice: { groups: [], outcomes: [] } };
  const shared = pairFeatures(phrases, a, b, patterns, decisions);
  const first = hash(phrases.mentions[a].head);
  const second = hash(phrases.mentions[b].head);
  const outcomes = [...candidates].map(([relation, evidence]) => {
    const exact = hash(relation);
    const features = shared.map((one) => feature(EXACT, one, exact));
    const predicate = hash(relation.slice(1));
    features.push(feature(FIRST, first, predicate), feature(SECOND, second, predicate));
    if (relation !== NONE) {
      const words = relation.slice(1).split(' ');
      const direction = hash(relation[0]);
      const head = hash(words[0]);
      const tail = hash(words[words.length - 1]);
      features.push(
        feature(WORDS[0], direction, head),
        feature(WORDS[1], direction, tail),
        feature(WORDS[2], direction, words.length),
        feature(WORDS[3], direction, tail, second),
        feature(WORDS[4], direction, head, first),
        feature(WORDS[5], direction, head, second),
      );
    }
    const none = relation === NONE ? 1 : 0;
    let by = none;
    for (const { kind, counted, total } of evidence) {
      const from = feature(FROM, kind, none);
      const often = size(total);
      features.push(
        feature(SHARE, from, step(counted.count / total), often),
        feature(OPEN, from, counted.mark),
      );
      if (counted.count === total) features.push(feature(ALWAYS, from, often));
      by = feature(BY, by, kind);
    }
    features.push(by);
    return { features, groups: groupsOf(relation) };
  });
  const used = new Set(outcomes.flatMap(({ groups }) => groups));
  const groups = GROUP_KINDS.map((kind, i) => (used.has(i) ? shared.map((one) => feature(kind, one)) : []));
  return { relations: [...candidates.keys()], choice: { groups, outcomes } };
}

function candidatesOf(patterns: readonly Pattern[], lookup: Lookup): Map<Relation, Evidence[]> {
  const candidates = new Map<Relation, Evidence[]>([[NONE, []]]);
  for (const pattern of patterns) {
    const known = lookup(pattern);
    if (!known) continue;
    const kind = hash(pattern.kind);
    for (const counted of known.relations) {
      const relation = fillSlots(counted.relation, pattern);
      const evidence = { kind, counted, total: known.total };
      const others = candidates.get(relation);
      if (others) others.push(evidence);
      else candidates.set(relation, [evidence]);
    }
  }
  return candidates;
}

const SEEN = Array.from({ length: 28 }, (_, i) => hash(`pair ${i}`));

/** What is to be seen of a pair, whatever their relation. */
function pairFeatures(
  { sequence, mentions }: Phrases,
  a: number,
  b: number,
  patterns: readonly Pattern[],
  decisions: Decisions,
): number[] {
  const first = hash(mentions[a].head);
  const second = hash(mentions[b].head);
  const keys = patterns.map(({ key }) => hash(key));
  const [between] = keys;
  const last =
    keys[
      Math.max(
        0,
        patterns.findIndex(({ kind }) => kind.startsWith('last')),
      )
    ];
  const around = (at: number) => hash(outline(sequence[at]));
  const decided = (from: number, to: number) => decisions.get(pairKey(from, to)) ?? '-';
  const [outer, inner] = [decided(a, b - 1), decided(b - 1, b)];
  const attached = hash(decidedHead(decisions, a, b));
  const features = [
    feature(SEEN[0]),
    feature(SEEN[1], b - a),
    feature(SEEN[2], first),
    feature(SEEN[3], second),
    feature(SEEN[4], first, second),
    feature(SEEN[5], hash(mentions[a].tag), hash(mentions[b].tag)),
    feature(SEEN[6], hash(mentions[a].text)),
    feature(SEEN[7], hash(mentions[b].text)),
    feature(SEEN[8], between, first),
    feature(SEEN[9], between, second),
    feature(SEEN[10], around(mentions[b].at - 1)),
    feature(SEEN[11], around(mentions[a].at + 1)),
    feature(SEEN[12], around(mentions[a].at - 1)),
    feature(SEEN[13], around(mentions[b].at + 1)),
    feature(SEEN[14], a, b, mentions.length),
    feature(SEEN[15], b + 1 < mentions.length ? 1 : 0),
    feature(SEEN[16], hash(outer), hash(inner)),
    feature(SEEN[17], attached, hash(outer.slice(0, 1))),
    feature(SEEN[18], attached, b - a),
    feature(SEEN[19], attached, last),
    ...keys,
  ];
  if (b - a > 1) {
    const next = hash(mentions[a + 1].head);
    const previous = hash(mentions[b - 1].head);
    const start = keys[patterns.findIndex(({ kind }) => kind.startsWith('first'))];
    features.push(
      feature(SEEN[20], previous),
      feature(SEEN[21], previous, second),
      feature(SEEN[22], first, next),
      feature(SEEN[23], last, second),
      feature(SEEN[24], last, first),
      feature(SEEN[25], last, previous, second),
      feature(SEEN[26], last, first, previous),
      feature(SEEN[27], last, start),
    );
  }
  return features;
}

/** Which mention between `a` and `b` is already related to `b`: its direction and how far it is from `a`. */
function decidedHead(decisions: Decisions, a: number, b: number): string {
  for (let k = b - 1; k > a; k--) {
    const relation = decisions.get(pairKey(k, b));
    if (relation) return `${relation.slice(0, 1)}${k - a}`;
  }
  return '-';
}

/** A share in eighths. */
const step = (share: number): number => Math.floor(share * 8);
/** A count as one of few, so that what is known of 7 is of use for 8. */
const size = (count: number): number => (count > 5 ? (count > 20 ? 4 : 3) : count > 2 ? 2 : count - 1);
