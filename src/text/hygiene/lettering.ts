import type { HygieneRule } from './rule.ts';
import { maskQuotes, splitSentences, trimDangling } from './sentences.ts';

const PICTURE = 'the (?:image|photo(?:graph)?|picture)';
const SIDE =
  '(?:far|bottom|lower|upper|top|left|right|left-hand|right-hand|corner|edge|side|cent(?:er|re)|middle|margin|border|part)';
const AT = '(?:in|at|on|near|along|across|over|within)';
const OF_PICTURE = `(?:${AT} (?:the (?:${SIDE}[ -]){1,5}of )?${PICTURE}|(?:overlaid|superimposed)(?: (?:on|over|across|onto) ${PICTURE})?)`;
const CORNER = `${AT} the (?:${SIDE}[ -]){0,4}corner(?! of)`;
/** What bears marks itself: a corner may be its own. */
const BEARERS =
  /(?:note|bill|che(?:ck|que)|paper|letter|card|page|book|document|contract|certificate|licen[cs]e|passport|(?<!(?:date|time)[ -]?)stamp|poster|print|painting|drawing|sketch|canvas|(?<!\p{L})art(?:work)?|mural|cartoon|comic|album|jersey|ball|screen|monitor|camera|phone|television|display|photo(?:graph)?|picture|watch|clock|sign)s?(?!\p{L})/iu;

const AGENCY =
  '(?:getty images|shutterstock|istock(?:photo)?|alamy|dreamstime|depositphotos|adobe stock|123rf)';
const ADJECTIVES = "(?:(?!(?:and|or|an?|the|in|on|of|with|by|his|her|their|\\p{L}+ing) )[\\p{L}'’-]+ ){0,3}?";
const MARK = `(?:(?:${AGENCY} )?watermarks?|${AGENCY}(?: logo| credit)?|copyright(?: (?:line|notice|text|symbol|mark|information))?|
  signatures?(?: of the (?:artist|photographer|painter|author))?|(?:date|time|date and time)[ -]?stamps?)`;
const A_MARK = `(?:(?:an?|the|some|two|no) )?${ADJECTIVES}${MARK}(?: (?:and|or) (?:an? )?${MARK})?`;
const SEEN =
  '(?: (?:visible|seen|present|located|placed|positioned|written|printed|faintly|clearly|partially|barely)){0,3}';
const IS_SEEN = `(?: (?:is|are|appears|can be))?${SEEN}`;
const THERE = "(?:there (?:is|are) |there['’]s |the image (?:also )?(?:has|contains|includes) )(?:also )?";
const pattern = (source: string) => new RegExp(source.replace(/\n\s*/g, ''), 'iu');

/** What was put onto a picture, or what models believe to have been: as a clause of a sentence, and as a sentence. */
const claimsAt = (place: string) => ({
  clause: pattern(
    `(?:(?:,? (?:and|with|featuring|including|along with|plus|bearing) |, )${A_MARK}${SEEN}|, (?:and|while) (?:${THERE})?${A_MARK}${IS_SEEN})
    (?: ${place}|(?<=${AGENCY} watermarks?))(?=\\s?[.,;!?]|\\s*$|\\sand\\s(?:an?|two|three|several|some)\\s)`,
  ),
  sentence: pattern(
    `^(?:(?:${THERE})?${A_MARK}${IS_SEEN} ${place}|${place},? (?:${THERE})?${A_MARK}${IS_SEEN})[.!]*\\s*$`,
  ),
});
const ON_PICTURE = claimsAt(OF_PICTURE);
const ANYWHERE = claimsAt(`(?:${OF_PICTURE}|${CORNER})`);

/** "There is text in the image", and text that cannot be read. */
const TEXT =
  '(?:(?:some|a|an|any|no|the|small|little|visible|additional|lines?|of|other) ){0,5}(?:text|lettering|letters|writing|words|inscriptions?)';
const SAYS_NOTHING = pattern(
  `^(?:${THERE}${TEXT}${SEEN} ${OF_PICTURE}|
  (?:${THERE})?${TEXT}(?: [\\p{L}'’-]+){0,8}?(?:,? but (?:it|they))? (?:is|are|that is|that are) (?:mostly |largely )?(?:illegible|unreadable|
  not (?:\\p{L}+ )?(?:legible|readable|visible|clear)|too (?:small|blurry|blurred|faint)|(?:cannot|can['’]t|can not) be)
  (?: to (?:be )?(?:read|made out|make out))?)[.!]*\\s*$`,
);
/** Text that can be read is content. */
const IS_READ = /(?<!\b(?:to|be) )\b(?:reads?|reading|say(?:s|ing)?|spell(?:s|ing)?|stat(?:es|ing))\b/i;

export const lettering: HygieneRule = {
  name: 'lettering',
  about:
    'drops watermarks, signatures and unread text, not what signs say: "A pier at dusk, with a watermark in the corner." becomes "A pier at dusk."',
  mend(text) {
    const claims = BEARERS.test(text) ? ON_PICTURE : ANYWHERE;
    const kept = splitSentences(text).map((sentence) => {
      const masked = maskQuotes(sentence);
      if (IS_READ.test(masked)) return sentence;
      if (claims.sentence.test(masked) || SAYS_NOTHING.test(masked)) return '';
      return withoutClause(sentence, claims.clause.exec(masked));
    });
    const said = kept.join('');
    return said === text || said.trim() === '' ? text : said.trim();
  },
};

function withoutClause(sentence: string, clause: RegExpExecArray | null): string {
  const before = sentence.slice(0, clause?.index).trim();
  if (clause === null || !/\s/.test(before) || /^(?:in|at|on|near|along|across|over)\s/i.test(before))
    return sentence;
  return trimDangling(before) + sentence.slice(clause.index + clause[0].length);
}
