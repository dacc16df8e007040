import type { HygieneRule } from './rule.ts';

/** Marks without width and control characters; white space among the latter is told apart below. */
const INVISIBLE = /[\u00ad\u200b\u2060\ufeff]|(?!\s)\p{Cc}/gu;
/** Joiners make letters of many scripts, and emoji; anywhere else nobody sees them. */
const IDLE_JOINERS = /(?<=^|[\p{Script=Latin}\p{N}\p{P}\s])[\u200c\u200d]+/gu;
/** As in tokenised captions, "a dog , a cat ." and "the man 's hat". */
const SPACE_BEFORE_MARK = / (?=[.,;:!?…]+(?:[\s"'”’)\]]|$))/gu;
const SPACE_BEFORE_ENDING = /(?<=\p{L}) (?=['’]s(?:\s|$))/gu;

export const spaces: HygieneRule = {
  name: 'spaces',
  about: 'mends white space: " a  dog runs ." becomes "a dog runs."',
  mend: (text) =>
    text
      .replace(INVISIBLE, '')
      .replace(IDLE_JOINERS, '')
      .replace(/\s+/gu, ' ')
      .trim()
      .replace(SPACE_BEFORE_MARK, '')
      .replace(SPACE_BEFORE_ENDING, '')
      .replace(/\( (?=\S)/g, '(')
      .replace(/(?<=\S) \)/g, ')'),
};

export const empty: HygieneRule = {
  name: 'empty',
  about: 'refuses what has neither words nor pictograms: "..."',
  mend: (text) => (/[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(text) ? text : ''),
};
