import type { SceneGraphParser } from '../scene-graph/index.ts';
import { wordnet } from '../wordnet.ts';
import { centrality } from './central.ts';
import { BE, COLOURS, LOOSE, PREPOSITIONS, PRONOUNS, STATES } from './lexicon.ts';
import { mend } from './mend.ts';
import { fits, isOwn } from './predicate.ts';
import { type Phrase, type Reading, readCaption } from './read-caption.ts';
import { isOrAre, withArticle } from './wording.ts';

/** Words of a short caption, if the subject itself is not longer. */
const MOST = 10;

/**
 * The most central of an image's captions reduced to its main subject: "a brown dog running through the grass". The words are the
 * caption's own, cut; lower case, no full stop. Undefined where no caption names anything.
 */
export function shortCaption(captions: readonly string[], parser: SceneGraphParser): string | undefined {
  const readings = captions.flatMap((text) => readCaption(text, parser) ?? []);
  if (readings.length === 0) {
    const words = captions.map(mend).find((one) => one.length > 0 && one.length <= MOST);
    return words?.join(' ');
  }
  const central = centrality(readings);
  const score = (i: number) =>
    central[i] +
    (isPlain(readings[i]) ? 0.2 : 0) -
    (LOOSE.test(readings[i].head) || !mainPhrase(readings[i]) ? 0.3 : 0) +
    0.03 * readings[i].adjectives.filter(([noun]) => noun === readings[i].head).length;
  const best = readings.reduce((best, _, i) => (score(i) > score(best) ? i : best), 0);
  return reduced(readings[best]);
}

/** Has something to say of its subject in few words. */
const isPlain = (reading: Reading): boolean => {
  const length = reduced(reading).split(' ').length;
  return /finite|active|state/.test(mainPhrase(reading)?.kind ?? '') && length >= 5 && length <= MOST;
};

/** What is surely said of the subject and can follow it: a deed before a state before a place. */
function mainPhrase(reading: Reading): Phrase | undefined {
  const clear = reading.phrases.filter(
    ({ kind, words }, i) =>
      kind !== 'clause' &&
      isOwn(reading.phrases, i, reading) &&
      (kind !== 'finite' || canFollow(words, isOrAre(reading.head, reading.plural))) &&
      !words.some((word) => PRONOUNS.has(word)),
  );
  const first = (kinds: RegExp) => clear.find(({ kind }) => kinds.test(kind));
  return first(/finite|active/) ?? first(/state/) ?? first(/place/);
}

/** "a shower stall | is the focal point" would lose its verb. */
function canFollow([first, second = '']: readonly string[], be: 'is' | 'are'): boolean {
  if (!BE.has(first)) return /ed$/.test(first) || fits([first], be);
  const isVerb = wordnet()
    .baseForms(second, 'verb')
    .some((base) => base !== second);
  return PREPOSITIONS.has(second) || STATES.has(second) || isVerb;
}

function reduced(reading: Reading): string {
  const words = withArticle(reading.subject, reading);
  const main = mainPhrase(reading);
  if (main) {
    words.push(...bare(main.words));
    const next = reading.phrases[reading.phrases.indexOf(main) + 1];
    const sayNothing = main.nouns.length === 0 || words.length < 5;
    const fits = next && /^(?:place|active)$/.test(next.kind) && words.length + next.words.length <= MOST && !next.words.some((word) => PRONOUNS.has(word)); // biome-ignore format: one line
    if (sayNothing && fits) words.push(...next.words);
  }
  return shortened(words).join(' ');
}

/** "is running" as "running", "has two sinks" as "with two sinks". */
function bare(words: readonly string[]): readonly string[] {
  const [first, second] = words;
  if (/^(?:has|have|had)$/.test(first) && second && !/ed$|^been$/.test(second))
    return ['with', ...words.slice(1)];
  return words.slice(BE.has(first) && second ? 1 : 0);
}

/** What is too long ends before its last "and", unless that is within a noun phrase: "a blue | and white cup". */
function shortened(words: readonly string[]): readonly string[] {
  const and = words.lastIndexOf('and');
  const end = words[and - 1] === ',' ? and - 1 : and;
  return words.length > MOST && and > 4 && !COLOURS.has(words[end - 1])
    ? shortened(words.slice(0, end))
    : words;
}
