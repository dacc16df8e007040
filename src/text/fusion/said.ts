/** A descriptive caption under way. */
import { sameMeaning } from '../scene-graph/index.ts';
import { wordnet } from '../wordnet.ts';
import { type Agreed, sameThing } from './agreed.ts';
import { AUXILIARIES, DETERMINERS, PREPOSITIONS } from './lexicon.ts';
import type { Phrase, Reading } from './read-caption.ts';

export interface Sentence {
  subject: readonly string[];
  predicate: readonly string[];
  /** Last words of the names in the predicate. */
  nouns: readonly string[];
  /** Whether it speaks of the main subject. */
  isMain: boolean;
}

export interface Said {
  facts: Agreed;
  /** The caption that the first sentence is. */
  main: Reading;
  /** What the main subject is called. */
  name: string;
  sentences: Sentence[];
  /** Last words of all names so far. */
  nouns: string[];
  /** Base forms of the verbs said of the main subject. */
  verbs: string[];
}

export const isSaid = (noun: string, nouns: readonly string[]): boolean =>
  nouns.some((other) => sameThing(noun, other));

/** Whether the graph has a relation from something called so to one of the nouns. */
export function isOf(
  noun: string,
  nouns: readonly string[],
  { objects, relations }: Reading['graph'],
): boolean {
  const isCalled = (id: string, word: string) =>
    objects.some((object) => object.id === id && object.name.split(' ').at(-1) === word);
  return relations.some(
    ({ subject, object }) => isCalled(subject, noun) && nouns.some((one) => isCalled(object, one)),
  );
}

/** The base form of the verb that a phrase begins with. */
export function verbOf({ kind, words }: Phrase): string | undefined {
  if (kind === 'place' || kind === 'clause') return undefined;
  const verb = words.find((word) => !AUXILIARIES.has(word) && !/ly$/.test(word));
  if (verb === undefined || PREPOSITIONS.has(verb) || DETERMINERS.has(verb)) return undefined;
  const bases = wordnet().baseForms(verb, 'verb');
  return bases.find((base) => base !== verb) ?? bases[0];
}

const POSTURES = new Set(
  `stand sit lie lay kneel crouch squat walk run jump leap hop trot jog race climb ride swim fly pose lean rest sleep bend
  fall dive`.split(/\s+/),
);

/** Captions that differ in how a body is held or moved saw it differently: it does one of these at a time. */
export const contradicts = (verb: string, verbs: readonly string[]): boolean =>
  POSTURES.has(verb) && verbs.some((other) => POSTURES.has(other) && !sameMeaning(verb, other));
