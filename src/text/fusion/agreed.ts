/** What the captions of an image agree on, and where they contradict each other. */
import { sameMeaning } from '../scene-graph/index.ts';
import { COLOURS, type Gender, genderOf, isDog, isOtherAge, isPlural } from './lexicon.ts';
import type { Reading } from './read-caption.ts';

export interface Agreed {
  /** Name of the main subject: the most frequent one that contradicts few others. */
  subject: string;
  plural: boolean;
  /** How many they are, as a word, where captions say so. */
  count: string | undefined;
  /** Whether a subject is the main one. */
  isSubject(head: string, plural: boolean): boolean;
  /** Whether an adjective may be said of a noun. */
  isRight(noun: string, adjective: string): boolean;
}

const OPPOSITES: [RegExp, RegExp][] = [
  [/^(?:small|little|tiny|young)$/, /^(?:big|large|huge|old|older|elderly|tall|adult)$/],
  [/^(?:empty|quiet)$/, /^(?:crowded|busy)$/],
];

/** Two nouns of different captions that may well mean the same thing. */
export function sameThing(a: string, b: string): boolean {
  if (a === b || sameMeaning(a, b)) return true;
  const [one, other] = [genderOf(a), genderOf(b)];
  if (one && other) return isPlural(a) === isPlural(b) && compatible(one, other) && !isOtherAge(a, b);
  return isDog(a) && isDog(b) && isPlural(a) === isPlural(b);
}

const compatible = (a: Gender, b: Gender): boolean => a === b || a === 'person' || b === 'person';

export function agreed(readings: readonly Reading[]): Agreed {
  const many = readings.filter(({ plural }) => plural).length * 2 > readings.length;
  const heads = readings.filter(({ plural }) => plural === many).map(({ head }) => head);
  // The name that most of the subjects could go by; a particular one before a general one.
  const votes = (head: string) => heads.filter((other) => sameThing(head, other)).length + 0.5 * heads.filter((other) => other === head).length + (genderOf(head) === 'person' || head === 'animal' ? -0.25 : 0); // biome-ignore format: one line
  const subject = heads.reduce(
    (best, head) => (votes(head) > votes(best) ? head : best),
    heads[0] ?? readings[0].head,
  );

  const counts = readings.flatMap(({ count, head }) => (count !== undefined && sameThing(head, subject) ? [count] : [])); // biome-ignore format: one line
  const rightColours = (noun: string) =>
    mostAgreed(
      readings.flatMap(({ adjectives }) => {
        const own = adjectives.filter(
          ([other, adjective]) => COLOURS.has(adjective) && sameThing(noun, other),
        );
        return own.length > 0 ? [own.map(([, colour]) => colour)] : [];
      }),
    );
  const others = (noun: string) =>
    readings.flatMap(({ adjectives }) => adjectives.filter(([other]) => sameThing(noun, other)).map(([, adjective]) => adjective)); // biome-ignore format: one line
  return {
    subject,
    plural: many,
    count: many ? mostAgreed(counts.map((count) => [count]))[0] : undefined,
    isSubject: (head, plural) => plural === many && sameThing(head, subject),
    isRight(noun, adjective) {
      if (COLOURS.has(adjective)) return rightColours(noun).includes(adjective);
      const all = others(noun);
      const count = (side: RegExp) => all.filter((one) => side.test(one)).length;
      return OPPOSITES.every(([one, other]) => {
        if (one.test(adjective)) return count(one) >= count(other);
        return !other.test(adjective) || count(other) > count(one);
      });
    },
  };
}

/** Of sets of words, the one that has words in common with most others; of several, the largest, then the first. */
function mostAgreed(sets: readonly string[][]): readonly string[] {
  let [best, most]: [readonly string[], number] = [[], 0];
  for (const one of sets) {
    const votes = sets.filter((other) => other.some((word) => one.includes(word))).length + one.length / 100;
    if (votes > most) [best, most] = [one, votes];
  }
  return best;
}
