/** Words whose full stop ends no sentence; single letters ("J. Smith", "p.m.") are told by their length. */
const ABBREVIATIONS = new Set('mr mrs ms dr st mt ft vs etc approx no jr sr prof inc co ave fig'.split(' '));

/** Where a sentence may end: closing marks and what closes with them, or new lines. The first look keeps it linear. */
const END =
  /(?<![.!?…])[.!?…]+["'”’)\]]*(?=\s|$)(?:\s["”](?=\s*$))?\s*|[。！？]+["'”’)\]」』]*\s*|(?<!\s)\s*\n\s*/gu;

/** The sentences of a text, each with the white space after it: joined, they are the text. No quote is parted. */
export function splitSentences(text: string): string[] {
  const sentences: string[] = [];
  let start = 0;
  const masked = text.replace(QUOTED, (quoted) => quoted.replace(/^.*[\p{L}\p{N}]/su, filler));
  for (const { 0: mark, index } of masked.matchAll(END)) {
    if (mark[0] === '.' && !mark.includes('\n') && isAbbreviated(text, index)) continue;
    sentences.push(text.slice(start, index + mark.length));
    start = index + mark.length;
  }
  if (start < text.length) sentences.push(text.slice(start));
  return sentences;
}

function isAbbreviated(text: string, stop: number): boolean {
  const word = /(?<![\p{L}\p{N}'’])\p{L}{1,6}$/u.exec(text.slice(Math.max(0, stop - 7), stop))?.[0];
  return word !== undefined && ((word.length === 1 && word !== 'I') || ABBREVIATIONS.has(word.toLowerCase()));
}

/** Gives `rest`, from which the beginning was taken, a capital where the beginning had one. */
export function beginLike(rest: string, beginning: string): string {
  const first = /\p{L}/u.exec(beginning)?.[0];
  if (first === undefined || first === first.toLowerCase()) return rest;
  return rest.replace(/^([^\p{L}\p{N}]{0,3})(\p{Ll})/u, (whole, before: string, letter: string) => {
    const capital = letter.toUpperCase();
    return capital.length === letter.length ? before + capital : whole; // "ß" would become two letters
  });
}

/** Words that cannot end a caption: what they announce was cut off. */
export const DANGLING: ReadonlySet<string> = new Set(
  `a an the and or but nor with without of in on at by for from to into onto over under near beside behind between
  through as that which who whose while its his her their is are was were`.split(/\s+/),
);

/** The text without the words at its end that announce something, and without the marks and spaces before them. */
export function trimDangling(text: string): string {
  let end = text.length;
  for (;;) {
    while (end > 0 && /[\s,;:–—-]/.test(text[end - 1])) end--;
    let start = end;
    while (start > 0 && end - start < 8 && /[\p{L}\p{N}'’]/u.test(text[start - 1])) start--;
    if (start === end || !DANGLING.has(text.slice(start, end).toLowerCase())) return text.slice(0, end);
    end = start;
  }
}

/** An apostrophe within a word, or of a plural where another mark closes the quote. */
const APOSTROPHE = "(?<=\\p{L})'(?=\\p{L})|(?<=s)'(?=\\s[^'\\n.!?]{0,60}[^\\s']'(?![\\p{L}\\p{N}]))";
/** Marks of inches and feet make pairs too; that costs little. Single ones are quotes around words, within a sentence. */
export const QUOTED = new RegExp(
  `"[^"]*"|“[^“”]*”|「[^「」]*」|«[^«»]*»|‘(?:[^‘’]|(?<=\\p{L})’(?=\\p{L}))*’|
  (?<![\\p{L}\\p{N}])'(?=\\S)(?:[^'\\n.!?]|[.!?](?!\\s)|${APOSTROPHE})*'(?![\\p{L}\\p{N}])`.replace(
    /\n\s*/,
    '',
  ),
  'gu',
);

/** Mends what stands outside quotes: what a sign says is content, however it is put. */
export function outsideQuotes(text: string, mend: (part: string) => string): string {
  let mended = '';
  let end = 0;
  for (const { 0: quoted, index } of text.matchAll(QUOTED)) {
    mended += mend(text.slice(end, index)) + quoted;
    end = index + quoted.length;
  }
  return mended + mend(text.slice(end));
}

/** The text with a filler for every character in quotes, so that positions stay. */
export function maskQuotes(text: string): string {
  return text.replace(QUOTED, filler);
}

const filler = (quoted: string) => '_'.repeat(quoted.length);
