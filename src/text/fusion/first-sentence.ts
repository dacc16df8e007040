import { asTheyStand, deedAt, fits, isOnlyThere } from './predicate.ts';
import { type Said, verbOf } from './said.ts';
import { isOrAre, withArticle } from './wording.ts';

/** The words of the main caption, with a verb where it has none: "A dog is running", "There are two dogs with a ball". */
export function firstSentence(said: Said): void {
  const { main, facts } = said;
  const { phrases, head } = main;
  const be = isOrAre(head, main.plural);
  // "a table with plates | set up" has no verb of its own
  const hasVerb = phrases.some(({ kind, words }, i) => kind === 'finite' && (phrases[i - 1]?.words[0] !== 'with' || fits(words, be))); // biome-ignore format: one line
  const verbAt = hasVerb ? -1 : deedAt(phrases);
  const subject = withArticle(named(main.subject, said), { head: said.name, plural: main.plural });
  const counted = facts.count !== undefined && main.plural && !main.joined && main.count === undefined;
  if (counted && subject.every((word) => !/^(?:of|group|couple|pair)$/.test(word)))
    subject.splice(0, /^(?:the|some|several|many|these)$/.test(subject[0]) ? 1 : 0, facts.count!);
  const thereIs = verbAt >= 0 && isOnlyThere(phrases);
  const predicate = asTheyStand(phrases, thereIs ? -1 : verbAt, be, main);
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

/** A subject that one caption calls "person" and the others "man" is a man. */
const named = (words: readonly string[], { main, name }: Said): string[] =>
  words.map((word) => (word === main.head ? name : word));
