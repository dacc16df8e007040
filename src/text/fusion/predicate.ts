import { BE, BOUND, PREPOSITIONS } from './lexicon.ts';
import type { Phrase } from './read-caption.ts';
import { contradicts, verbOf } from './said.ts';
import { isOrAre } from './wording.ts';

interface PredicateOptions {
  /** Last word of the subject. */
  noun: string;
  plural: boolean;
  /** What the subject does already, base forms. */
  verbs: readonly string[];
}

/** Phrases as one predicate: "is in a red jacket and playing hockey", "rides a bike, wearing a helmet". */
export function predicateOf(phrases: readonly Phrase[], { noun, plural, verbs }: PredicateOptions): string[] {
  const be = isOrAre(noun, plural);
  const out: string[] = [];
  let state: 'none' | 'being' | 'doing' | 'having' = 'none';
  for (const phrase of phrases) {
    const own = heldBack(phrase, verbs, be);
    const isBe = BE.has(own[0]);
    if (phrase.kind === 'finite' || isBe) {
      if (state !== 'none') out.push('and');
      out.push(...(state === 'being' && isBe ? own.slice(1) : own));
      state = isBe ? 'being' : 'doing';
    } else if (state !== 'none' && (phrase.kind === 'place' || state === 'having')) {
      out.push(...own);
    } else if (phrase.kind === 'place' && own[0] === 'with') {
      out.push(be === 'are' ? 'have' : 'has', ...own.slice(1));
      state = 'having';
    } else if (state === 'none') {
      out.push(be, ...own);
      state = 'being';
    } else out.push(state === 'being' ? 'and' : ',', ...own);
  }
  return out;
}

/** The words of a phrase, its verb agreeing with the subject; a verb that contradicts what was said gives way to "is". */
function heldBack(phrase: Phrase, verbs: readonly string[], be: string): readonly string[] {
  const verb = verbOf(phrase);
  const words = /^(?:is|are)$/.test(phrase.words[0]) ? [be, ...phrase.words.slice(1)] : phrase.words;
  const rest = words.findIndex((word) => PREPOSITIONS.has(word));
  const gives = verb !== undefined && contradicts(verb, verbs) && rest > 0 && !BOUND.test(words[rest]);
  return gives ? [be, ...words.slice(rest)] : words;
}
