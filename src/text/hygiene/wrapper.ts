/** What stands around a caption: a JSON object, a label, quotes. */

/** Where an object has one of these, the first is the caption; else the longest text under a key that is like them. */
const KEYS = ['caption', 'description', 'text'];
const LIKE_KEYS =
  /^(?:(?:long|short|detailed|image|final)[ _-]?)?(?:captions?|descriptions?|text|answer|response|prompt)$/i;

/** The caption inside `{"caption": "…"}`, also where the end of the object was cut off; other texts as they are. */
export function unwrapJson(text: string): string {
  const json = text.trim();
  if (!/^[{[]\s*["[{]/.test(json)) return text;
  for (const end of ['', '}', '"}', ']', '"]']) {
    try {
      return captionIn(JSON.parse(json + end)) ?? text;
    } catch {
      // not with this end
    }
  }
  return text;
}

/** Of several captions in a list none is the caption. */
function captionIn(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.length === 1 ? captionIn(value[0]) : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  const entries = Object.entries(value).filter(([key]) => LIKE_KEYS.test(key));
  const texts = entries.flatMap(([key, found]) => {
    const text = captionIn(found);
    return text === undefined ? [] : [{ key: key.toLowerCase(), text }];
  });
  const named = KEYS.flatMap((name) => texts.filter(({ key }) => key === name));
  return (named[0] ?? texts.sort((a, b) => b.text.length - a.text.length)[0])?.text;
}

const LABELS =
  /^(?:[\s*_#]{0,20}(?:(?:the|final|image|photo|detailed|short|long|alt|suggested)\s){0,2}(?:caption|description|alt[ -]text|answer|response|output)(?:\s?\d)?[*_]{0,3}\s?[:：][*_]{0,3}\s?)+/iu;

/** "Caption: a dog" without its label. */
export function withoutLabel(text: string): string {
  return text.replace(LABELS, '');
}

const PAIRS = new Map([
  ['"', '"'],
  ["'", "'"],
  ['`', '`'],
  ['“', '”'],
  ['‘', '’'],
  ['«', '»'],
  ['「', '」'],
]);

/** A text that stands in quotes as a whole without them, and one that only begins with a quote without that. */
export function unquote(text: string): string {
  let inner = text.trim();
  for (;;) {
    const close = PAIRS.get(inner[0]);
    if (close === undefined || inner.length < 2) break;
    const stop = /[.!?]/.test(inner[inner.length - 1]) ? inner[inner.length - 1] : '';
    const end = inner.length - stop.length - 1;
    const body = inner.slice(1, end);
    if (inner[end] === close && end > 0 && !quotesAgain(body, inner[0], close)) inner = (body + stop).trim();
    else if (/["“]/.test(inner[0]) && !/["“”]/.test(inner.slice(1))) inner = inner.slice(1).trim();
    else break;
  }
  return inner.length === text.trim().length ? text : inner;
}

/** An apostrophe within a word is no quote. */
function quotesAgain(body: string, open: string, close: string): boolean {
  if (open !== "'" && open !== '‘') return body.includes(open) || body.includes(close);
  return /(?<![\p{L}\p{N}])['‘’]|['‘’](?![\p{L}\p{N}])/u.test(body);
}
