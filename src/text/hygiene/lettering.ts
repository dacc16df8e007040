import type { HygieneRule } from './rule.ts';
import { maskQuotes, splitSentences, trimDangling } from './sentences.ts';

const PLACE = '(?:corner|edge|bottom|top|side|image|photo(?:graph)?|picture|painting|margin|border)';
/** What was put onto a picture, or what models believe to have been. Words in quotes are masked: a sign may say any of these. */
const CLAIM = new RegExp(
  `(?<![\\p{L}\\p{N}])(?:watermarks?|copyright(?:ed)?|©|(?:date|time)[ -]?stamp|
  (?:artist|photographer|painter|author|creator|illustrator)(?:['’]?s['’]?)? (?:\\w+ )?(?:signature|credit)|
  signature of the (?:artist|photographer|painter|author)|
  signature (?:\\w+ ){0,3}(?:in|at|near|on|along) the (?:\\w+[ -]){0,3}${PLACE}|
  signed (?:by the (?:artist|photographer|painter)|in the (?:\\w+[ -]){0,3}corner)|
  (?:logo|text|lettering|name) (?:\\w+ ){0,2}(?:overlay|overlaid|superimposed)|overlaid (?:\\w+ )?(?:logo|text|lettering))
  (?![\\p{L}\\p{N}])`.replace(/\n\s*/g, ''),
  'giu',
);
/** Whose watermark it is; no sign in the street says this. */
const AGENCY =
  /\b(?:getty images|shutterstock|istock(?:photo)?|alamy|dreamstime|depositphotos|adobe stock|123rf)\b/iu;

/** "There is text in the image", and text that cannot be read. Where it is quoted, it is content. */
const TEXT = '(?:text|lettering|letters|writing|words|inscriptions?)';
const SUBJECT = `(?:there(?: is|['’]s| are)|the image (?:also )?(?:has|contains|includes))`;
const SOME = '(?:(?:also|some|a|an|any|no|the|small|little|visible|additional|line|lines|of|other) ){0,5}';
const SAYS_NOTHING = new RegExp(
  `^\\s?(?:${SUBJECT} ${SOME}${TEXT}(?: (?:visible|present|overlaid|written))?(?: (?:in|on|at|within) the (?:\\w+ ){0,3}${PLACE}.{0,60})?|
  (?:${SUBJECT} )?${SOME}${TEXT} .{0,60}(?:illegible|unreadable|not (?:\\w+ )?(?:legible|readable|visible|clear)|
  too (?:small|blurry|blurred|faint)|(?:cannot|can['’]t|can not) be (?:read|made out)).{0,30})\\s?[.!]*\\s*$`.replace(
    /\n\s*/g,
    '',
  ),
  'iu',
);

/** What a clause that can go begins with, and what ends it. */
const BEGINS = /,?\s(?:and|with|featuring|including|along with|while|plus|bearing)\s|,\s/giu;
const ENDS = /[,;]|\sand\s(?=(?:an?|two|three|several|some)\s)/giu;
const ASIDE = /\s?\([^()]{1,200}\)(?![\p{L}\p{N}])/gu;
const MOST_WORDS_BETWEEN = 8;

export const lettering: HygieneRule = {
  name: 'lettering',
  about:
    'drops watermarks, signatures and unread text, not what signs say: "A pier at dusk, with a watermark in the corner." becomes "A pier at dusk."',
  mend(text) {
    const sentences = splitSentences(text);
    const kept = sentences.map(withoutClaims);
    if (kept.every((sentence, i) => sentence === sentences[i])) return text;
    return kept.join('').trim();
  },
};

function withoutClaims(whole: string): string {
  const sentence = whole.replace(ASIDE, (aside) => (aside.search(CLAIM) < 0 ? aside : ''));
  const masked = maskQuotes(sentence);
  if (!masked.includes('__') && SAYS_NOTHING.test(sentence)) return '';
  const claim = firstClaim(masked, sentence);
  if (claim === undefined) return sentence;
  const begin = [...masked.slice(0, claim.start).matchAll(BEGINS)].findLast(
    ({ 0: mark, index }) =>
      masked.slice(index + mark.length, claim.start).split(' ').length <= MOST_WORDS_BETWEEN,
  );
  const before = begin && masked.slice(0, begin.index);
  if (begin === undefined || !standsAlone(before!)) return '';
  ENDS.lastIndex = claim.end;
  const end = ENDS.exec(masked)?.index ?? closingOf(masked);
  return trimDangling(sentence.slice(0, begin.index)) + sentence.slice(end);
}

function firstClaim(masked: string, sentence: string): { start: number; end: number } | undefined {
  CLAIM.lastIndex = 0;
  const found = CLAIM.exec(masked) ?? AGENCY.exec(sentence);
  return found ? { start: found.index, end: found.index + found[0].length } : undefined;
}

/** Whether what precedes a claim says something by itself: more than a place, or that there is text. */
function standsAlone(before: string): boolean {
  const said = before.trim();
  if (/^(?:in|at|on|near|along|across|over|there (?:is|are) (?:no|some|any|text))\s/iu.test(`${said} `))
    return false;
  return said.split(/\s+/).length >= 2;
}

/** Where the marks at the end of a sentence begin. */
function closingOf(sentence: string): number {
  return (
    sentence.length - /(?<![.!?…。！？"'”’)\]」』\s])[.!?…。！？"'”’)\]」』\s]*$/u.exec(sentence)![0].length
  );
}
