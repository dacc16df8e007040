/** Which object each attribute belongs to. */
import { type Choice, choose, feature, hash, type Weights } from './log-linear.ts';
import { type AttributePhrase, type Mention, outline, type Phrases } from './phrases.ts';
import type { Token } from './token.ts';

/** Objects on either side that an attribute may belong to. */
const REACH = 3;

export interface Attachment {
  attribute: AttributePhrase;
  /** Index of a mention. */
  mention: number;
}

/** An attribute of a text without objects belongs to none. */
export function attach(
  tokens: readonly Token[],
  phrases: Phrases,
  weights: Weights,
): { attachments: Attachment[]; logProbability: number } {
  const attachments: Attachment[] = [];
  let logProbability = 0;
  for (const attribute of phrases.attributes) {
    const near = mentionsNear(phrases, attribute);
    if (near.length === 0) continue;
    const chances = choose(weights, attachChoice(tokens, phrases, attribute));
    const best = chances.indexOf(Math.max(...chances));
    logProbability += Math.log(chances[best]);
    attachments.push({ attribute, mention: near[best] });
  }
  return { attachments, logProbability };
}

/** Indices of the mentions that come into question, in the order of the text. */
export function mentionsNear({ mentions }: Phrases, { at }: AttributePhrase): number[] {
  const right = mentions.findIndex((mention) => mention.at > at);
  const middle = right < 0 ? mentions.length : right;
  const all = mentions.map((_, i) => i);
  return all.slice(Math.max(0, middle - REACH), middle + REACH);
}

const KINDS = Array.from({ length: 14 }, (_, i) => hash(`attach ${i}`));

/** For each mention near, what speaks for it. */
export function attachChoice(tokens: readonly Token[], phrases: Phrases, attribute: AttributePhrase): Choice {
  const { at } = attribute;
  const text = hash(attribute.text);
  const tag = hash(attribute.tag);
  const before = hash(tokens[attribute.start - 1]?.text ?? '^');
  const after = hash(tokens[attribute.end]?.text ?? '$');
  const outcomes = mentionsNear(phrases, attribute).map((i) => {
    const mention = phrases.mentions[i];
    const side = hash(way(phrases, mention, at));
    const head = hash(mention.head);
    const words = phrases.sequence
      .slice(Math.min(mention.at, at) + 1, Math.max(mention.at, at))
      .map(outline)
      .filter((word) => word !== 'D');
    const between = hash(words.join(' '));
    const seen = [
      [side],
      [side, text],
      [side, before],
      [side, after],
      [side, before, after],
      [side, between],
      [side, head, text],
      [head, text],
      [side, tag],
      [side, text, between],
      [side, head, between],
      [side, text, after],
      [side, text, before],
      [side, between, after],
    ];
    return { features: seen.map(([a, b, c], k) => feature(KINDS[k], a, b, c)), groups: [] };
  });
  return { groups: [], outcomes };
}

/** On which side the object stands, and how many others are between. */
function way({ mentions }: Phrases, mention: Mention, at: number): string {
  const [low, high] = [Math.min(mention.at, at), Math.max(mention.at, at)];
  const between = mentions.filter((other) => other.at > low && other.at < high).length;
  return `${mention.at > at ? 'right' : 'left'}${between}`;
}
