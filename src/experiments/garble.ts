/** Captions with mistakes of the kinds that captioners make (paper A, on limits): sides, numbers and letters. */
import type { Random } from '../random.ts';

const OPPOSITE: Record<string, string> = {
  'left of': 'right of',
  'right of': 'left of',
  above: 'below',
  below: 'above',
  under: 'above',
  'in front of': 'behind',
  behind: 'in front of',
};
const NUMBERS = ['two', 'three', 'four'];
const LETTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];

const SAID =
  /\b(?:left of|right of|above|below|under|in front of|behind|two|three|four)\b|"[A-Z](?: [A-Z])*"/gi;

/** The caption with each relation, number and spelling right with probability `right`, else wrong; all else as it was. */
export const garble = (caption: string, right: number, draw: Random): string =>
  caption.replace(SAID, (said) => {
    if (draw.uniform() < right) return said;
    if (said.startsWith('"')) return misspelt(said, draw);
    const word = said.toLowerCase();
    const other = OPPOSITE[word] ?? draw.pick(NUMBERS.filter((number) => number !== word));
    return said[0] === word[0] ? other : other[0].toUpperCase() + other.slice(1);
  });

/** One letter of it is another. */
function misspelt(quoted: string, draw: Random): string {
  const letters = quoted.slice(1, -1).split(' ');
  const at = draw.int(letters.length);
  letters[at] = draw.pick(LETTERS.filter((letter) => letter !== letters[at].toUpperCase()));
  return `"${letters.join(' ')}"`;
}
