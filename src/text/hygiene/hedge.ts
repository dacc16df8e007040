import { isPlural } from './agreement.ts';
import type { HygieneRule } from './rule.ts';
import { beginLike, outsideQuotes } from './sentences.ts';

const ADVERB =
  '(?:possibly|probably|perhaps|maybe|presumably|apparently|seemingly|(?:most\\s+|very\\s+|quite\\s+)?likely)';
const words = (source: string) => new RegExp(`(?<![\\p{L}\\p{N}'’-])(?:${source})`, 'giu');

/** What goes as a whole, up to the word that follows. */
const PHRASES = [
  `what\\s+(?:(?:appear|seem|look)(?:s|ed)?\\s+(?:to\\s+be|like)|(?:might|may|could)\\s+be|(?:is|are)\\s+${ADVERB})
    \\s+(?!(?:happening|going|taking)\\b)(?=[\\p{L}\\p{N}"“]|$)`,
  '(?:it|this)\\s+(?:appears|seems)\\s+(?:that|as\\s+(?:if|though))\\s+(?=[\\p{L}\\p{N}])',
  'it\\s+is\\s+(?:likely|possible|probable)\\s+that\\s+(?=[\\p{L}\\p{N}])',
  `(?<=^|[.!?]\\s)${ADVERB},\\s+(?=\\p{L})`,
].map((source) => words(source.replace(/\n\s*/, '')));

/** Between commas or in brackets, and at the end after a comma, an adverb goes with its marks. */
const SET_OFF = new RegExp(
  `\\s?,\\s?${ADVERB}(?:\\s?,(?=\\s)|\\s?(?=[.!?])|$)|\\s?\\(${ADVERB}\\)(?![\\p{L}\\p{N}])`,
  'giu',
);
/** Not where the word is compared or is the predicate. */
const BARE = words(
  `(?<!\\b(?:as|more|less|than|so|how|not|equally|too)\\s)${ADVERB}\\s+(?!(?:to|that|than|as)\\b)(?=[\\p{L}\\p{N}"“(]|$)`,
);

const LIKELY_TO_BE = words('(is|are|was|were)\\s+(?:most\\s+|very\\s+|quite\\s+)?likely\\s+to\\s+be(?=\\s)');
const NOT_SEEM = words('(does|do)\\s+(not)\\s+(?:appear|seem)\\s+to\\s+be(?=\\s)');
const SUBJECT = '(?<=[\\p{L}\\p{N}"”’,)_]\\s)';
/** After the words that are excluded, "appear" is an infinitive, "look" a noun, or a form of "be" would not do. */
const SEEMS = words(
  `${SUBJECT}(?<!\\b(?:to|can|could|may|might|must|would|will|should|do|does|did|not|n['’]t|an?|the|his|her|their|I|is|are|was|were)\\s)
    (appear|seem|look)(s|ed)?\\s+to\\s+be(?=\\s)`.replace(/\n\s*/, ''),
);
const MIGHT_BE = words(
  `${SUBJECT}(?:might|may|could)(\\s+not)?\\s+be(?=\\s+(?!expected\\b)[\\p{L}\\p{N}"“])`,
);

/** Most captions have none of these, and are done. */
const ANY = /appear|seem|look|might|may|could|likely|possib|probabl|perhaps|presumably/iu;

export const hedge: HygieneRule = {
  name: 'hedge',
  about:
    'says plainly what was seen: "a man who appears to be running, possibly in a park" becomes "a man who is running, in a park"',
  mend: (text) => (ANY.test(text) ? outsideQuotes(text, plainly) : text),
};

function plainly(text: string): string {
  let said = text;
  for (const phrase of PHRASES) said = without(said, phrase);
  said = without(said.replace(SET_OFF, ''), BARE, keepsArticle);
  return said
    .replace(LIKELY_TO_BE, '$1')
    .replace(NOT_SEEM, (_, verb: string, not: string) => `${verb.length === 4 ? 'is' : 'are'} ${not}`)
    .replace(SEEMS, (phrase, _verb, ending: string | undefined, at: number, whole: string) => {
      if (ending?.toLowerCase() !== 'ed') return inCaseOf(phrase, ending === undefined ? 'are' : 'is');
      const plural = isPlural(whole, at, at + phrase.length);
      return plural === undefined ? phrase : inCaseOf(phrase, plural ? 'were' : 'was');
    })
    .replace(MIGHT_BE, (phrase, not: string | undefined, at: number, whole: string) => {
      const plural = isPlural(whole, at, at + phrase.length);
      return plural === undefined ? phrase : inCaseOf(phrase, plural ? 'are' : 'is') + (not ?? '');
    });
}

/** The text without the phrases, and with a capital where a phrase had one. */
function without(
  text: string,
  phrase: RegExp,
  mayGo = (_text: string, _at: number, _end: number) => true,
): string {
  let said = '';
  let end = 0;
  let gone = '';
  for (const { 0: found, index } of text.matchAll(phrase)) {
    if (!mayGo(text, index, index + found.length)) continue;
    said += beginLike(text.slice(end, index), gone);
    end = index + found.length;
    gone = found;
  }
  return end === 0 ? text : said + beginLike(text.slice(end), gone);
}

/** "a likely owner" would need another article. */
function keepsArticle(text: string, at: number, end: number): boolean {
  const article = /(?<![\p{L}\p{N}])(an?)\s$/iu.exec(text.slice(Math.max(0, at - 4), at))?.[1];
  return article === undefined || /[aeiou]/i.test(text[end] ?? '') === article.length > 1;
}

const inCaseOf = (phrase: string, word: string) =>
  phrase === phrase.toUpperCase() ? word.toUpperCase() : word;
