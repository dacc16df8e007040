/** A caption as its subject and the phrases that say something of it. */

import type { SceneGraph, SceneGraphParser } from '../scene-graph/index.ts';
import { wordnet } from '../wordnet.ts';
import {
  ADVERBS,
  AUXILIARIES,
  CLAUSE_WORDS,
  COLOURS,
  DETERMINERS,
  genderOf,
  isDog,
  isPlural,
  PREPOSITIONS,
  STATES,
} from './lexicon.ts';
import { inOrder, mend } from './mend.ts';
import { isMistaken, isOne } from './subject.ts';
import { isCollective } from './wording.ts';

/** `finite`: "runs"; `active`: "running"; `state`: "dressed in"; `clause`: whatever else has its own conjunction. */
export type PhraseKind = 'finite' | 'active' | 'state' | 'place' | 'clause';

export interface Phrase {
  kind: PhraseKind;
  /** What joins it to the words before: ", and". */
  joint: string[];
  words: string[];
  /** Nouns named in it, by their last word, in order. */
  nouns: string[];
}

export interface Reading {
  graph: SceneGraph;
  /** The noun phrase at its beginning. */
  subject: string[];
  /** Last word of the subject's (first) name. */
  head: string;
  /** Last words of all names in the subject. */
  subjectNouns: string[];
  /** More than one, or several joined by "and". */
  plural: boolean;
  joined: boolean;
  /** The number word it begins with. */
  count: string | undefined;
  phrases: Phrase[];
  /** Adjectives that stand before a noun: noun, adjective. */
  adjectives: [noun: string, adjective: string][];
}

/** The first sentence of a text, or undefined where it has no subject that could be told from the rest. */
export function readCaption(text: string, parser: SceneGraphParser): Reading | undefined {
  const sentence = text.split(/(?<=\w\w)\s*[.!?]\s+(?=\w)/)[0];
  const words = inOrder(mend(sentence));
  if (words.length < 2 || words.length > 60) return undefined;
  const graph = parser.parse(words.join(' '));
  const named = namedWords(words, graph);
  const starts = boundaries(words, named);
  const end = starts[0]?.at ?? words.length;
  const subject = words.slice(0, end).filter((word) => word !== ',');
  const last = named.findIndex((object, i) => object && !named[i + 1]);
  if (last < 0 || last >= end || isMistaken(words.slice(0, last + 1), words[last + 1])) return undefined;
  const joined = subject.includes('and') && named.slice(last + 1, end).some(Boolean);
  const head = words[last].toLowerCase();
  const many = isPlural(head) && (isCollective(head) || !isOne(words.slice(0, last + 1)));
  const count = many ? NUMBER.exec(words.slice(0, 2).join(' '))?.[1] : undefined; // not a "four sided clock"
  const phrases = starts.map(({ at, kind }, i) => {
    const until = starts[i + 1]?.at ?? words.length;
    let from = at;
    while (OPENING.test(words[from] ?? '')) from++;
    const joint = words.slice(endOf(words, at), from);
    return {
      kind,
      joint,
      words: words.slice(from, endOf(words, until)),
      nouns: nounsOf(words, named, at, until),
    };
  });
  return {
    graph,
    subject,
    head,
    subjectNouns: nounsOf(words, named, 0, end),
    plural: joined || many,
    joined,
    count,
    phrases: phrases.filter(({ words }) => words.length > 0),
    adjectives: adjectivesOf(words, named, graph),
  };
}

const NUMBER = /^(?:the )?(two|three|four|five|six|seven|eight|nine|ten)\b/;

/** Words that join two phrases and belong to neither, at the end of the first and at the beginning of the second. */
const CLOSING = /^(?:,|;|:|and|or|while|whilst|as|but)$/;
const OPENING = /^(?:,|;|:|and|or)$/;

function endOf(words: readonly string[], until: number): number {
  let end = until;
  while (CLOSING.test(words[end - 1] ?? '')) end--;
  return end;
}

/** For each word whether it is part of the name of an object. */
function namedWords(words: readonly string[], { objects }: SceneGraph): boolean[] {
  const named = words.map((word) => /^guys?$/i.test(word)); // the parser has no such noun
  for (const { name } of objects) {
    const parts = name.split(' ');
    for (let i = 0; i + parts.length <= words.length; i++)
      if (parts.every((part, k) => words[i + k].toLowerCase() === part))
        named.fill(true, i, i + parts.length);
  }
  // The parser takes "in green walks" for green walks.
  return named.map((isNamed, i) => isNamed && !(isWorn(words, i - 1) && DEED.test(words[i])));
}

const isWorn = (words: readonly string[], i: number): boolean =>
  COLOURS.has(words[i]) && /^(?:in|wearing)$/.test(words[i - 1] ?? '');

/** Verbs that are no clothes. */
const DEED =
  /^(?:walk|run|stand|sit|play|jump|hold|pose|look|ride|swim|climb|wear|throw|kick|smile|dance|perform|lean|talk)s$|(?<!cloth)ing$/;

const nounsOf = (words: readonly string[], named: readonly boolean[], from: number, until: number): string[] =>
  words.slice(from, until).filter((_, i) => named[from + i] && !(named[from + i + 1] && from + i + 1 < until)).map((word) => word.toLowerCase()); // biome-ignore format: one line

interface Start {
  at: number;
  kind: PhraseKind;
}

