/**
 * What somebody asks for who has asked before: a change to what was asked last, or something new (paper A: a follow-up may modify the
 * earlier description, a new subject drops the history).
 */
import { type GraphReader, readable } from './contained.ts';
import { kindOfWord, NUMBERS } from './words.ts';

/**
 * The prompt with what it changes of the one before, as one prompt; the prompt itself where it changes nothing of it.
 *
 * Understood are "make it blue", "make the cat two cats", "now in red", "bigger", "add a hat", "with a hat", "without the dog", "a dog instead of the
 * cat", "change the cat to a dog", and sentences about something that was named before ("it is sleeping", "the cat sleeps").
 */
export function askedFor(prompt: string, before: string | undefined, reader: GraphReader): string {
  const text = prompt.trim().replace(/[.!]+$/, '');
  if (before === undefined || text === '') return prompt;
  const known = reader.parse(readable(before)).objects.map(({ name }) => name);
  if (known.length === 0) return prompt;
  const wish = text.replace(/^(?:please|now|ok|okay|and|but|then)[ ,]+/i, '').replace(/^(?:can|could) you /i, '').replace(/[ ,]+(?:please|instead|now|too|as well)$/i, ''); // biome-ignore format: one line
  const changed = wishes(wish, before, known);
  if (changed !== undefined) return changed;
  const about = /^(?:it|he|she|they|its|their)\b/i.test(wish) || known.some((name) => new RegExp(`\\bthe (?:\\S+ ){0,2}${escaped(name)}\\b`, 'i').test(wish)); // biome-ignore format: one line
  return about ? `${before.replace(/[.]+$/, '')}. ${naming(wish, known[0])}` : prompt;
}

function wishes(wish: string, before: string, known: readonly string[]): string | undefined {
  const target = (words: string): string | undefined => {
    const said = words.toLowerCase().replace(/^(?:the|that|this|these|those|all) /, '');
    if (/^(?:it|them|him|her|this|that)$/.test(words.toLowerCase())) return known[0];
    return known.find((name) => said === name || said.endsWith(` ${name}`));
  };
  let [, what, how] = /^(?:make|turn|paint|color|colour) (it|them|him|her|the .+?|that .+?) (?:into )?(.+)$/i.exec(wish) ?? []; // biome-ignore format: one line
  if (what !== undefined) {
    const split = known.map((name) => new RegExp(`^(the (?:\\S+ )*?${escaped(name)}) (.+)$`, 'i').exec(`${what} ${how}`)).find((found) => found); // biome-ignore format: one line
    if (split) [, what, how] = split;
    const name = target(what);
    return name && changeWord(before, name, how.trim());
  }
  const [, old, fresh] = /^(?:change|replace|swap) (.+?) (?:to|with|for|into|by) (.+)$/i.exec(wish) ?? [];
  if (old !== undefined) return exchange(before, target(old), fresh);
  const [, better, worse] = /^(.+?) instead of (.+)$/i.exec(wish) ?? [];
  if (better !== undefined) return exchange(before, target(worse), better);
  const [, gone] = /^(?:remove|drop|without|no|lose|delete) (.+)$/i.exec(wish) ?? [];
  if (gone !== undefined)
    return without(before, target(gone) ?? known.find((name) => gone.toLowerCase().endsWith(name)));
  const [, more] = /^(?:add|with|include|also|give it|put in) (.+)$/i.exec(wish) ?? [];
  if (more !== undefined) return `${before.replace(/[.]+$/, '')}, with ${more}`;
  const [, alone] = /^(?:in )?(\S+)$/i.exec(wish) ?? [];
  const word = alone
    ?.toLowerCase()
    .replace(/^bigger|larger$/, 'large')
    .replace(/^smaller$/, 'small');
  return word !== undefined && kindOfWord(word) !== undefined
    ? changeWord(before, known[0], word)
    : undefined;
}

/** "a small cat", "cat", "black" → "a small black cat": what is of the same kind gives way. */
function changeWord(text: string, name: string, how: string): string | undefined {
  const word = how.toLowerCase();
  const at = nounAt(text, name);
  if (at === undefined) return undefined;
  const [head, tail] = [text.slice(0, at), text.slice(at)];
  const kind = kindOfWord(word);
  if (kind === undefined) {
    // "make it two dogs", "make it a dog": another thing in its place
    if (/^(?:an?|the|some|\d+) /.test(word) || NUMBERS.includes(word.split(' ')[0]))
      return exchange(text, name, how);
    return /^[a-z-]+$/.test(word)
      ? article(`${head}${word} ${tail}`)
      : `${text.replace(/[.]+$/, '')}. the ${name} is ${how}`;
  }
  const words = head.split(/(?<=\s)/);
  for (let i = words.length - 1; i >= 0 && isAdjective(words[i]); i--)
    if (kindOfWord(bare(words[i])) === kind) return article([...words.slice(0, i), words[i].replace(/\S+/, word), ...words.slice(i + 1)].join('') + tail); // biome-ignore format: one line
  if (kind === 'number')
    return article(`${head.replace(/(?:\b(?:an?|the) )?((?:\S+ )*)$/i, '')}${word} ${tail}`);
  return article(`${head}${word} ${tail}`);
}

const bare = (word: string): string => word.trim().toLowerCase();
const isAdjective = (word: string): boolean =>
  /^[a-z-]+\s$/i.test(word) && !/^(?:an?|the|of|in|on|with|and|is|are)\s$/i.test(word);

/** The noun phrase around a name gives way to another. */
function exchange(text: string, name: string | undefined, other: string): string | undefined {
  const at = name === undefined ? undefined : nounAt(text, name);
  if (at === undefined || name === undefined) return undefined;
  const words = text.slice(0, at).split(/(?<=\s)/);
  let first = words.length;
  while (first > 0 && isAdjective(words[first - 1])) first--;
  if (first > 0 && /^(?:an?|the)\s$/i.test(words[first - 1])) first--;
  return words.slice(0, first).join('') + other + text.slice(at + name.length);
}

/** Without the phrase that a name is part of: "a cat and a dog" without the dog, "a cat with a hat" without the hat. */
function without(text: string, name: string | undefined): string | undefined {
  const kept = exchange(text, name, '\uFFFC');
  if (kept === undefined) return undefined;
  const rest = kept
    .replace(
      /(?:,| and| with| beside| next to| near| on| in| wearing| holding| left of| right of| above| below)*\s*\uFFFC/,
      '',
    )
    .replace(/^\s*(?:and|with|,)\s*/, '')
    .replace(/\s{2,}/g, ' ')
    .trim();
  return rest === '' ? undefined : rest;
}

function nounAt(text: string, name: string): number | undefined {
  return new RegExp(`\\b${escaped(name)}\\b`, 'i').exec(text)?.index;
}

/** "a orange" → "an orange". */
const article = (text: string): string =>
  text.replace(/\b(an?) (?=([a-z]))/gi, (all, a: string, next: string) => {
    const right = /[aeiou]/i.test(next) ? 'an ' : 'a ';
    return all.toLowerCase() === right ? all : a[0] === 'A' ? right.replace('a', 'A') : right;
  });

const naming = (wish: string, name: string): string => wish.replace(/^(?:it|he|she|they)\b/i, `the ${name}`).replace(/^(?:its|their)\b/i, `the ${name}'s`); // biome-ignore format: one line
const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
