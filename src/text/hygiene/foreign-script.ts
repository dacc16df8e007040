import type { HygieneRule } from './rule.ts';
import { outsideQuotes } from './sentences.ts';

const LETTERS = /\p{L}/gu;
/** Letters of another script than Latin; those that many scripts share ("ー") are not counted as foreign. */
const FOREIGN = '[\\p{L}--[\\p{Script=Latin}\\p{Script=Common}\\p{Script=Inherited}]]';
const FOREIGN_LETTERS = new RegExp(FOREIGN, 'gv');
/** A run with the spaces before it, the marks within and after it, and the bracket around it. */
const RUN = new RegExp(
  `(?<!\\s)\\s*[\\(（]?${FOREIGN}(?:${FOREIGN}|[\\p{M}\\sー々、。，·]|\\p{Lm})*[\\)）]?`,
  'gv',
);
/** One letter inside a Latin word makes another word when it goes; elsewhere scripts meet without a space. */
const INSIDE_WORD = /[\p{Script=Cyrillic}\p{Script=Greek}]/u;
const LATIN_LETTER = /\p{Script=Latin}/u;

export const foreignScript: HygieneRule = {
  name: 'foreign-script',
  about:
    'drops stray words of another script from a Latin caption, unless quoted: "a red 汽车 car" becomes "a red car"',
  mend(text) {
    const foreign = text.match(FOREIGN_LETTERS)?.length ?? 0;
    if (foreign === 0) return text;
    const latin = text.match(LETTERS)!.length - foreign;
    if (latin <= foreign) return text;
    return outsideQuotes(text, withoutRuns);
  },
};

function withoutRuns(text: string): string {
  return text.replace(RUN, (run, at: number) => {
    const before = text[at - 1] ?? '';
    const after = text[at + run.length] ?? '';
    const isGlued = !/^\s/.test(run) && !/\s$/.test(run);
    if (isGlued && INSIDE_WORD.test(run) && (LATIN_LETTER.test(before) || LATIN_LETTER.test(after)))
      return run;
    return before === '' || after === '' || /[\p{P}\s]/u.test(after) ? '' : ' ';
  });
}