/** Where phrases begin. A verb without an object keeps the preposition behind it: "slides down a slide" is one phrase. */
function boundaries(words: readonly string[], named: readonly boolean[]): Start[] {
  const starts: Start[] = [];
  let hasNoun = false;
  let seen = false; // a noun at all: before it, all belongs to the subject
  let finite = false;
  for (let i = 0; i < words.length; i++) {
    if (named[i]) {
      hasNoun = seen = true;
      continue;
    }
    if (!seen) continue;
    const open = starts.at(-1);
    const inClause = open?.kind === 'clause';
    const kind = kindAt(words, named, i, finite);
    if (kind === undefined || (inClause && kind !== 'clause' && !(kind === 'finite' && words[i - 1] === ',')))
      continue;
    if (kind === 'place' && open && !hasNoun) continue;
    // "is happily running" and "is mountain climbing" began with their auxiliary.
    const sinceVerb = open?.kind === 'finite' ? words.slice(open.at, i) : [];
    if (kind !== 'place' && sinceVerb.length < 3 && sinceVerb.length > 0 && AUXILIARIES.has(sinceVerb[0]) && !sinceVerb.includes('and') && !hasNoun) continue; // biome-ignore format: one line
    if (kind === 'finite') finite = true;
    starts.push({ at: i, kind });
    hasNoun = false;
  }
  return starts;
}

function kindAt(
  words: readonly string[],
  named: readonly boolean[],
  i: number,
  finite: boolean,
): PhraseKind | undefined {
  const word = words[i].toLowerCase();
  const before = words[i - 1]?.toLowerCase() ?? '';
  const next = words[i + 1]?.toLowerCase() ?? '';
  if (CLAUSE_WORDS.has(word)) return /ing$/.test(next) ? undefined : 'clause';
  if (/^[,;:]$/.test(word))
    return next === 'and' || kindAt(words, named, i + 1, finite) ? undefined : 'clause';
  if (word === 'and' && DETERMINERS.has(next) && finite && verbSoon(words, named, i + 1)) return 'clause';
  if (word === 'being') return 'active';
  if (AUXILIARIES.has(word)) return finite ? 'clause' : 'finite';
  if (/^(?:up|down|out|off)$/.test(word) && named[i - 1] && named[i + 1]) return undefined; // a "pick up truck"
  if (PREPOSITIONS.has(word) && !(word === 'next' && next !== 'to'))
    return PREPOSITIONS.has(before) ? undefined : 'place';
  const afterNoun =
    named[i - 1] || isWorn(words, i - 1) || ADVERBS.has(before) || /^(?:and|,|while|as)$|ly$/.test(before);
  if (!afterNoun || named[i]) return undefined;
  if (DETERMINERS.has(word) || /ly$/.test(word)) return undefined;
  if (/^(?:lots|waters|slices|full)$/.test(word)) return undefined;
  const bases = wordnet().baseForms(word, 'verb');
  const inflected = bases.filter((base) => base !== word);
  if (
    /..ing$/.test(word) &&
    inflected.length > 0 &&
    !(TOOLING.test(word) && named[i + 1] && !DETERMINERS.has(words[0]) && !genderOf(before))
  )
    return named[i + 1] && !named[i - 1] && before !== 'and' ? undefined : 'active';
  // A bike "locked to a pole" is locked, but a man "walked on a beach" walked.
  const isDone = /^(?:with|by|upside-down|)$/.test(next) || (PREPOSITIONS.has(next) && named[i - 1] && !genderOf(before) && !isDog(before)); // biome-ignore format: one line
  if (/ed$/.test(word) && inflected.length > 0 && isDone) return 'state';
  if (STATES.has(word)) return named[i + 1] ? undefined : 'state'; // a "snow covered street" is a street
  if (bases.length === 0) return undefined;
  if (finite && !/^(?:and|,)$/.test(before)) return undefined;
  if (/[^s]s$/.test(word) && inflected.length > 0) return 'finite';
  if (inflected.length > 0 && !bases.includes(word)) return 'finite'; // past tense
  return bases.includes(word) && i > 0 && named[i - 1] && isPlural(before) ? 'finite' : undefined;
}

/** Names a thing after what it is for: "hair cutting tools". */
const TOOLING = /^(?:cutting|washing|cooking|cleaning|serving|parking|waiting|dining)$/;

/** "and a man stands": a second sentence rather than a second object. */
function verbSoon(words: readonly string[], named: readonly boolean[], from: number): boolean {
  const noun = words.findIndex((_, i) => i >= from && named[i] && !named[i + 1]);
  if (noun < 0) return false;
  const next = words[noun + 1]?.toLowerCase() ?? '';
  return (
    AUXILIARIES.has(next) ||
    (/[^s]s$/.test(next) && wordnet().baseForms(next, 'verb').length > 0 && !named[noun + 1])
  );
}

/** Adjectives of the graph that the text has directly before their noun. */
function adjectivesOf(
  words: readonly string[],
  named: readonly boolean[],
  graph: SceneGraph,
): [string, string][] {
  const known = new Set(graph.attributes.map(({ attribute }) => attribute));
  const found: [string, string][] = [];
  words.forEach((word, i) => {
    const text = word.toLowerCase();
    if (named[i] || !known.has(text) || DETERMINERS.has(text)) return;
    let noun = i + 1;
    while (
      noun < words.length &&
      !named[noun] &&
      (known.has(words[noun].toLowerCase()) || /^(?:and|,)$/.test(words[noun]))
    )
      noun++;
    if (!named[noun]) return;
    while (named[noun + 1]) noun++;
    found.push([words[noun].toLowerCase(), text]);
  });
  return found;
}
