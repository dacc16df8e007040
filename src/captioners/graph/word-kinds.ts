/** Of which kind each word of a caption is: what is in the picture, how it stands to what, or anything else (paper B, section on the decoder). */
import { WORD_KINDS } from '../../models/graph-captioner/index.ts';
import type { SceneGraphParser } from '../../text/scene-graph/index.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import { wordnet } from '../../text/wordnet.ts';

const [OBJECT, PREDICATE, OTHER] = WORD_KINDS.map((_, i) => i);

/**
 * Kinds of a caption's tokens, from its scene graph: words of an object's name are objects; words of a predicate in any form are predicates
 * where they stand beside one of its ends. The end, which follows them, is another.
 */
export function kindsOfTokens(
  caption: string,
  tokens: readonly number[],
  parser: SceneGraphParser,
  tokenizer: Tokenizer,
): number[] {
  const { objects, relations } = parser.parse(caption);
  const names = new Map(objects.map(({ id, name }) => [id, new Set(name.toLowerCase().split(' '))]));
  const spoken = relations.map(({ subject, predicate, object }) => ({ subject: names.get(subject)!, words: new Set(predicate.split(' ')), object: names.get(object)! })); // biome-ignore format: one line
  const { words, of } = wordsOf(tokens, tokenizer);
  const isObject = words.map((word) => [...names.values()].some((name) => name.has(word)));
  const kinds = words.map((word, i) => {
    if (isObject[i]) return OBJECT;
    const [before, after] = [
      words[isObject.lastIndexOf(true, i)] ?? '',
      words[isObject.indexOf(true, i)] ?? '',
    ];
    const forms = [word, ...(word === '' ? [] : wordnet().baseForms(word, 'verb'))];
    const isPredicate = spoken.some(
      ({ subject, words, object }) =>
        forms.some((form) => words.has(form)) &&
        (object.has(after) || subject.has(before) || (subject.has(after) && object.has(before))),
    );
    return isPredicate ? PREDICATE : OTHER;
  });
  return [...of.map((i) => kinds[i] ?? OTHER), OTHER];
}

/** The words of a caption, in lower case, and of each token the place of the word that it is part of: -1 for punctuation. */
function wordsOf(tokens: readonly number[], tokenizer: Tokenizer): { words: string[]; of: number[] } {
  const parts = tokens.map((token) => tokenizer.decode([token]));
  const text = parts.join('').toLowerCase();
  const places = [...text.matchAll(/[\p{L}\p{N}'-]+/gu)].map(({ 0: word, index }) => ({
    word,
    index,
    end: index + word.length,
  }));
  let at = 0;
  const of = parts.map((part) => {
    const start = at + part.length - part.trimStart().length;
    at += part.length;
    return places.findIndex(({ index, end }) => index <= start && start < end);
  });
  return { words: places.map(({ word }) => word), of };
}
