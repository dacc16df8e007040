import { sameMeaning } from '../scene-graph/index.ts';
import { BOUND, genderOf, isDog, isPlural, PRONOUNS } from './lexicon.ts';
import { predicateOf } from './predicate.ts';
import type { Phrase, Reading } from './read-caption.ts';
import { contradicts, isOf, isSaid, type Said, verbOf } from './said.ts';
import { isCollective, withArticle } from './wording.ts';

/** Verbs that say little. */
const FAINT = /^(?:be|have|look|go|get|do|take|play|make|seem|appear)$/;
/** Nouns of time, manner and part of the picture: they alone are no news, and nothing is said of them. */
const LOOSE =
  /^(?:night|day|air|mid-air|midair|time|daytime|sunset|place|way|line|front|play|work|one|other|action|motion|flight|top|side|edge|end|picture|camera|background|foreground|distance|something|each)$/;

/** What a caption says that has not been said, each phrase of whom it is said. */
export function furtherSentences(reading: Reading, said: Said): void {
  const { phrases, head, plural, graph } = reading;
  const fresh = phrases.map((phrase) => isNew(phrase, reading, said));
  phrases.forEach(({ kind, nouns }, i) => {
    // "with a city | in the background", "with their arms | held high"
    const isRest = kind === 'place' ? nouns.length > 0 : /active|state/.test(kind) && phrases[i - 1]?.words[0] === 'with'; // biome-ignore format: one line
    if (fresh[i - 1] && isRest && nouns.every((noun) => LOOSE.test(noun))) fresh[i] = true;
  });
  const who = whoIs(reading, said);
  if (!fresh.includes(true) || who === undefined) return;
  if (who === 'new') {
    const told = phrases.slice(0, fresh.lastIndexOf(true) + 1).filter((one) => one.kind !== 'clause' && !isUnclear(one, said)); // biome-ignore format: one line
    speak({ subject: withArticle(reading.subject, reading), noun: head, plural }, told, said);
    said.nouns.push(head);
    return;
  }
  const own: Phrase[] = [];
  for (let i = 0; i < phrases.length; i++) {
    if (!fresh[i]) continue;
    const [phrase, before] = [phrases[i], phrases[i - 1]];
    const run = [phrase];
    while (fresh[i + 1] && phrases[i + 1].kind !== 'finite') run.push(phrases[++i]);
    const anchor = before && !own.includes(before) ? anchorOf(phrase, before, reading) : undefined;
    if (anchor !== undefined && !BOUND.test(phrase.words[0])) {
      speak({ subject: ['the', anchor], noun: anchor, plural: isPlural(anchor) }, run, said);
      continue;
    }
    const isLoose = phrase.words[0] === 'with' && before && !isOf(head, phrase.nouns, graph);
    if (phrase.kind === 'place' && (BOUND.test(phrase.words[0]) || isLoose) && !own.includes(before)) {
      // What it belongs to is said again, or it would hang in the air.
      const at = phrases.indexOf(phrase);
      const verb = phrases.findLastIndex(({ kind }, k) => k < at && kind !== 'place' && kind !== 'clause');
      if (verb < 0) continue;
      own.push(...phrases.slice(verb, at).filter((one) => !own.includes(one)));
    }
    own.push(...run);
  }
  speak(who, own, said);
}

interface Who {
  subject: readonly string[];
  /** Its last word; empty for "they". */
  noun: string;
  plural: boolean;
}

/** Of whom a caption speaks; undefined where it has counted the same ones otherwise. */
function whoIs(
  { head, plural, joined, phrases }: Reading,
  { facts, main, name, nouns }: Said,
): Who | 'new' | undefined {
  const others = phrases.flatMap(({ nouns }) => nouns);
  const isTwo = !sameMeaning(head, name) && others.some((noun) => sameMeaning(noun, name)); // "a woman holds a baby"
  if (facts.isSubject(head, plural) && !joined && !main.joined && !isTwo)
    return { subject: ['the', name], noun: name, plural };
  if (plural && main.plural && (joined || main.joined) && !isCollective(head))
    return { subject: ['they'], noun: '', plural };
  const alike = sameMeaning(head, main.head) || (genderOf(head) && genderOf(main.head));
  if (alike && plural !== main.plural && !nouns.includes(head)) return undefined;
  if (joined && isSaid(head, nouns)) return undefined;
  return isSaid(head, nouns) ? { subject: ['the', head], noun: head, plural } : 'new';
}

/** The noun right before a phrase, where the graph has the phrase belong to it. */
function anchorOf(phrase: Phrase, before: Phrase, { graph }: Reading): string | undefined {
  const noun = before.nouns.at(-1);
  if (noun === undefined || phrase.kind === 'finite' || LOOSE.test(noun)) return undefined;
  if (phrase.words[0] === 'with' && phrase.nouns.some((one) => genderOf(one) !== undefined || isDog(one))) return undefined; // biome-ignore format: one line
  return before.words.at(-1)?.toLowerCase() === noun && isOf(noun, phrase.nouns, graph) ? noun : undefined;
}

function isNew(phrase: Phrase, { head, plural }: Reading, said: Said): boolean {
  if (phrase.kind === 'clause' || isUnclear(phrase, said)) return false;
  if (phrase.nouns.some((noun) => !LOOSE.test(noun) && !isSaid(noun, said.nouns))) return true;
  const verb = verbOf(phrase);
  if (verb === undefined || phrase.kind === 'state' || FAINT.test(verb)) return false;
  if (!said.facts.isSubject(head, plural) || said.verbs.some((other) => sameMeaning(verb, other)))
    return false;
  return !contradicts(verb, said.verbs);
}

/** Has a pronoun that would lose what it stands for. */
function isUnclear({ words }: Phrase, { main }: Said): boolean {
  return words.some((word, i) => {
    const text = word.toLowerCase();
    if (text === 'each' || (text === 'other' && words[i - 1] === 'each')) return !main.plural;
    return PRONOUNS.has(text);
  });
}

function speak({ subject, noun, plural }: Who, phrases: readonly Phrase[], said: Said): void {
  if (phrases.length === 0) return;
  const isMain = noun === '' || noun === said.name;
  const predicate = predicateOf(phrases, { noun, plural, verbs: isMain ? said.verbs : [] });
  const nouns = phrases.flatMap((phrase) => phrase.nouns);
  said.sentences.push({ subject, predicate, nouns, isMain });
  said.nouns.push(...nouns);
  if (isMain) said.verbs.push(...phrases.flatMap((phrase) => verbOf(phrase) ?? []));
}
