/** What a vision-language model answered, read as a caption. */
import { tryJson } from '../../data/lines.ts';

/** Content of a message as servers give it: a text, or parts of one. */
interface Message {
  content?: unknown;
}

/** The caption in an answer, in JSON or not, without what a model thought aloud; empty where there is none. */
export function captionIn({ content }: Message): string {
  const text = textOf(content)
    .replace(/<(think(?:ing)?)>[\s\S]*?(?:<\/\1>|$)/g, '')
    .replace(/^[\s\S]*<\/think(?:ing)?>/, '') // some servers swallow where it began
    .trim();
  const inner = /^```[a-z]*\s*([\s\S]*?)\s*(?:```|$)/.exec(text)?.[1] ?? text;
  if (!inner.startsWith('{')) return unquoted(inner);
  const json = tryJson(inner) as Record<string, unknown> | undefined;
  if (typeof json?.caption === 'string') return json.caption.trim();
  const texts = Object.values(json ?? {}).filter((value) => typeof value === 'string');
  return texts.length === 1 ? texts[0].trim() : ''; // half a JSON is no caption
}

/** What is whole of a text that was cut: its sentences; empty where not one was finished. */
export const wholeSentences = (text: string): string =>
  /^[\s\S]*[.!?]["”)]?(?=\s)/.exec(`${text} `)?.[0].trim() ?? '';

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
  /^(?:(?:i['’]?m|i am) )?(?:(?:very|so|truly|really|deeply) )*sorry\b[^a-z]*(?:but |to say |i |we |for |about |if |that |as )/i,
  /^(?:(?:i['’]?m|i am) )?(?:(?:very|so|truly|really|deeply) )*sorry[.!,]*$/i,
  /^(?:my |our )?(?:sincere )?apolog(?:y|ies|i[sz]e)\b/i,
  /^(?:(?:unfortunately|sure|well|no|okay)[,.!]* )?(?:sorry,? (?:but )?)?(?:i|we) (?:can(?:['’]?t|not| not)|am (?:unable|not able|not comfortable)|won['’]t|will not|do not feel|must decline|apologi[sz]e)\b/i,
  /^(?:(?:unfortunately|sure|well|no|okay)[,.!]* )?i['’]?m (?:afraid|unable|not able|not comfortable)\b/i,
  /^as an? (?:ai|artificial|large language|language model|text)\b/i,
  /\b(?:violates?|against) (?:my|our|the|openai['’]s) (?:content |usage )?(?:policy|policies|guidelines)\b/i,
];

/** Models that got no picture, or cannot look at one, say so. */
const BLIND = [
  /\b(?:don['’]?t|do not|can(?:['’]?t|not| not)|unable to) (?:actually )?(?:see|view|access|look at) (?:any |the |an? |your )?(?:attached |uploaded )?(?:images?|pictures?|photos?)\b/i,
  /\bno (?:images?|pictures?|photos?) (?:(?:is|was|has been|appears to be|seems to be) )?(?:attached|provided|uploaded|included|shared)\b/i,
  /\bplease (?:upload|attach|provide|share|send) (?:the|an?|your) (?:image|picture|photo)\b/i,
  /\bdon['’]?t have the (?:ability|capability) to (?:view|see|look at)\b/i,
];

/** Whether a text says that the model will not, or cannot, describe the picture. */
export const isRefusal = (text: string): boolean => says(REFUSALS, text);

/** Whether it says that it has seen no picture. */
export const isBlind = (text: string): boolean => says(BLIND, text);

function says(patterns: readonly RegExp[], text: string): boolean {
  const start = text
    .replace(/[*_#>`]/g, '')
    .trim()
    .slice(0, 300);
  return patterns.some((pattern) => pattern.test(start));
}
