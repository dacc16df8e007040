/**
 * The form in which captions are learnt: Unicode NFC, runs of white space as one space, no control characters or
 * unpaired surrogates, trimmed, and without the final full stop and the space before it (Flickr8k writes "a dog runs .",
 * COCO "A dog runs."). Case, other punctuation and every script stay. A second pass changes nothing. Costs: a caption
 * that ends in an abbreviation ("at 5 p.m.") or an ellipsis loses its stops too.
 */
export function normaliseCaption(text: string): string {
  const clean = text
    .replace(/\s+/gu, ' ')
    .replace(/[\p{Cc}\p{Cs}]+/gu, '')
    .normalize('NFC')
    .replace(/ {2,}/g, ' ');
  let end = clean.length;
  while (end > 0 && (clean[end - 1] === ' ' || clean[end - 1] === '.')) end--;
  return clean.slice(clean.startsWith(' ') ? 1 : 0, end);
}
