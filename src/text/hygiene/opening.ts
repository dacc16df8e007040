import type { HygieneRule } from './rule.ts';
import { beginLike, splitSentences } from './sentences.ts';

const SHOWS = `(?:(?:also|clearly|mainly|primarily|prominently|simply|further)\\s+)?(?:shows?|depicts?|displays?|portrays?|
  features?|showcases?|presents?|captures?|contains?|illustrates?|includes?|consists\\s+of|
  is\\s+(?:showing|depicting|displaying|of))(?:\\s+(?:to\\s+)?us)?(?!\\s+(?:how|why|up|off|signs?)\\b)
  (?:\\s+that(?=\\s+(?:an?|the|there|it|he|she|they)\\s))?`;
const CAN = '(?:can|could|may|will|(?:is|are|am)\\s+able\\s+to)';
const GIVEN = '(?:(?:provided|given|attached|uploaded|above|entire|overall|main)\\s+)?';
/** "One spot" and "one notice" are nouns. */
const SEE = `(?:(?:we|you|I|viewers?)\\s+(?:${CAN}\\s+)?|one\\s+${CAN}\\s+)(?:(?:also|clearly)\\s+)?(?:see|observe|notice|spot)
  (?!\\s+(?:how|why|no|through)\\b)(?:\\s+that(?=\\s+(?:an?|the|there|it|he|she|they)\\s))?`;
/** Words of the picture's kind, which are content: "This is" goes before them, they stay. */
const KIND = `(?:image|picture|photo(?:graph)?|pic|snapshot|shot|painting|drawing|illustration|sketch|cartoon|render(?:ing)?|
  close-?\\s?up|view|portrait|screenshot|collage|selfie)`;
const BEFORE_KIND = "(?:(?!(?:of|with|in|on|holding|taking)\\s)[\\p{L}\\p{N}'’-]+,?\\s+){0,5}?";
/** "A picture of a boat hangs on the wall" is about a picture that the image shows. */
const HUNG =
  '(?![^.!?\\n]{0,200}\\b(?:hangs?|hanging|hung|framed?|taped|pinned|displayed|(?:on|against)\\s+(?:an?|the)\\s+(?:\\w+\\s+)?wall)\\b)';
/** "A picture of health, the old man jogs" is about the man: after a comma may come the sentence itself. */
const ADDRESSED =
  '(?![^.!?,\\n]{1,80},\\s(?:the|this|he|she|it|they|we)\\s|\\s(?!(?:an?|the|two|three|some|several|many)\\s)\\p{L}+(?:\\s\\p{L}+)?,\\s)';

const aboutImage = (noun: string) => [
  `(?:(?:the|this|these|both)\\s+)?${GIVEN}${noun}s?(?:\\s+(?:provided|presented|above|here|itself))?\\s+${SHOWS}`,
  `(?:in|within)\\s+(?:the|this)\\s+${GIVEN}${noun}(?:\\s+(?:provided|shown|above))?\\s?(?:,|(?=\\s+(?:an?|the|two|three|there|we|you|I|one)\\s)|
    \\s+(?:is|are)(?=\\s+(?:an?|the|two|three|several|some|many)\\s))(?:\\s+(?:${SEE}|it\\s+${SHOWS}))?`,
];
const atTheStart = [
  '(?:the|this)\\s+(?:image|picture|photo(?:graph)?)\\s+is(?=\\s+an?\\s+(?!bit|little|lot))',
  SEE,
  `here,?\\s+${SEE}`,
  '(?:pictured|shown|seen)\\s+(?:here\\s+)?(?:is|are)(?=\\s+(?:an?|the|two|three|several)\\s)',
  `(?:this|it|here|that)(?:\\s+is|['’]s)(?=\\s+an?\\s+${BEFORE_KIND}${KIND}\\s)`,
  `(?:an?\\s+)?(?:image|picture|photo(?:graph)?|pic|snapshot)\\s+(?:of|showing|depicting|featuring|displaying|(?:that|which)\\s+(?:shows|depicts))${HUNG}${ADDRESSED}`,
];
const formsOf = (forms: string[]) =>
  new RegExp(`(?:${forms.join('|')})\\s+(?=[\\p{L}\\p{N}"'“‘(])`.replace(/\n\s*/g, ''), 'iuy');

const FIRST = formsOf([
  ...aboutImage('(?:image|picture|photo(?:graph)?|pic|snapshot|shot|scene)'),
  ...atTheStart,
]);
/** Further on, "the picture" may be one that hangs on a wall in the image. */
const LATER = formsOf(aboutImage('image'));

/** How chat models hand over what they were asked for. */
const HANDOVER =
  /^\s{0,9}(?:(?:sure|certainly|of course|absolutely|okay|ok)(?: thing)?\s?[,.!]\s{0,3})?(?:here(?:['’]s| is| are)\s(?:[\p{L}'’-]+\s){0,5}(?:caption|description|alt text)s?(?:\s[\p{L}'’-]+){0,8}\s?:)\s{0,9}/iu;

export const opening: HygieneRule = {
  name: 'opening',
  about: 'begins with what is seen: "The image shows a dog." becomes "A dog."; "a close-up photo of" stays',
  mend(text) {
    const said = text.replace(HANDOVER, '');
    const start = said.length - said.trimStart().length;
    const body = said.slice(start);
    const mended = splitSentences(body)
      .map((sentence, i) => withoutOpening(sentence, i === 0 ? FIRST : LATER))
      .join('');
    return mended === body ? said : mended;
  },
};

function withoutOpening(sentence: string, forms: RegExp): string {
  let end = 0;
  for (;;) {
    forms.lastIndex = end;
    if (!forms.test(sentence)) break;
    end = forms.lastIndex;
  }
  return end === 0 ? sentence : beginLike(sentence.slice(end), sentence.slice(0, end));
}
