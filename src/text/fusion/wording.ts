import { AUXILIARIES, COLOURS, DETERMINERS, isPlural, PREPOSITIONS } from './lexicon.ts';
import type { Reading } from './read-caption.ts';

const MASS =
  /^(?:water|grass|sand|snow|sky|clothing|food|seaweed|traffic|beer|ice|mud|dirt|air|hair|furniture|tennis|soccer|hockey|lacrosse|basketball|football|baseball|volleyball)$/;

/** "an" before a vowel that is spoken as one. */
export const article = (next: string): string =>
  /^(?:[aeio]|u(?!ni|se|s[^aeiou]?e|ten))/i.test(next) ? 'an' : 'a';

/** A subject as a noun phrase: "woman" becomes "a woman". */
export function withArticle(
  words: readonly string[],
  { head, plural }: Pick<Reading, 'head' | 'plural'>,
): string[] {
  if (/^(?:group|couple|bunch|crowd|pair|number|team)$/.test(words[0]) && words[1] === 'of')
    return ['a', ...words];
  if (DETERMINERS.has(words[0]) || plural || isPlural(head) || MASS.test(head) || /one$|body$/.test(head) || !words.includes(head)) return [...words]; // biome-ignore format: one line
  return [article(words[0]), ...words];
}

/** Many that are spoken of as one. */
export const isCollective = (noun: string): boolean =>
  /^(?:family|team|crowd|group|couple|class|band)$/.test(noun);

export const isOrAre = (noun: string, plural: boolean): 'is' | 'are' =>
  plural && !isCollective(noun) ? 'are' : 'is';

/** Where the noun phrase that ends at a noun begins: its determiner, or its first word. */
export function startOfNoun(words: readonly string[], at: number, least: number): number {
  let start = at;
  while (start > least && at - start < 6) {
    const before = words[start - 1].toLowerCase();
    const joins = before === 'and' && COLOURS.has(words[start - 2]?.toLowerCase());
    if (!joins && (PREPOSITIONS.has(before) || AUXILIARIES.has(before) || /^(?:and|or|of|,|;|than)$/.test(before))) break; // biome-ignore format: one line
    start--;
    if (DETERMINERS.has(before)) break;
  }
  return start;
}

/** Joins words to a sentence: commas, "a" or "an", a capital, a full stop. */
export function sentence(words: readonly string[]): string {
  const agreed = words.map((word, i) => (/^an?$/.test(word) && words[i + 1] ? article(words[i + 1]) : word));
  const text = agreed.join(' ').replace(/ ([,;:])/g, '$1');
  return `${text[0].toUpperCase()}${text.slice(1)}.`;
}
