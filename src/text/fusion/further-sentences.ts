import { sameMeaning } from '../scene-graph/index.ts';
import { genderOf, isContent, LOOSE, PRONOUNS } from './lexicon.ts';
import { isOwn, predicateOf } from './predicate.ts';
import type { Phrase, Reading } from './read-caption.ts';
import { contradicts, isSaid, type Said, verbOf } from './said.ts';
import { isCollective, withArticle } from './wording.ts';

/** Verbs that say little. */
const FAINT = /^(?:be|have|look|go|get|do|take|play|make|seem|appear)$/;
/**
 * What a caption says of its subject that has not been said, in its own words: from the last phrase that is surely the
 * subject's before what is new, to the last new one.
 */
export function furtherSentences(reading: Reading, said: Said): void {
  const end = reading.phrases.findIndex((phrase) => phrase.kind === 'clause' || isUnclear(phrase, said));
  const phrases = reading.phrases.slice(0, end < 0 ? undefined : end);
  // "while holding | them up"
  if (end > 0 && reading.phrases[end].kind !== 'clause' && phrases[end - 1].nouns.length === 0) phrases.pop();
  const fresh = phrases.map((phrase) => isNew(phrase, reading, said));
  phrases.forEach(({ kind, nouns }, i) => {
    // "with a city | in the background", "with their arms | held high"
    const isRest = kind === 'place' ? nouns.length > 0 : /active|state/.test(kind) && phrases[i - 1]?.words[0] === 'with'; // biome-ignore format: one line
    if (fresh[i - 1] && isRest && nouns.every((noun) => LOOSE.test(noun))) fresh[i] = true;
  });
  const who = whoIs(reading, said);
  if (!fresh.includes(true) || who === undefined) return;
  const first = fresh.indexOf(true);
  const from = phrases.findLastIndex((_, i) => i <= first && isOwn(phrases, i, reading));
  speak(who, phrases.slice(from, fresh.lastIndexOf(true) + 1), reading, said);
}

interface Who {
  subject: readonly string[];
  /** Its last word; empty for "they". */
  noun: string;
  plural: boolean;
}

/** Of whom a caption speaks; undefined where it has counted the same ones otherwise, or speaks of the picture. */
function whoIs(reading: Reading, { facts, main, name, nouns }: Said): Who | undefined {
  const { head, plural, joined, phrases, subject } = reading;
  const others = phrases.flatMap(({ nouns }) => nouns);
  const isTwo = !sameMeaning(head, name) && others.some((noun) => sameMeaning(noun, name)); // "a woman holds a baby"
  if (facts.isSubject(head, plural) && !joined && !main.joined && !isTwo)
    return { subject: ['the', name], noun: name, plural };
  if (LOOSE.test(head)) return undefined;
  const areBoth = plural && main.plural && (joined || main.joined) && !isCollective(head);
  const isThem = joined && main.joined ? reading.subjectNouns.every((noun) => isSaid(noun, main.subjectNouns)) : genderOf(head) && genderOf(main.head); // biome-ignore format: one line
  if (areBoth && isThem) return { subject: ['they'], noun: '', plural };
  const alike = sameMeaning(head, main.head) || (genderOf(head) && genderOf(main.head));
  if (alike && plural !== main.plural && !nouns.includes(head)) return undefined;
  if (joined && isSaid(head, nouns)) return undefined;
  const known = isSaid(head, nouns);
  return { subject: known ? ['the', head] : withArticle(subject, reading), noun: head, plural };
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

function speak(who: Who, phrases: readonly Phrase[], reading: Reading, said: Said): void {
  const isMain = who.noun === '' || who.noun === said.name;
  const predicate = predicateOf(phrases, { ...who, verbs: isMain ? said.verbs : [] }, reading);
  if (predicate === undefined || isRepeated(predicate, said)) return;
  const nouns = phrases.flatMap((phrase) => phrase.nouns);
  said.sentences.push({ subject: who.subject, predicate, nouns, isMain });
  said.nouns.push(who.noun, ...nouns);
  if (isMain) said.verbs.push(...phrases.flatMap((phrase) => verbOf(phrase) ?? []));
}

/** Whether most of what the words say was said in one sentence. */
function isRepeated(words: readonly string[], { sentences }: Said): boolean {
  const content = words.filter(isContent);
  return sentences.some(({ subject, predicate }) => {
    const known = [...subject, ...predicate].filter(isContent);
    const again = content.filter((word) => isSaid(word, known)).length;
    return content.length - again < again;
  });
}
