/** Which regions of a picture the nouns of its captions speak of (paper B, on the relationship graph). */
import { wordnet } from '../../text/wordnet.ts';

/** Regions that a noun is aligned with at most. */
export const MOST_ALIGNED = 3;

/** Steps that a label may be above a noun: a shortstop is a ball player, an athlete, a contestant, a person. */
const LABEL_ABOVE = 6;
/** Steps that a noun may be above a label, and how far from the top it must be: "animal" may be a dog, "thing" says nothing. */
const NOUN_ABOVE = 4;
const DEPTH = 5;

export interface LabelMatcher {
  /**
   * Labels that a noun may speak of, as their places: those of the same meaning; failing that those that are what the noun is a kind of
   * (person for "man"); failing that those that are a kind of it (dog for "animal"). None for a noun of something else.
   */
  match(noun: string): readonly number[];
}

/** @param labels of regions: nouns, compounds with spaces ("dining table") */
export function labelMatcher(labels: readonly string[]): LabelMatcher {
  const known = new Map<string, readonly number[]>();
  const names = labels.map(nounOf);
  return {
    match(noun) {
      const found = known.get(noun);
      if (found) return found;
      const labels = matching(nounOf(noun), names);
      known.set(noun, labels);
      return labels;
    },
  };
}

interface Noun {
  /** Base forms, WordNet's spelling. */
  forms: readonly string[];
  /** Its usual senses: a bike is a motorcycle or a bicycle. */
  synsets: readonly number[];
  /** Of its first sense: a hand is no hired hand. */
  above: ReadonlyMap<number, number>;
}

/** Plurals that WordNet has as words of their own. */
const PLURALS = new Map([['people', 'person']]);

/** A noun or a compound; of a compound that WordNet does not know, its last word counts: a "tennis player" is a player. */
function nounOf(text: string): Noun {
  const words = text.trim().toLowerCase().split(/\s+/);
  for (let from = 0; from < words.length; from++) {
    const rest = words.slice(from).join(' ');
    const name = PLURALS.get(rest) ?? rest;
    const forms = wordnet().baseForms(name, 'noun');
    if (forms.length === 0) continue;
    const senses = [...wordnet().hypernyms(name)].filter(([, steps]) => steps === 0);
    return { forms, synsets: senses.map(([synset]) => synset), above: wordnet().hypernyms(name, 1) };
  }
  return { forms: [words.join('_')], synsets: [], above: new Map() };
}

function matching(noun: Noun, labels: readonly Noun[]): number[] {
  const where = (holds: (label: Noun) => boolean) =>
    labels.flatMap((label, i) => (label.forms[0] !== '' && holds(label) ? [i] : []));
  const same = where((label) => noun.forms.some((form) => label.forms.includes(form)));
  if (same.length > 0) return same;
  const synonyms = where((label) => label.synsets.some((synset) => noun.synsets.includes(synset)));
  if (synonyms.length > 0) return synonyms;
  const below = where((label) => stepsUp(noun, label) <= LABEL_ABOVE);
  if (below.length > 0) {
    const fewest = Math.min(...below.map((i) => stepsUp(noun, labels[i])));
    return below.filter((i) => stepsUp(noun, labels[i]) === fewest);
  }
  if (depth(noun) < DEPTH) return [];
  const [own] = noun.above.keys();
  return where((label) => stepsUp(label, noun, [own]) <= NOUN_ABOVE);
}

/** Steps from one noun up to another; infinite where the way does not lead there. */
const stepsUp = (from: Noun, to: Noun, senses = to.synsets): number =>
  Math.min(...senses.map((synset) => from.above.get(synset) ?? Number.POSITIVE_INFINITY));

/** Steps to the top. */
const depth = (noun: Noun): number => Math.max(0, ...noun.above.values());

/** A region as far as grounding needs it. */
export interface LabelledRegion {
  label: number;
  score: number;
}

/** The surest regions with one of these labels, `MOST_ALIGNED` at most. */
export function alignedRegions(labels: readonly number[], regions: readonly LabelledRegion[]): number[] {
  return regions
    .flatMap(({ label }, i) => (labels.includes(label) ? [i] : []))
    .sort((a, b) => regions[b].score - regions[a].score || a - b)
    .slice(0, MOST_ALIGNED);
}
