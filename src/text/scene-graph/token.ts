import type { ItemSentence, ItsFunction, PartOfSpeech } from 'wink-nlp';

/** A word of a caption. */
export interface Token {
  /** Lower case. */
  text: string;
  tag: PartOfSpeech;
  lemma: string;
}

/** Splits a text into sentences of tagged words; a new line ends a sentence. Synchronous. */
export type Tagger = (text: string) => Token[][];

/** Loads wink-nlp and its English model: part-of-speech tags, lemmas, sentence boundaries. */
export async function loadTagger(): Promise<Tagger> {
  const [{ default: winkNlp }, { default: model }] = await Promise.all([
    import('wink-nlp'),
    import('wink-eng-lite-web-model'),
  ]);
  const nlp = winkNlp(model, ['sbd', 'pos']);
  const lemmaOf = nlp.its.lemma as unknown as ItsFunction<string>; // declared with more parameters than the others
  return (text) =>
    text.split(/[\n\r\u2028\u2029]+/).flatMap((line) => {
      const sentences: Token[][] = [];
      // Captions shout and title at will, and the tagger takes capitals for names.
      const document = nlp.readDoc(line.toLowerCase().replace(/\s+/g, ' '));
      document.sentences().each((sentence: ItemSentence) => {
        const tokens = sentence.tokens();
        const tags = tokens.out(nlp.its.pos) as PartOfSpeech[];
        const lemmas = tokens.out(lemmaOf);
        const spaces = tokens.out(nlp.its.precedingSpaces);
        const parts = tokens
          .out()
          .map((part, i) => ({ text: part, tag: tags[i], lemma: lemmas[i], glued: spaces[i] === '' }));
        const words = joinHyphens(parts);
        if (words.length > 0) sentences.push(words);
      });
      return sentences;
    });
}

/** The tagger splits `t-shirt` into three; here it is one word again, with the tag of its last part. No closing stop. */
function joinHyphens(tokens: (Token & { glued: boolean })[]): Token[] {
  const words: Token[] = [];
  let open = false; // the last word ends in a hyphen
  for (const { text, tag, lemma, glued } of tokens) {
    const last = words.at(-1);
    if (last && glued && /[\p{L}\p{N}-]$/u.test(last.text) && (text === '-' || open)) {
      last.text += text;
      last.lemma = last.text;
      if (text !== '-') last.tag = tag;
      open = text === '-';
    } else {
      words.push({ text, tag, lemma });
      open = false;
    }
  }
  while (words.length > 0 && /^[.,;:!?]+$/.test(words.at(-1)!.text)) words.pop();
  return words;
}
