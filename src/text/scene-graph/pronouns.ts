/** Puts nouns of earlier sentences in the place of pronouns, so that each sentence can be read alone. */
import type { Token } from './token.ts';

/** What an earlier sentence spoke of. */
export interface Antecedent {
  /** Its words. */
  text: string;
  plural: boolean;
}

const MALE = new Set(
  'man men boy boys guy guys male gentleman father dad groom son brother husband king'.split(' '),
);
const FEMALE = new Set(
  'woman women girl girls lady ladies female mother mom bride daughter sister wife queen'.split(' '),
);
const PEOPLE = new Set(
  `person people child children kid kids baby adult adults couple crowd family player players skier surfer rider driver
  worker snowboarder skateboarder skater batter catcher pitcher umpire chef officer soldier student tourist cyclist`.split(
    /\s+/,
  ),
);

type Kind = 'he' | 'she' | 'it' | 'they';
const PERSONAL: Record<string, Kind> = {
  he: 'he',
  him: 'he',
  she: 'she',
  her: 'she',
  it: 'it',
  they: 'they',
  them: 'they',
};
const POSSESSIVE: Record<string, Kind> = { his: 'he', her: 'she', its: 'it', their: 'they' };

/** @param antecedents of earlier sentences, the likeliest first. */
export function resolvePronouns(tokens: readonly Token[], antecedents: readonly Antecedent[]): Token[] {
  return tokens.flatMap((token, i) => {
    const possessive = POSSESSIVE[token.text] !== undefined && startsNoun(tokens[i + 1]);
    const kind = possessive ? POSSESSIVE[token.text] : PERSONAL[token.text];
    if (kind === undefined || isDummy(tokens, i)) return [token];
    const own = tokens.slice(0, i).filter(isNoun).map(antecedentOf);
    if (own.some((noun) => fits(kind, noun))) return [token]; // it speaks of its own sentence
    const found = antecedents.find((noun) => fits(kind, noun));
    if (found === undefined) return [token];
    const words = found.text.split(' ').map((text): Token => ({ text, tag: 'NOUN', lemma: text }));
    const noun: Token[] = [{ text: 'the', tag: 'DET', lemma: 'the' }, ...words];
    return possessive ? [...noun, { text: "'s", tag: 'PART', lemma: "'s" }] : noun;
  });
}

function startsNoun(token: Token | undefined): boolean {
  return token !== undefined && ['NOUN', 'PROPN', 'ADJ', 'NUM'].includes(token.tag);
}

const isNoun = ({ tag }: Token): boolean => tag === 'NOUN' || tag === 'PROPN';

/** A noun is taken for plural when its lemma says so; "people" has none. */
export function antecedentOf({ text, lemma }: Pick<Token, 'text' | 'lemma'>): Antecedent {
  return {
    text,
    plural: text === 'people' || (text !== lemma && text.endsWith('s')) || /men$|children$/.test(text),
  };
}

/** "It is raining", "it looks like": nothing is meant. */
function isDummy(tokens: readonly Token[], i: number): boolean {
  const [next, after] = [tokens[i + 1]?.text, tokens[i + 2]?.text ?? ''];
  if (tokens[i].text !== 'it') return false;
  return next === 'looks' || next === 'seems' || next === 'appears' || (next === 'is' && /^(?:rain|snow|day|night|dark|sunny)/.test(after)); // biome-ignore format: one line
}

function fits(kind: Kind, { text, plural }: Antecedent): boolean {
  const head = text.split(' ').at(-1)!;
  const person = MALE.has(head) || FEMALE.has(head) || PEOPLE.has(head);
  if (kind === 'they') return plural || PEOPLE.has(head);
  if (plural) return false;
  if (kind === 'it') return !person;
  return person && !(kind === 'he' ? FEMALE : MALE).has(head);
}
