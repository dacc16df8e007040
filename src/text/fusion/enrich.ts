import { sameMeaning } from '../scene-graph/index.ts';
import { wordnet } from '../wordnet.ts';
import { COLOURS, DETERMINERS, genderOf, isPlural, PREPOSITIONS } from './lexicon.ts';
import type { Reading } from './read-caption.ts';
import type { Said } from './said.ts';
import { startOfNoun } from './wording.ts';

/** Adjectives added to one thing. */
const MOST = 3;
/** Of one body, one of these is enough. */
const AGE = /^(?:small|little|young|tiny|baby|toddler|child|kid|boy|girl)s?$/;
/** Half of a word, "four sided", or what somebody does at the moment, "two shaking men". */
const NOT_ALONE = /^(?:colou?red|sized|shaped|sided|haired|legged)$|..ing$/;
const GENDER = /^(?:fe)?male$/;
/** Stands behind a colour. */
const MATERIAL =
  /^(?:brick|stone|wooden|wood|metal|concrete|plastic|glass|leather|rubber|steel|straw|paper|dirt)$/;

/** Adds what things are like, where they are mentioned first: adjectives that other captions have before the same noun. */
export function enrich(sentences: readonly string[][], said: Said, readings: readonly Reading[]): void {
  const added = new Map<string, number>();
  for (const reading of readings) {
    for (const [noun, adjective] of reading.adjectives) {
      const target = mentionOf(noun, adjective, reading, said);
      if (target === undefined || GENDER.test(adjective) || !said.facts.isRight(noun, adjective)) continue;
      const times = added.get(target) ?? 0;
      if (times < MOST && add(adjective, target, sentences, readings)) added.set(target, times + 1);
    }
  }
}

/** The noun of the text that a noun of a caption is; people are the same only where they are the subject. */
function mentionOf(
  noun: string,
  adjective: string,
  { head, plural, joined, subjectNouns, phrases }: Reading,
  { facts, main, name, nouns }: Said,
): string | undefined {
  const isAdjective = COLOURS.has(adjective) || MATERIAL.test(adjective) || wordnet().baseForms(adjective, 'adjective').length > 0; // biome-ignore format: one line
  if (!isAdjective || NOT_ALONE.test(adjective)) return undefined; // a "dirt biker"
  // "A baby zebra with an adult zebra": which of them?
  if ([...subjectNouns, ...phrases.flatMap(({ nouns }) => nouns)].filter((one) => one === noun).length > 1) return undefined; // biome-ignore format: one line
  if (noun === head && !joined && !main.joined && facts.isSubject(head, plural)) return name;
  if (genderOf(noun)) return nouns.includes(noun) && noun !== name ? noun : undefined;
  return nouns.find(
    (word) => isPlural(word) === isPlural(noun) && (word === noun || sameMeaning(word, noun)),
  );
}

function add(
  adjective: string,
  noun: string,
  sentences: readonly string[][],
  readings: readonly Reading[],
): boolean {
  const isNoun = (word: string) => word.toLowerCase() === noun;
  const words = sentences.find((one) => one.some(isNoun));
  if (words === undefined) return false;
  const known = sentences.flatMap((one) => one.flatMap((word, i) => (isNoun(word) ? one.slice(startOfNoun(one, i, 0), i) : []))); // biome-ignore format: one line
  const isLike = (one: string) => one.toLowerCase().startsWith(adjective) || sameMeaning(one, adjective) || (AGE.test(one) && AGE.test(adjective)); // biome-ignore format: one line
  if (known.some(isLike) || (AGE.test(noun) && AGE.test(adjective) && known.some((one) => AGE.test(one)))) return false; // biome-ignore format: one line
  const at = words.findIndex(isNoun);
  let start = startOfNoun(words, at, 0);
  while (start < at && DETERMINERS.has(words[start].toLowerCase())) start++;
  // Without a determiner the noun phrase may begin earlier: "pick up truck".
  if (start > 0 && PREPOSITIONS.has(words[start - 1]) && !isPlural(noun)) return false;
  if (COLOURS.has(adjective) && known.some((one) => COLOURS.has(one))) {
    const colour = words.findIndex((word, i) => i >= start && i < at && COLOURS.has(word));
    if (colour < 0 || words[colour + 1] === 'and' || words[colour - 1] === 'and') return false;
    words.splice(colour + 1, 0, 'and', adjective);
    return true;
  }
  const before = Math.max(start, at - nameLength(noun, readings) + 1);
  const material = words.findIndex((word, i) => i >= start && i < at && MATERIAL.test(word));
  const place = MATERIAL.test(adjective) ? before : COLOURS.has(adjective) ? (material < 0 ? before : material) : start; // biome-ignore format: one line
  words.splice(place, 0, adjective);
  return true;
}

/** Words of the name that ends in a noun: "tennis ball". */
function nameLength(noun: string, readings: readonly Reading[]): number {
  const names = readings.flatMap(({ graph }) => graph.objects.map(({ name }) => name.split(' ')));
  return Math.max(1, ...names.filter((parts) => parts.at(-1) === noun).map((parts) => parts.length));
}
