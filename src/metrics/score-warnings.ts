/** What a reader of caption scores should be told about the captions that were scored. */
import type { CaptionItem } from './item.ts';

/** Scripts that put no space between words, where our tokens are whole runs of them. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const LETTER = /\p{L}/gu;
const LATIN = /\p{Script=Latin}/gu;
/** Metrics that know English alone: stems, synonyms, function words. */
const ENGLISH = ['METEOR', 'SPICE'];
const CIDERS = ['CIDEr', 'CIDEr-D'];

export function scoreWarnings(items: readonly CaptionItem[], metrics: readonly string[]): string[] {
  const warnings: string[] = [];
  const several = (count: number, what: string, where: string) =>
    `${count} of ${items.length} ${what} ${where}`;
  const among = (names: readonly string[]) => names.filter((name) => metrics.includes(name));

  const ciders = among(CIDERS);
  if (items.length === 1 && ciders.length > 0)
    warnings.push(
      `${ciders.join(' and ')} of a single image ${ciders.length > 1 ? 'are' : 'is'} 0 by definition: every word occurs in all images.`,
    );
  const empty = items.filter(({ candidate }) => candidate.length === 0).length;
  if (empty > 0) warnings.push(`${several(empty, 'captions', 'have no words')}; they score 0.`);
  const bare = items.filter(({ references }) => references.some((words) => words.length === 0)).length;
  if (bare > 0) warnings.push(`${several(bare, 'images', 'have a reference without words')}.`);

  const texts = items.map(({ candidateText, referenceTexts }) =>
    [candidateText, ...referenceTexts].join(' '),
  );
  const unspaced = texts.filter((text) => UNSPACED.test(text)).length;
  if (unspaced > 0)
    warnings.push(
      `${several(unspaced, 'images', 'have captions in a script without spaces between words')}: there a whole run counts as one word. Split the words first and use tokenised input.`,
    );
  const english = among(ENGLISH);
  const foreign = texts.filter(
    (text) => 2 * (text.match(LATIN)?.length ?? 0) < (text.match(LETTER)?.length ?? 0),
  ).length;
  if (foreign > 0 && english.length > 0)
    warnings.push(
      `${several(foreign, 'images', 'have captions in another script than Latin')}: ${english.join(' and ')} ${english.length > 1 ? 'know' : 'knows'} English alone.`,
    );
  return warnings;
}
