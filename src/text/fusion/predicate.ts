import { wordnet } from '../wordnet.ts';
import { AUXILIARIES, BOUND, genderOf, isDog, PREPOSITIONS } from './lexicon.ts';
import type { Phrase, Reading } from './read-caption.ts';
import { contradicts, isOf, verbOf } from './said.ts';
import { isOrAre } from './wording.ts';

/** Nothing "is with a ball". */
export const isOnlyThere = (phrases: readonly Phrase[]): boolean =>
  phrases.length === 0 || phrases[0].kind === 'clause' || (phrases[0].words[0] === 'with' && deedAt(phrases) === 0); // biome-ignore format: one line

/** Which phrase takes the verb: the first participle that is not said of somebody before it, or else the first of all. */
export function deedAt(phrases: readonly Phrase[]): number {
  const deed = phrases.findIndex(({ kind }, i) => (kind === 'active' && !isTheirs(phrases[i - 1], phrases[i])) || (kind === 'state' && phrases[i - 1]?.words[0] !== 'with')); // biome-ignore format: one line
  return Math.max(0, deed);
}

/** Whether what follows may be said of another: "with parents | looking on", "with flags | hanging". */
export function isTheirs(before: Phrase | undefined, { words }: Phrase): boolean {
  const owner = before?.nouns.at(-1) ?? '';
  return (
    before?.words[0] === 'with' &&
    (genderOf(owner) !== undefined || isDog(owner) || words.length === 1 || words.at(-1) === 'it')
  );
}

/** Phrases one after the other as the caption has them, with "is" before the one that takes the verb. */
export function asTheyStand(
  phrases: readonly Phrase[],
  verbAt: number,
  be: 'is' | 'are',
  reading: Reading,
): string[] {
  return phrases.flatMap(({ words, kind, nouns, joint }, i) => {
    if (i === verbAt) return [be, ...words];
    if (i === 0 || joint.length > 0) return [...(i > 0 || kind === 'clause' ? joint : []), ...words];
    const before = phrases[i - 1];
    const goesOn = kind === 'active' && before.kind !== 'place' && before.kind !== 'finite' && !genderOf(before.nouns.at(-1) ?? '') && isOf(reading.head, nouns, reading.graph); // biome-ignore format: one line
    return goesOn ? ['and', ...words] : words;
  });
}

/** Whether a phrase is said of the subject and not of a noun before it. */
export function isOwn(phrases: readonly Phrase[], i: number, { head, graph }: Reading): boolean {
  if (i === 0) return true;
  const { kind, words, nouns } = phrases[i];
  if (
    isTheirs(phrases[i - 1], phrases[i]) ||
    (kind === 'state' && phrases[i - 1].words[0] === 'with') ||
    (words[0] === 'with' && phrases[i - 1].kind === 'place') ||
    BOUND.test(words[0])
  )
    return false;
  if (kind === 'finite') return phrases.findIndex((phrase) => phrase.kind === 'finite') < i;
  const before = phrases[i - 1].nouns.at(-1);
  return isOf(head, nouns, graph) && (before === undefined || !isOf(before, nouns, graph));
}

/** Nothing "is into" a pool. */
const MOVING = /^(?:to|into|onto|for|from|towards?|after)$/;

interface Told {
  /** Last word of the subject. */
  noun: string;
  plural: boolean;
  /** What the subject does already, base forms. */
  verbs: readonly string[];
}

/**
 * Neighbouring phrases of a caption as the predicate of a sentence, "in a red jacket is playing hockey"; undefined where
 * that would have no verb that fits its subject.
 */
export function predicateOf(
  phrases: readonly Phrase[],
  { noun, plural, verbs }: Told,
  reading: Reading,
): string[] | undefined {
  const be = isOrAre(noun, plural);
  const [first, ...others] = phrases;
  if (others.some((phrase) => contradicts(verbOf(phrase) ?? '', verbs))) return undefined;
  const own = { ...first, words: heldBack(first, verbs, be) };
  if (own.words !== first.words) return asTheyStand([own, ...others], -1, be, reading);
  const finite = phrases.findIndex(({ kind }) => kind === 'finite');
  if (finite >= 0) return fits(phrases[finite].words, be) ? asTheyStand(phrases, -1, be, reading) : undefined;
  const verbAt = deedAt(phrases);
  if (verbAt === 0 && first.kind === 'place' && MOVING.test(first.words[0])) return undefined;
  if (verbAt > 0 || first.words[0] !== 'with') return asTheyStand(phrases, verbAt, be, reading);
  const having = { ...first, words: [has(be), ...first.words.slice(1)] };
  return asTheyStand([having, ...others], -1, be, reading);
}

/** Whether a phrase begins with a verb that agrees: "installed upside down" may lack its "is", "be a hotel" lacks much. */
export function fits(words: readonly string[], be: 'is' | 'are'): boolean {
  const verb = words.find((word) => !/ly$/.test(word)) ?? '';
  if (AUXILIARIES.has(verb)) return /^(?:is|are|was|were|has|have|had)$/.test(verb);
  const bases = wordnet().baseForms(verb, 'verb');
  return be === 'are' ? bases.includes(verb) : /s$/.test(verb) && bases.some((base) => base !== verb);
}

/** The words of a phrase, its verb agreeing with the subject; a verb that contradicts what was said gives way to "is". */
function heldBack(phrase: Phrase, verbs: readonly string[], be: 'is' | 'are'): string[] {
  const { words } = phrase;
  const verb = verbOf(phrase);
  if (/^(?:is|are)$/.test(words[0]) && words[0] !== be) return [be, ...words.slice(1)];
  const rest = words.findIndex((word) => PREPOSITIONS.has(word));
  if (verb === undefined || !contradicts(verb, verbs) || rest < 1 || BOUND.test(words[rest])) return words;
  return words[rest] === 'with' ? [has(be), ...words.slice(rest + 1)] : [be, ...words.slice(rest)];
}

const has = (be: 'is' | 'are'): string => (be === 'are' ? 'have' : 'has');
