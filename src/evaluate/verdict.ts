/** Whether a judge finds a picture faithful to its prompt, read from what it says (papers.md A4). */
import { tryJson } from '../data/lines.ts';

export type Verdict = 'correct' | 'incorrect';

const WORD = /(?:\b(in)correct|(\bnot|n['’]t)\s+(?:\w+\s+){0,2}correct|\bcorrect)\b/gi;

/**
 * The verdict in a judge's words. It is asked to end with one of two words, so the last of them counts: judges think aloud before. A JSON
 * answer with `verdict` or `correct` is taken as it is. Undefined where it never says either.
 */
export function readVerdict(response: string): Verdict | undefined {
  const structured = fromJson(response);
  if (structured) return structured;
  let last: Verdict | undefined;
  for (const [, wrong, not] of response.matchAll(WORD)) last = wrong || not ? 'incorrect' : 'correct';
  return last;
}

function fromJson(response: string): Verdict | undefined {
  const text = response.trim().replace(/^```(?:json)?\s*|\s*```$/g, '');
  if (!text.startsWith('{')) return undefined;
  const { verdict, correct } = (tryJson(text) ?? {}) as { verdict?: unknown; correct?: unknown };
  if (typeof correct === 'boolean') return correct ? 'correct' : 'incorrect';
  if (typeof verdict !== 'string') return undefined;
  const word = verdict.trim().toLowerCase();
  return word === 'correct' || word === 'incorrect' ? word : undefined;
}
