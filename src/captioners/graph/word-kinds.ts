/** Of which kind each word of a caption is: what is in the picture, how it stands to what, or anything else (paper B, section on the decoder). */
import { WORD_KINDS } from '../../models/graph-captioner/index.ts';
import type { SceneGraphParser } from '../../text/scene-graph/index.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import { wordnet } from '../../text/wordnet.ts';

const [OBJECT, PREDICATE, OTHER] = WORD_KINDS.map((_, i) => i);

/**
 * Kinds of a caption's tokens, from its scene graph: words of an object's name are objects, words of a predicate in any form are predicates.
 * The end, which follows them, is another.
 */
export function kindsOfTokens(
  caption: string,
  tokens: readonly number[],
  parser: SceneGraphParser,
  tokenizer: Tokenizer,
): number[] {
  const { objects, relations } = parser.parse(caption);
  const named = new Set(objects.flatMap(({ name }) => name.toLowerCase().split(' ')));
  const related = new Set(relations.flatMap(({ predicate }) => predicate.split(' ')));
  const words = wordsOf(tokens, tokenizer);
  return [...words.map((word) => kindOf(word, named, related)), OTHER];
}

function kindOf(word: string, named: ReadonlySet<string>, related: ReadonlySet<string>): number {
  if (named.has(word)) return OBJECT;
  if (related.has(word)) return PREDICATE;
  return word !== '' && wordnet().baseForms(word, 'verb').some((base) => related.has(base)) ? PREDICATE : OTHER; // biome-ignore format: one line
}

/** Of each token, the word that it is part of, in lower case and without punctuation. */
function wordsOf(tokens: readonly number[], tokenizer: Tokenizer): string[] {
  const parts = tokens.map((token) => tokenizer.decode([token]));
  const text = parts.join('').toLowerCase();
  const starts: number[] = [];
  let at = 0;
  for (const part of parts) {
    starts.push(at + part.length - part.trimStart().length);
    at += part.length;
  }
  const isLetter = (place: number) => /[\p{L}\p{N}'-]/u.test(text[place] ?? '');
  return starts.map((start) => {
    if (!isLetter(start)) return '';
    let [from, to] = [start, start];
    while (isLetter(from - 1)) from--;
    while (isLetter(to)) to++;
    return text.slice(from, to);
  });
}
