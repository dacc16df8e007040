import type { HygieneRule } from './rule.ts';
import { DANGLING, maskQuotes } from './sentences.ts';

const LATIN_LETTERS = /\p{Script=Latin}/gu;
/** Letters of another script than Latin; those that many scripts share ("ー") are not counted as foreign. */
const FOREIGN = '[\\p{L}--[\\p{Script=Latin}\\p{Script=Common}\\p{Script=Inherited}]]';
const FOREIGN_LETTERS = new RegExp(FOREIGN, 'gv');
/** A run with the spaces before it, the marks within and after it, and the bracket around it. */
const RUN = new RegExp(
  `(?<!\\s)\\s*[\\(（]?${FOREIGN}(?:${FOREIGN}|[\\p{M}\\sー々、。，·]|\\p{Lm}|[\\-‐](?=${FOREIGN}))*[\\)）]?`,
  'gv',
);
/** Within a Latin word these make another word when they go; elsewhere scripts meet without a space. */
const ALPHABET = /[\p{Script=Cyrillic}\p{Script=Greek}]/u;
/** "10 Ω", "β rays", "ΑΒΓ" over a door. */
const SIGN = /^\P{L}*\p{Script=Greek}{1,3}\P{L}*$/u;
/** A word that announces what follows it: without the run it would dangle. */
const ANNOUNCES =
  /^(?:says?|saying|said|reads?|reading|spells?|text|texts|characters?|letters?|symbols?|words?|writing|written|kanji|name|named|called|titled|labell?ed|sign|logo|brand)$/;
const ARTICLE = /^\s*(?:an?|the|his|her|its|their)\s/iu;

export const foreignScript: HygieneRule = {
  name: 'foreign-script',
  about:
    'drops stray words of another script from a Latin caption, unless quoted or announced: "a red 汽车 car" becomes "a red car"',
  mend(text) {
    const foreign = text.match(FOREIGN_LETTERS)?.length ?? 0;
    if (foreign === 0 || (text.match(LATIN_LETTERS)?.length ?? 0) <= foreign) return text;
    const masked = maskQuotes(text);
    // Where one run belongs to the caption, the others may too
    if ([...masked.matchAll(RUN)].some(({ 0: run, index }) => !isStray(run, index, masked))) return text;
    let kept = '';
    let end = 0;
    for (const { 0: run, index } of masked.matchAll(RUN)) {
      kept += text.slice(end, index);
      end = index + run.length;
      if (index > 0 && end < text.length && !/[\p{P}\s]/u.test(text[end])) kept += ' ';
    }
    return kept + text.slice(end);
  },
};

function isStray(run: string, at: number, text: string): boolean {
  const before = text.slice(Math.max(0, at - 20), at);
  const after = text.slice(at + run.length, at + run.length + 8);
  if (SIGN.test(run) || /[-‐]$/.test(before) || /^[-‐]/.test(after)) return false;
  const isGlued = /\p{Script=Latin}[^\s(（]/u.test(before.slice(-1) + run[0]);
  if (ALPHABET.test(run) && (isGlued || /[^\s)）]\p{Script=Latin}/u.test(run.slice(-1) + after.slice(0, 1))))
    return false;
  if (/[)）]\s*$/.test(run)) return true;
  if (after === '' && /[.!?]["'”’)]*$/.test(before)) return true; // a sentence of its own
  const word = /[\p{L}\p{N}'’]+$/u.exec(before)?.[0].toLowerCase();
  return word !== undefined && !DANGLING.has(word) && !ANNOUNCES.test(word) && !ARTICLE.test(after);
}
