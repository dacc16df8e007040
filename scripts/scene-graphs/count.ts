/** What can be counted once captions are aligned: forms of verbs, names, and what patterns mean. */
import { hash } from '../../src/text/scene-graph/log-linear.ts';
import type { Outcomes } from '../../src/text/scene-graph/model.ts';
import {
  mayMean,
  NONE,
  openSlots,
  type Pattern,
  patternsOf,
  type Relation,
} from '../../src/text/scene-graph/patterns.ts';
import type { Phrases } from '../../src/text/scene-graph/phrases.ts';
import { pairKey, pairs } from '../../src/text/scene-graph/relations.ts';
import { Role } from '../../src/text/scene-graph/roles.ts';
import { isPlacing, type Verbs } from '../../src/text/scene-graph/verbs.ts';
import { type Aligned, alike, type Span } from './align.ts';

class Tally extends Map<string, Map<string, number>> {
  add(key: string, value: string): void {
    const counts = this.get(key) ?? new Map<string, number>();
    this.set(key, counts.set(value, (counts.get(value) ?? 0) + 1));
  }

  /** The most frequent value of each key, where it was seen `least` times and makes up `share` of all. */
  majority(least: number, share: number): Map<string, string> {
    const winners = new Map<string, string>();
    for (const [key, counts] of this) {
      const [value, count] = [...counts].reduce((best, one) => (one[1] > best[1] ? one : best));
      if (count >= least && count >= share * sum(counts.values())) winners.set(key, value);
    }
    return winners;
  }
}

const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);

/** The words of predicates are base forms; a word without a role that starts alike is a form of it. */
export function countVerbs(captions: readonly Aligned[]): Verbs {
  const tally = new Tally();
  const bases = new Set<string>();
  for (const { tokens, roles, predicates } of captions) {
    const words = new Set(predicates.join(' ').split(' ').filter((word) => word.length > 1 && !isPlacing(word))); // biome-ignore format: one line
    for (const word of words) bases.add(word);
    tokens.forEach(({ text }, i) => {
      if (roles[i] !== Role.other || text.length < 3) return;
      const shared = (word: string) => commonStart(word, text);
      const best = [...words].filter((word) => shared(word) >= Math.max(2, word.length - 2));
      if (best.length > 0)
        tally.add(
          text,
          best.reduce((a, b) => (shared(b) > shared(a) ? b : a)),
        );
    });
  }
  const forms = tally.majority(2, 0.6);
  for (const form of ['lie', 'lies', 'lying']) forms.set(form, 'lay'); // as the annotators have it
  return { forms, bases };
}

function commonStart(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

/** Seen less often than this, a name unlike its words ("dress" for `black`) is a slip of the annotator. */
const OFTEN = 4;

/** How words are called that most annotators call otherwise. */
export function countNames(
  captions: readonly Aligned[],
): Record<'names' | 'attributes', Map<string, string>> {
  const ofObjects = new Tally();
  const ofAttributes = new Tally();
  for (const { tokens, objects, attributes } of captions) {
    const count = (tally: Tally) => ({ start, end, name }: Span) =>
      tally.add(tokens.slice(start, end).map(({ text }) => text).join(' '), name); // biome-ignore format: one line
    objects.forEach(count(ofObjects));
    attributes.forEach(count(ofAttributes));
  }
  const different = (tally: Tally) => {
    const often = tally.majority(OFTEN, 0.5);
    const slips = [...tally.majority(1, 0.5)].filter(
      ([surface, name]) => often.has(surface) || alike(surface, name),
    );
    return new Map(slips.filter(([surface, name]) => surface !== name));
  };
  return { names: different(ofObjects), attributes: different(ofAttributes) };
}

export type Patterns = Map<string, Outcomes>;

/** What every pattern of every pair meant; `phrases[i]` belongs to `captions[i]`. */
export function countPatterns(captions: readonly Aligned[], phrases: readonly Phrases[]): Patterns {
  const tally = new Tally();
  captions.forEach(({ relations }, i) => {
    for (const [a, b] of pairs(phrases[i].mentions.length)) {
      const relation = relations.get(pairKey(a, b)) ?? NONE;
      for (const pattern of patternsOf(phrases[i], a, b)) {
        const open = openSlots(relation, pattern);
        // What the pattern may not mean counts for its total alone.
        tally.add(pattern.key, relation === NONE || mayMean(pattern, open) ? open : OTHER);
      }
    }
  });
  const patterns: Patterns = new Map();
  for (const [key, counts] of tally) {
    const relations = [...counts]
      .filter(([relation]) => relation !== OTHER)
      .sort((a, b) => b[1] - a[1])
      .map(([relation, count]) => ({ relation, count, mark: hash(relation) }));
    patterns.set(key, { total: sum(counts.values()), relations });
  }
  return patterns;
}

const OTHER = 'other';

/** Relations that one pattern may propose. */
const PROPOSALS = 5;

/** Most frequent first; no relation is always among them. */
function propose(relations: Outcomes['relations']): Outcomes['relations'] {
  const some = relations.filter(({ relation }) => relation !== NONE).slice(0, PROPOSALS);
  return [...some, ...relations.filter(({ relation }) => relation === NONE)];
}

/** Outcomes as they were before this pair was counted: the pair must not teach from itself. */
export function without(
  outcomes: Outcomes | undefined,
  pattern: Pattern,
  relation: Relation,
): Outcomes | undefined {
  if (outcomes === undefined || outcomes.total < 2) return undefined;
  const own = openSlots(relation, pattern);
  const relations = outcomes.relations
    .map((one) => (one.relation === own ? { ...one, count: one.count - 1 } : one))
    .filter(({ count }) => count > 0);
  return { total: outcomes.total - 1, relations: propose(relations) };
}

/** Leaves out what was seen too rarely to be worth its bytes, and what one pattern proposes too much. */
export function prunePatterns(patterns: Patterns): Patterns {
  const kept: Patterns = new Map();
  for (const [key, { total, relations }] of patterns) {
    const least = key.startsWith('pair|') ? 2 : 1;
    // A verb that neither the pattern nor a slot has is believed when it was seen again.
    const foreign = (relation: string) => {
      const words = relation.slice(1).split(' ');
      return words.some((word) => !isPlacing(word) && !word.startsWith('$') && !key.includes(word));
    };
    const often = propose(
      relations.filter(({ relation, count }) => count >= (foreign(relation) ? 2 : least)),
    );
    const says = often.some(({ relation }) => relation !== NONE);
    if (says || total >= 5) kept.set(key, { total, relations: often });
  }
  return kept;
}
