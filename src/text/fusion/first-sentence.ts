import { genderOf, isDog } from './lexicon.ts';
import type { Phrase } from './read-caption.ts';
import { isOf, type Said, verbOf } from './said.ts';
import { isOrAre, withArticle } from './wording.ts';

/** The words of the main caption, with a verb where it has none: "A dog is running", "There are two dogs with a ball". */
export function firstSentence(said: Said): void {
  const { main, facts } = said;
  const { phrases, graph, head } = main;
  const be = isOrAre(head, main.plural);
  const verbAt = phrases.some(({ kind }) => kind === 'finite') ? -1 : deedAt(main);
  const subject = withArticle(named(main.subject, said), { head: said.name, plural: main.plural });
  const counted = facts.count !== undefined && main.plural && !main.joined && main.count === undefined;
  if (counted && subject.every((word) => !/^(?:of|group|couple|pair)$/.test(word)))
    subject.splice(0, /^(?:the|some|several|many|these)$/.test(subject[0]) ? 1 : 0, facts.count!);
  const predicate: string[] = [];
  phrases.forEach(({ words, kind, nouns, joint }, i) => {
    if (i === verbAt && !isOnlyThere(phrases)) predicate.push(be);
    else if (joint.length > 0) predicate.push(...joint);
    else if (kind === 'active' && i > 0 && phrases[i - 1].kind !== 'place' && isOf(head, nouns, graph))
      predicate.push('and');
    predicate.push(...words);
  });
  const thereIs = verbAt >= 0 && isOnlyThere(phrases);
  const nouns = [...main.subjectNouns, ...phrases.flatMap(({ nouns }) => nouns)];
  said.sentences.push({
    subject: thereIs ? ['there', be, ...subject] : subject,
    predicate,
    nouns,
    isMain: true,
  });
  said.nouns.push(said.name, ...nouns);
  said.verbs.push(...phrases.flatMap((phrase) => verbOf(phrase) ?? []));
}

/** Nothing "is with a ball". */
const isOnlyThere = (phrases: readonly Phrase[]): boolean =>
  phrases.length === 0 || (phrases[0].words[0] === 'with' && deedAt({ phrases }) === 0);

/** Which phrase takes the verb: the first participle that is not said of somebody before it, or else the first of all. */
function deedAt({ phrases }: { phrases: readonly Phrase[] }): number {
  const deed = phrases.findIndex(({ kind }, i) => {
    const before = phrases[i - 1];
    const owner = before?.nouns.at(-1) ?? '';
    const isTheirs = before?.words[0] === 'with' && (genderOf(owner) !== undefined || isDog(owner));
    return (kind === 'active' || kind === 'state') && !isTheirs;
  });
  return Math.max(0, deed);
}

/** A subject that one caption calls "person" and the others "man" is a man. */
const named = (words: readonly string[], { main, name }: Said): string[] =>
  words.map((word) => (word === main.head ? name : word));
