import type { HygieneRule } from './rule.ts';

const NAMES = 'think|thinking|thoughts?|reasoning|reflection|analysis|scratchpad';
const TAG = new RegExp(`<(/?)(?:${NAMES})>|◁(/?)think▷|\\[(/?)THINK\\]`, 'gi');
const REASONING =
  /^[\s*_#]{0,20}(?:reasoning|thinking|thought process|chain of thought|let's think step by step)[*_]{0,3}\s?[:.]/iu;
const ANSWER = /(?<![\p{L}\p{N}])(?:final answer|answer|final caption|caption)[*_]{0,3}\s?:[*_]{0,3}\s?/giu;

export const thinking: HygieneRule = {
  name: 'thinking',
  about: 'drops what a model thought aloud: "<think>A dog?</think>A dog runs." becomes "A dog runs."',
  mend(text) {
    const spoken = withoutTags(text);
    if (!REASONING.test(spoken)) return spoken;
    const answer = [...spoken.matchAll(ANSWER)].at(-1);
    return answer ? spoken.slice(answer.index + answer[0].length).trim() : '';
  },
};

/** Tags need not be in pairs: without an end, everything after is thought; without a start, everything before. */
function withoutTags(text: string): string {
  let spoken: string[] = [];
  let depth = 0;
  let end = 0;
  for (const { 0: tag, index, ...slashes } of text.matchAll(TAG)) {
    const closes = Boolean(slashes[1] || slashes[2] || slashes[3]);
    if (closes && depth === 0) spoken = [];
    else if (depth === 0) spoken.push(text.slice(end, index).trim());
    depth = closes ? Math.max(0, depth - 1) : depth + 1;
    end = index + tag.length;
  }
  if (end === 0) return text;
  if (depth === 0) spoken.push(text.slice(end).trim());
  return spoken.filter((part) => part !== '').join(' ');
}
