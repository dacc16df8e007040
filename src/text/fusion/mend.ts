import { BE, DETERMINERS, PREPOSITIONS } from './lexicon.ts';

/** Words without the marks of tokenised text: quotes, brackets and the closing stop are gone, commas are words. */
export function mend(text: string): string[] {
  const clean = text
    .replace(/["“”()`]|''/g, ' ')
    .replace(/([,;:])(?!\d)/g, ' $1 ')
    .replace(/\bupside down\b/gi, 'upside-down')
    .replace(/\bwalk in (?=shower|closet|tub)/gi, 'walk-in ')
    .replace(/\s+('s|n't)\b/g, '$1');
  const words = clean
    .trim()
    .replace(/[\s.!?,;:]+$/, '')
    .split(/\s+/)
    .filter(Boolean);
  const shouts = words.filter((word) => /^[A-Z]/.test(word)).length > words.length / 2;
  return words.map((word, i) =>
    i === 0 || shouts || word === 'A' || word === 'The' ? word.toLowerCase() : word,
  );
}

/** "There is a dog" says "a dog"; "in the park, a dog" is "a dog in the park". */
export function inOrder(words: string[]): string[] {
  if (/^(?:there|this|these|here)$/.test(words[0]) && BE.has(words[1])) return words.slice(2);
  const comma = words.indexOf(',');
  if (PREPOSITIONS.has(words[0]) && comma > 0 && DETERMINERS.has(words[comma + 1]))
    return [...words.slice(comma + 1), ...words.slice(0, comma)];
  return words;
}
