/** Whether a judge finds a picture faithful to its prompt, read from what it says (papers.md A4). */
import { tryJson } from '../data/lines.ts';

export type Verdict = 'correct' | 'incorrect';

const WORD = /(?:\b(in)correct|(\bnot|n['’]t)[^\S\n]+(?:\w+[^\S\n]+){0,2}correct|\bcorrect)\b/gi;
/** Both at once: a question, and no answer to it. */
const EITHER = /\b(?:in)?correct\s+(?:or|nor|and)\s+(?:in)?correct\b/gi;
/** The line that it is asked to end with. */
const LINE = /^(in)?correct$/i;
const THOUGHTS = /<(think(?:ing)?)>[\s\S]*?(?:<\/\1>|$)|^[\s\S]*<\/think(?:ing)?>/g;

const YES = ['correct', 'true', 'yes', 'right', '1'];
const NO = ['incorrect', 'false', 'no', 'wrong', '0'];

/**
 * The verdict in a judge's words. It is asked to end with a line of one word, which counts where there is one; else the last of the two words: judges
 * think aloud before. JSON with `verdict` or `correct` is taken as it is. Undefined where it says neither.
 * @param cut the answer was broken off: what it says on the way is no verdict
 */
export function readVerdict(response: string, cut = false): Verdict | undefined {
  const text = response.replace(THOUGHTS, '');
  const structured = lastJson(text);
  if (structured) return structured.verdict;
  const last = text.trim().split('\n').at(-1)!.replace(/[^a-z]/gi, ''); // biome-ignore format: one line
  const [line, wrong] = LINE.exec(last) ?? [];
  if (line !== undefined) return wrong ? 'incorrect' : 'correct';
  if (cut) return undefined;
  let verdict: Verdict | undefined;
  for (const [, no, not] of text.replace(EITHER, '').matchAll(WORD))
    verdict = no || not ? 'incorrect' : 'correct';
  return verdict;
}

/** What the last JSON object of a text says, where it is about a verdict at all. */
function lastJson(text: string): { verdict?: Verdict } | undefined {
  const objects = text.match(/\{[^{}]*\}/g) ?? [];
  const json = tryJson(objects.at(-1) ?? '') as Record<string, unknown> | undefined;
  const value = json?.verdict ?? json?.correct;
  if (value === undefined) return undefined;
  const word = `${value}`.trim().toLowerCase();
  if (YES.includes(word)) return { verdict: 'correct' };
  return NO.includes(word) ? { verdict: 'incorrect' } : {};
}
