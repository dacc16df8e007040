import { RecaptionError } from '../errors.ts';
import { wordnet } from '../text/wordnet.ts';
import { type Additive, additive, sumRows } from './additive.ts';

/** The objects that captions are searched for. */
export interface ObjectVocabulary {
  /** The object of a name or of one of its synonyms, singular or plural. */
  object(name: string): string | undefined;
  /** The objects that a tokenised caption mentions, one entry a mention, in their order. */
  mentions(tokens: readonly string[]): string[];
}

/**
 * @param objects each object's name with its synonyms, of one or several words: `{ couch: ['sofa'], 'hot dog': [] }`. Plurals
 * need not be listed. Where several fit, the longest counts: a "hot dog" is no dog. To keep "teddy bear" from being
 * a bear, make it an object of its own.
 * @throws RecaptionError `bad-objects` when one name stands for two objects.
 */
export function objectVocabulary(objects: Readonly<Record<string, readonly string[]>>): ObjectVocabulary {
  const objectOf = new Map<string, string>(); // by the phrase, its words in the singular
  let longest = 1;
  for (const [object, synonyms] of Object.entries(objects)) {
    for (const name of [object, ...synonyms]) {
      const words = wordsOf(name);
      const phrase = words.map(singular).join(' ');
      const taken = objectOf.get(phrase);
      if (taken !== undefined && taken !== object) {
        throw new RecaptionError(
          'bad-objects',
          `"${name}" stands for two objects, "${taken}" and "${object}"`,
          {
            hint: 'Give each name to one object.',
          },
        );
      }
      objectOf.set(phrase, object);
      longest = Math.max(longest, words.length);
    }
  }
  return {
    object: (name) => objectOf.get(wordsOf(name).map(singular).join(' ')),
    mentions(tokens) {
      const words = tokens.map((token) => singular(token.toLowerCase()));
      const found: string[] = [];
      for (let at = 0; at < words.length; ) {
        let length = Math.min(longest, words.length - at);
        while (length > 0 && !objectOf.has(words.slice(at, at + length).join(' '))) length--;
        if (length > 0) found.push(objectOf.get(words.slice(at, at + length).join(' '))!);
        at += Math.max(1, length);
      }
      return found;
    },
  };
}

export interface ChairResult {
  /** CHAIR-i: share of the mentioned objects that are not in the picture. In [0, 1]; 0 where nothing is mentioned. */
  chairI: number;
  /** CHAIR-s: share of the captions that mention at least one such. */
  chairS: number;
  perImage: { mentioned: string[]; hallucinated: string[] }[];
  /** Both of the above, for intervals. */
  additive: Additive;
}

/**
 * Object hallucination (Rohrbach et al. 2018). The paper counts as present what is annotated or named in any reference
 * caption; for that, add `vocabulary.mentions(reference)` to an image's objects.
 * @param captions tokens, one caption per image.
 * @param present the objects of each image, by any of their names; names the vocabulary does not have are passed over.
 * @throws RecaptionError `unequal-lengths`.
 */
export function chair(
  captions: readonly (readonly string[])[],
  present: readonly (readonly string[])[],
  vocabulary: ObjectVocabulary,
): ChairResult {
  if (captions.length !== present.length) {
    throw new RecaptionError(
      'unequal-lengths',
      `there are ${captions.length} captions but objects of ${present.length} images`,
      { hint: 'Give one caption and one list of objects for each image, in the same order.' },
    );
  }
  const perImage = captions.map((tokens, i) => {
    const there = new Set(present[i].map(vocabulary.object));
    const mentioned = vocabulary.mentions(tokens);
    return { mentioned, hallucinated: mentioned.filter((object) => !there.has(object)) };
  });
  const rows = perImage.map(({ mentioned, hallucinated }) => [
    hallucinated.length,
    mentioned.length,
    +(hallucinated.length > 0),
    1,
  ]);
  const sums = additive(rows, 4, ([wrong, mentions, captionsWithWrong, captions]) => [
    wrong / Math.max(1, mentions),
    captionsWithWrong / Math.max(1, captions),
  ]);
  const [chairI, chairS] = sums.scores(sumRows(sums));
  return { chairI, chairS, perImage, additive: sums };
}

const wordsOf = (name: string): string[] => name.trim().toLowerCase().split(/\s+/);

/**
 * `women` → `woman`, `glasses` → `glass`. What comes out need not be a word, for names and captions are treated alike: twice,
 * as `buses` → `bus` and `bus` → `bu`, which WordNet has.
 */
const singular = (word: string): string => baseForm(baseForm(word));

const baseForm = (word: string): string =>
  wordnet()
    .baseForms(word, 'noun')
    .find((form) => form !== word) ?? word;
