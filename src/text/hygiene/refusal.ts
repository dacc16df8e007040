import type { HygieneRule } from './rule.ts';
import { beginLike } from './sentences.ts';

const ABLE =
  "(?:can(?:no|['’])t|can not|could(?:n['’]t| not)|won['’]t|will not|am (?:not able|unable) to|['’]m (?:not able|unable) to)";
const DO =
  '(?:help|assist|see|view|open|access|identify|describe|caption|provide|generate|create|write|determine|process|comply|recogni[sz]e|analy[sz]e|fulfil|tell|make|answer|do|discuss|comment|offer|give|interpret)';

/** How an answer begins that is none. Only what the first person says of itself: signs say sorry too. */
const REFUSALS = [
  /I(?:['’]m| am) (?:very |so |really |truly )?(?:sorry|afraid)(?:\s?[,.!—–-]|,? (?:but|that|for|I|if|to)\b)/,
  /(?:Sorry|Unfortunately|My apologies|Apologies)(?:\s?[,.!—–-])?(?: but)? (?:I|there (?:is|was) no image|no image)\b/,
  /I (?:must |do |sincerely )?apologi[sz]e\b/,
  new RegExp(`(?:Unfortunately, )?I ?${ABLE} (?:\\w+ly )?${DO}\\b`),
  /As an AI(?:,| (?:language|model|assistant|system)\b)/,
  /As an? (?:[\w-]+ ){0,4}(?:model|assistant), I\b/,
  /I(?:['’]m| am) (?:just |only )?an? (?:\w+[ -]){0,3}(?:AI|language model|assistant)\b/,
  /I (?:do not|don['’]t) (?:(?:actually|currently) )?(?:have (?:the (?:ability|capability)|access|enough)|see (?:an|any|the) (?:image|picture|photo)|feel comfortable)\b/,
  /(?:It (?:seems|looks|appears)(?: that| like| as if)? )?(?:(?:there (?:is|was)|I see) )?no (?:image|picture|photo)s? (?:was |is |were |has been )?(?:provided|attached|uploaded|shared|included)\b/,
  /(?:It (?:seems|looks|appears)(?: that| like| as if)? )?you (?:haven['’]t|have not|didn['’]t|did not) (?:provided?|attach(?:ed)?|upload(?:ed)?|shared?|included?)\b/,
  /Please (?:provide|upload|share|attach|send) (?:the|an|your|a|me)\b.{0,30}\b(?:image|picture|photo)\b/,
].map(({ source }) => source);
const REFUSAL = new RegExp(`^[\\s*_]{0,9}(?:${REFUSALS.join('|')})`, 'iu');

/** What is described although something else cannot be: "I can't name the man, but the image shows him in a suit." */
const UNTIL_BUT = new RegExp(
  `^[^.!?]{0,80}\\bI ?${ABLE} (?:\\w+ly )?${DO}\\b[^.!?]{1,160}?,? but
  (?=(?:the|this) (?:image|picture|photo(?:graph)?) (?:shows|depicts|features|displays)\\b|it (?:shows|depicts)\\b|
  I can see (?!no\\b|that (?:there is )?no\\b)|there (?:is|are) (?!no\\b))`
    .replace(/\n\s*/, ' ')
    .replace(/\n\s*/, ''),
  'iu',
);

export const refusal: HygieneRule = {
  name: 'refusal',
  about: 'refuses an answer that is no caption: "I\'m sorry, but I can\'t help with that."',
  mend(text) {
    if (!REFUSAL.test(text)) return text;
    const before = UNTIL_BUT.exec(text)?.[0];
    return before === undefined ? '' : beginLike(text.slice(before.length), before);
  },
};
