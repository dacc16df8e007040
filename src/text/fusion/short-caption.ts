import type { SceneGraphParser } from '../scene-graph/index.ts';
import { centrality } from './central.ts';
import { BE, PRONOUNS } from './lexicon.ts';
import { mend, type Phrase, type Reading, readCaption } from './read-caption.ts';
import { withArticle } from './wording.ts';

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
    (isPlain(readings[i]) ? 0.2 : 0) +
    0.03 * readings[i].adjectives.filter(([noun]) => noun === readings[i].head).length;
  const best = readings.reduce((best, _, i) => (score(i) > score(best) ? i : best), 0);
  return reduced(readings[best]);
}

/** Has something to say of its subject in few words. */
const isPlain = (reading: Reading): boolean => {
  const length = reduced(reading).split(' ').length;
  return /finite|active|state/.test(mainPhrase(reading)?.kind ?? '') && length >= 5 && length <= MOST;
};

function mainPhrase({ phrases }: Reading): Phrase | undefined {
  const clear = phrases.filter(({ words }) => !words.some((word) => PRONOUNS.has(word)));
  const first = (kinds: RegExp) => clear.find(({ kind }) => kinds.test(kind));
  return first(/finite|active/) ?? first(/state/) ?? first(/place/);
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

/** "is running" as "running". */
const bare = (words: readonly string[]): string[] =>
  words.slice(BE.has(words[0]) && words.length > 1 ? 1 : 0);

/** What is too long ends before its last "and". */
function shortened(words: readonly string[]): readonly string[] {
  const and = words.lastIndexOf('and');
  return words.length > MOST && and > 4
    ? shortened(words.slice(0, words[and - 1] === ',' ? and - 1 : and))
    : words;
}
