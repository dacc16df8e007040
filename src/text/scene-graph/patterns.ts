/**
 * The words around two objects, as keys under which relations were counted. In the keys with a `v`, verbs are numbered
 * slots, so that "man juggling balls" is told by "man carrying bags": `V1` means `>$1`.
 */
import type { Phrase, Phrases } from './phrases.ts';
import { isLight } from './verbs.ts';

export interface Pattern {
  kind: string;
  key: string;
  /** What the slots stand for. */
  verbs: string[];
  /** Whether the key spells out a verb. */
  spelled: boolean;
}

type Word = { text: string; verb: boolean };
const OBJECT: Word = { text: 'N', verb: false };
const BREAK: Word = { text: '#', verb: false };

/** Patterns of the mentions `a` and `b`, `a` before `b`; the first is all that stands between them. */
export function patternsOf({ sequence, mentions }: Phrases, a: number, b: number): Pattern[] {
  const between = wordsOf(sequence.slice(mentions[a].at + 1, mentions[b].at));
  const found = [...patterns('between', between)];
  const others = b - a - 1;
  if (others > 0) {
    const most = Math.min(others, 2);
    found.push(...patterns(`last${most}`, between.slice(between.lastIndexOf(OBJECT) + 1)));
    found.push(...patterns(`first${most}`, between.slice(0, between.indexOf(OBJECT))));
  }
  const after = wordsOf(sequence.slice(mentions[b].at + 1, mentions[b + 1]?.at));
  if (after.length > 0) found.push(...patterns('after', [...between.slice(-2), BREAK, ...after]));
  const before = wordsOf(sequence.slice(a > 0 ? mentions[a - 1].at + 1 : 0, mentions[a].at));
  if (before.length > 0) found.push(...patterns('before', [...before, BREAK, ...between.slice(0, 3)]));
  const pair = `${mentions[a].head} ${mentions[b].head}`;
  return [...found, { kind: 'pair', key: `pair|${pair}`, verbs: [], spelled: false }];
}

function wordsOf(phrases: readonly Phrase[]): Word[] {
  const words: Word[] = [];
  for (const phrase of phrases) {
    if (phrase.kind === 'object') words.push(OBJECT);
    else if (phrase.kind === 'word' && !phrase.silent) words.push(phrase);
  }
  return words;
}

function patterns(kind: string, words: readonly Word[]): Pattern[] {
  const verbs = words.filter(({ verb }) => verb).map(({ text }) => text);
  const key = `${kind}|${words.map(({ text }) => text).join(' ')}`;
  const exact = { kind, key, verbs: [], spelled: verbs.length > 0 };
  if (verbs.length === 0) return [exact];
  let slot = 0;
  const open = words.map(({ text, verb }) => (verb ? `V${++slot}` : text)).join(' ');
  return [exact, { kind: `${kind}v`, key: `${kind}v|${open}`, verbs, spelled: false }];
}

/** A relation between two mentions: `>ride` if the first does it to the second, `<ride` the other way round. */
export type Relation = string;
/** No relation at all. */
export const NONE: Relation = '';

/** Puts verbs into the slots of a relation: `>$1 on` with `sit` is `>sit on`. */
export function fillSlots(relation: Relation, { verbs }: Pattern): Relation {
  if (verbs.length === 0 || !relation.includes('$')) return relation;
  return relation.replace(/\$(\d)/g, (_, slot) => verbs[Number(slot) - 1] ?? '');
}

/** The reverse of `fillSlots`, for counting. */
export function openSlots(relation: Relation, { verbs }: Pattern): Relation {
  return relation.replace(/[^ <>]+/g, (word) => {
    const slot = verbs.indexOf(word);
    return slot < 0 ? word : `$${slot + 1}`;
  });
}

/**
 * Whether a pattern may lead to a relation: a verb must come from the text. A pattern that spells out its verb may change
 * it ("dressed in": `wear`); others give the verb in a slot, or a light predicate.
 */
export function mayMean(pattern: Pattern, relation: Relation): boolean {
  return pattern.spelled || relation.includes('$') || isLight(relation.slice(1));
}
