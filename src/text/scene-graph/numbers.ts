const WORDS = 'one two three four five six seven eight nine ten eleven twelve'.split(' ');

/** Numbers that captions write as words; `both` counts too. */
const NUMBERS = new Map([...WORDS.map((word, i) => [word, i + 1] as const), ['both', 2], ['dozen', 12]]);

/** The whole number that a word or a row of digits says, or undefined. */
export function numberOf(word: string): number | undefined {
  return /^\d{1,6}$/.test(word) ? Number(word) : NUMBERS.get(word);
}
