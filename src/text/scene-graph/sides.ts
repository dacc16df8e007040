/**
 * "left of" and "to the right of". The captions that the parser learnt from hardly have them, so they are read as the caption
 * would be read with a preposition that these have often, and named again afterwards.
 */
import type { Token } from './token.ts';

/** Prepositions of place that are well known. */
const STAND_INS = ['above', 'behind', 'under', 'over'];

export interface Sided {
  tokens: Token[];
  /** A relation as it was read, with the words that stand in it. */
  named(relation: string): string;
}

/** Puts a preposition that the sentence does not have in place of each of its sides. */
export function readSides(tokens: Token[]): Sided {
  const out: Token[] = [];
  const names = new Map<string, string>();
  const free = STAND_INS.filter((word) => !tokens.some(({ text }) => text === word));
  for (let i = 0; i < tokens.length; i++) {
    const end = sideEnd(tokens, i);
    const side = end === undefined ? undefined : `${tokens.slice(i, end).find(({ text }) => SIDE.test(text))!.text} of`; // biome-ignore format: one line
    const known = [...names].find(([, name]) => name === side)?.[0];
    const word = known ?? free[names.size];
    if (side === undefined || word === undefined) out.push(tokens[i]);
    else {
      names.set(word, side);
      out.push({ text: word, tag: 'ADP', lemma: word });
      i = end! - 1;
    }
  }
  if (names.size === 0) return { tokens, named: (relation) => relation };
  return {
    tokens: out,
    named: (relation) => relation.replace(/[a-z]+/g, (word) => names.get(word) ?? word),
  };
}

const SIDE = /^(?:left|right)$/;

/** Where the words end that say on which side, if they start at `i`: "to the left side of", "left of". */
function sideEnd(tokens: readonly Token[], i: number): number | undefined {
  const text = (k: number) => tokens[k]?.text ?? '';
  let at = i;
  if (text(at) === 'to') at += text(at + 1) === 'the' ? 2 : 1;
  else if (text(at - 1) === 'the') return undefined;
  if (!SIDE.test(text(at))) return undefined;
  at++;
  if (at > i + 1 && text(at) === 'side') at++;
  return text(at) === 'of' ? at + 1 : undefined;
}
