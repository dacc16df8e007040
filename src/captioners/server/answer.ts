/** What a vision-language model answered, read as a caption. */
import { tryJson } from '../../data/lines.ts';

/** Content of a message as servers give it: a text, or parts of one. */
interface Message {
  content?: unknown;
}

/** The caption in an answer, without what a model thought aloud; empty where there is none. @param structured it was asked for JSON */
export function captionIn({ content }: Message, structured: boolean): string {
  const text = textOf(content)
    .replace(/<think>[\s\S]*?(?:<\/think>|$)/g, '')
    .trim();
  if (!structured && !/^```|^\{/.test(text)) return unquoted(text);
  const json = tryJson(text.replace(/^```(?:json)?\s*|\s*```$/g, '')) as { caption?: unknown } | undefined;
  if (typeof json?.caption === 'string') return json.caption.trim();
  return structured ? '' : text;
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part) => (typeof part?.text === 'string' ? part.text : '')).join('');
}

/** Models like to quote what they were asked to write. */
function unquoted(text: string): string {
  const [, inner] = /^["“]([^"“”]*)["”]$/.exec(text) ?? [];
  return (inner ?? text).trim();
}

const REFUSALS = [
  /^(?:i['’]m |i am )?(?:very |so |truly )?sorry\b/i,
  /^(?:unfortunately,? )?i (?:can(?:['’]t|not| not)|am unable|['’]?m unable|am not able|['’]m not able|won['’]t|will not|do not feel|must decline)\b/i,
  /^i['’]m (?:unable|not able|not comfortable)\b/i,
  /^as an (?:ai|artificial|large language)\b/i,
  /^i (?:apologi[sz]e)\b/i,
  /\b(?:violates?|against) (?:my|our|the|openai['’]s) (?:content |usage )?(?:policy|policies|guidelines)\b/i,
];

/** Whether a text says that the model will not, or cannot, describe the picture. */
export const isRefusal = (text: string): boolean => {
  const start = text.trim().slice(0, 300);
  return REFUSALS.some((pattern) => pattern.test(start));
};
