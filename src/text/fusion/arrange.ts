import { genderOf, INDEFINITE } from './lexicon.ts';
import { isSaid, type Said, type Sentence } from './said.ts';
import { startOfNoun } from './wording.ts';

/** Words of a sentence that takes another predicate. */
const SHORT = 16;
/** Nouns that take no "the" when they come again. */
const TIMELESS = /^(?:night|day|air|time|top|side|edge|end|front|line|one|other)$/;

/** The sentences as words, in their order: the main subject before its surroundings; "a dog" that comes again is "the dog". */
export function arrange({ sentences: [first, ...others], name }: Said): string[][] {
  const inOrder = [...others.filter(({ isMain }) => isMain), ...others.filter(({ isMain }) => !isMain)];
  const known = [...first.nouns, name];
  const out = [[...first.subject, ...first.predicate]];
  let last: Sentence | undefined;
  for (const one of inOrder) {
    const predicate = theirs(definite(one, known), one, name);
    known.push(...one.nouns);
    if (last && goesOn(last, one)) {
      const words = out.at(-1)!;
      words.push('and', ...predicate.slice(last.predicate[0] === predicate[0] ? 1 : 0));
      last = undefined;
    } else {
      out.push([...one.subject, ...predicate]);
      last = one;
    }
  }
  return out;
}

/** "The dog is brown" and "the dog is on a lawn" are one sentence. */
function goesOn(last: Sentence, { subject, predicate }: Sentence): boolean {
  const length = last.predicate.length + predicate.length + subject.length;
  const isBe = /^(?:is|are)$/;
  return last.subject.join(' ') === subject.join(' ') && length <= SHORT && isBe.test(predicate[0]) && isBe.test(last.predicate[0]) && !last.predicate.includes('and'); // biome-ignore format: one line
}

function definite({ predicate, nouns }: Sentence, known: readonly string[]): string[] {
  const words = [...predicate];
  for (const noun of nouns) {
    const at = words.findLastIndex((word) => word.toLowerCase() === noun);
    if (at < 1 || TIMELESS.test(noun) || !isSaid(noun, known)) continue;
    const start = startOfNoun(words, at, 1);
    if (INDEFINITE.has(words[start])) words[start] = 'the';
  }
  return words;
}

/** What one caption calls "his" is "hers" where the others have a woman. */
function theirs(words: string[], { isMain }: Sentence, name: string): string[] {
  const gender = genderOf(name);
  if (!isMain || gender === undefined || gender === 'person') return words;
  const [wrong, right] = gender === 'male' ? ['herself', 'himself'] : ['himself', 'herself'];
  return words.map((word) => (word === wrong ? right : gender === 'female' && word === 'his' ? 'her' : word));
}
