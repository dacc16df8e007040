/** A caption as objects, attributes and the words between them. */
import { Role } from './roles.ts';
import type { Token } from './token.ts';
import { baseForm, isVerb, type Verbs } from './verbs.ts';

/** A place where the text names an object. */
export interface Mention {
  /** First token, and the one after the last. */
  start: number;
  end: number;
  /** Index among the phrases. */
  at: number;
  text: string;
  /** Lemma and tag of the last word. */
  head: string;
  tag: string;
}

export interface AttributePhrase {
  start: number;
  end: number;
  at: number;
  text: string;
  tag: string;
}

export type Phrase =
  | { kind: 'object'; mention: Mention }
  | { kind: 'attribute'; attribute: AttributePhrase }
  /** `text` is the base form; a silent word says nothing about relations. */
  | { kind: 'word'; text: string; verb: boolean; silent: boolean };

export interface Phrases {
  sequence: Phrase[];
  mentions: Mention[];
  attributes: AttributePhrase[];
}

const SILENT = new Set(
  'a an the some this that these those several very it there both all any each'.split(' '),
);
const POSSESSIVE = new Set(['his', 'her', 'its', 'their']);

export function phrasesOf(tokens: readonly Token[], roles: readonly Role[], verbs: Verbs): Phrases {
  const sequence: Phrase[] = [];
  const mentions: Mention[] = [];
  const attributes: AttributePhrase[] = [];
  for (let i = 0; i < tokens.length; ) {
    const role = roles[i];
    const start = i++;
    if (role === Role.other) {
      sequence.push(word(tokens[start], verbs));
      continue;
    }
    const goesOn = role <= Role.objectGoesOn ? Role.objectGoesOn : Role.attributeGoesOn;
    while (roles[i] === goesOn) i++;
    const text = tokens.slice(start, i).map((token) => token.text).join(' '); // biome-ignore format: one line
    const span = { start, end: i, at: sequence.length, text };
    if (goesOn === Role.objectGoesOn) {
      const mention = { ...span, head: tokens[i - 1].lemma, tag: tokens[i - 1].tag };
      mentions.push(mention);
      sequence.push({ kind: 'object', mention });
    } else {
      const attribute = { ...span, tag: tokens[start].tag };
      attributes.push(attribute);
      sequence.push({ kind: 'attribute', attribute });
    }
  }
  return { sequence, mentions, attributes };
}

function word(token: Token, verbs: Verbs): Phrase {
  if (POSSESSIVE.has(token.text)) return { kind: 'word', text: 'POSSESSIVE', verb: false, silent: false };
  const text = baseForm(token, verbs);
  return { kind: 'word', text, verb: isVerb(text, token, verbs), silent: SILENT.has(token.text) };
}

/** How a neighbour looks to a decision: its word, or what it is. */
export function outline(phrase: Phrase | undefined): string {
  if (phrase === undefined) return '#';
  if (phrase.kind === 'object') return 'N';
  if (phrase.kind === 'attribute') return 'A';
  return phrase.silent ? 'D' : phrase.text;
}
