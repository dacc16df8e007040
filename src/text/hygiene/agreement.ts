/** Number of a subject, for the form of "be" that follows it: told only where its words leave no doubt. */

const setOf = (words: string) => new Set(words.split(/\s+/));
const PLURALS = setOf(
  'they these those people men women children we you both police cattle geese mice feet teeth',
);
const SINGULARS = setOf(
  `he she it one someone something everything nothing its lens gas canvas atlas christmas texas kansas dallas vegas athens
  rhinoceros chaos news tennis iris pelvis`,
);
/** Words that are either, that are no noun, or that need another form than "is" and "are". */
const UNTOLD = setOf(
  `i sheep deer fish moose bison aircraft series species rest number lot majority pair none all most half some any more
  also still now then here not always often never too together which that who this menus emus gnus`,
);
const MANY = setOf('two three four five six seven eight nine ten several many few both these those various');
const THE = setOf('the my our your his her its their');
const ONE = setOf('a an one this that each every another');
const PREPOSITIONS = setOf(
  `of in on at with by for from near behind beside between under over inside outside around along across against among to
  into onto through next above below like`,
);
const CONJUNCTION =
  /[.,;:!?()]|(?<!\p{L})(?:while|but|because|as|if|when|where|whose|that|who|which)(?!\p{L})/iu;
const RELATIVE = /[\s,]*(?<!\p{L})(?:which|that|who)\s*$/iu;
const ONE_OF = /^(?:one|each|every|either|neither) of\s/i;
const THERE_ARE = /^\s+(?:two|three|four|five|six|several|some|many|people|multiple)\b/i;
const THERE_IS = /^\s+(?:an?|one|another|someone|something)\s/i;

const LONGEST = 80; // characters

/** Whether the subject before `at` is plural; undefined where that cannot be told. After "there", what stands from `end` on tells. */
export function isPlural(text: string, at: number, end: number): boolean | undefined {
  const before = text.slice(Math.max(0, at - LONGEST), at);
  const antecedent = before.replace(RELATIVE, '');
  const isRelative = antecedent !== before;
  const subject = antecedent.split(CONJUNCTION).at(-1)!.trim();
  if (subject === antecedent.trim() && at > LONGEST) return undefined; // it began before
  if (!isRelative && ONE_OF.test(subject)) return false;
  const words = subject.match(/[\p{L}\p{N}'’-]+/gu) ?? [];
  if (isRelative && /^and$/i.test(words[0] ?? '')) words.shift();
  const folded = words.map((word) => word.toLowerCase());
  if (folded.at(-1) === 'there') {
    const following = text.slice(end, end + 20);
    return THERE_ARE.test(following) ? true : THERE_IS.test(following) ? false : undefined;
  }
  const head = folded.findIndex(leadsOn);
  const last = folded.findLastIndex(leadsOn);
  const plural = isPluralNoun(words.slice(last + 1));
  if (head >= 0 && isPluralNoun(words.slice(0, head)) !== plural) return undefined;
  return plural === false && /\s(?:and|n?or)\s/.test(` ${folded.join(' ')}`) ? undefined : plural;
}

/** "the man in boots", "the man wearing boots" */
const leadsOn = (word: string, i: number, words: string[]) =>
  PREPOSITIONS.has(word) || (word.endsWith('ing') && i < words.length - 1);

/** By the last noun and the last word before it that goes with a number. */
function isPluralNoun(words: string[]): boolean | undefined {
  const folded = words.map((word) => word.toLowerCase());
  const noun = folded.at(-1);
  if (noun === undefined || UNTOLD.has(noun) || /\P{L}|(?:ing|ed|ly)$/u.test(noun)) return undefined;
  const article = folded.findLast((word) => MANY.has(word) || ONE.has(word) || THE.has(word)) ?? '';
  if (PLURALS.has(noun) || MANY.has(article)) return true;
  if (SINGULARS.has(noun) || !noun.endsWith('s') || /(?:ss|us)$/.test(noun)) return false;
  if (ONE.has(article)) return undefined; // a verb is in between: "a man walks dogs that"
  const isName = noun !== words.at(-1) && (words.length > 1 || /[ae]s$/.test(noun)); // "James", "the Beatles"
  return isName || /is$/.test(noun) ? undefined : true;
}
