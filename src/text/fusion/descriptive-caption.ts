import { type SceneGraphParser, tuplesOf } from '../scene-graph/index.ts';
import { type Agreed, agreed } from './agreed.ts';
import { arrange } from './arrange.ts';
import { centrality } from './central.ts';
import { enrich } from './enrich.ts';
import { firstSentence } from './first-sentence.ts';
import { furtherSentences } from './further-sentences.ts';
import { genderOf, LOOSE } from './lexicon.ts';
import { mend } from './mend.ts';
import { type Reading, readCaption } from './read-caption.ts';
import type { Said } from './said.ts';
import { sentence } from './wording.ts';

/** Words after which nothing more is added. */
const ENOUGH = 60;

/**
 * What all of an image's captions say together, in several sentences without repetition: the richest of the central captions, then
 * what each other one adds to it; what things are like stands at their first mention. Where captions contradict each other
 * (numbers, colours, man or woman) the majority is right, and otherwise nothing is said. Undefined where no caption has words.
 */
export function descriptiveCaption(
  captions: readonly string[],
  parser: SceneGraphParser,
): string | undefined {
  const readings = captions.flatMap((text) => readCaption(text, parser) ?? []);
  if (readings.length === 0) {
    const words = captions.map(mend).find((one) => one.length > 0);
    return words && sentence(words);
  }
  const facts = agreed(readings);
  const [main, ...others] = ranked(readings, facts);
  const said: Said = { facts, main, name: nameOf(main, facts), sentences: [], nouns: [], verbs: [] };
  firstSentence(said);
  for (const reading of others) if (length(said) < ENOUGH) furtherSentences(reading, said);
  const sentences = arrange(said);
  enrich(sentences, said, readings);
  return sentences.map(sentence).join(' ');
}

/** "person" gives way to "man" where most say so. */
const nameOf = ({ head, plural, joined }: Reading, { subject, isSubject }: Agreed): string =>
  !joined && genderOf(head) === 'person' && isSubject(head, plural) && genderOf(subject) ? subject : head;

const length = ({ sentences }: Said): number =>
  sentences.reduce((sum, { subject, predicate }) => sum + subject.length + predicate.length, 0);

/** The richest of the central ones first, those that most contradict the others last. */
function ranked(readings: readonly Reading[], facts: Agreed): Reading[] {
  const central = centrality(readings);
  const score = ({ graph, adjectives, phrases, head, plural, count }: Reading, i: number): number => {
    const wrong = adjectives.filter(([noun, adjective]) => !facts.isRight(noun, adjective)).length;
    const clauses = phrases.filter(({ kind }) => kind === 'clause').length;
    const isOther =
      LOOSE.test(head) || !facts.isSubject(head, plural) || (count !== undefined && count !== facts.count);
    const isBare = !phrases.some(({ kind }) => kind === 'finite' || kind === 'active');
    const richness = 0.04 * Math.min(10, tuplesOf(graph).length) + (head === facts.subject ? 0.1 : 0);
    return central[i] + richness - 0.3 * wrong - 0.15 * clauses - (isOther ? 0.5 : 0) - (isBare ? 0.2 : 0);
  };
  const scores = new Map(readings.map((reading, i) => [reading, score(reading, i)]));
  return readings.toSorted((a, b) => scores.get(b)! - scores.get(a)!);
}
