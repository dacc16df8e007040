/**
 * What somebody asks for who has asked before: a change to what was asked last, or something new (paper A: a follow-up may modify the
 * earlier description, a new subject drops the history).
 */
import { type GraphReader, readable } from './contained.ts';
import { escaped, kindOfWord, NUMBERS } from './words.ts';

/**
 * The prompt with what it changes of the one before, as one prompt; the prompt itself where it changes nothing of it.
 *
 * Understood are "make it blue", "make the small one green", "make both blue", "make it three birds", "now in red", "bigger", "add a hat", "give him a hat",
 * "without the dog", "a dog instead of the cat", "change the cat to a dog", where, when and how ("at night", "as a watercolor"), and sentences about something
 * that was named before ("it is sleeping", "the cat sleeps"). A wish that is not understood changes nothing: what was asked before stays.
 */
export function askedFor(prompt: string, before: string | undefined, reader: GraphReader): string {
  const text = prompt.trim().replace(/[.!]+$/, '');
  if (before === undefined || text === '') return prompt;
  const graph = reader.parse(readable(before));
  const known = graph.objects.map(({ name }) => name);
  if (known.length === 0) return prompt;
  const wish = text.replace(/^(?:please|now|ok|okay|and|but|then)[ ,]+/i, '').replace(/^(?:can|could) you /i, '').replace(/[ ,]+(?:please|instead|now|too|as well)$/i, ''); // biome-ignore format: one line
  const plain = before.replace(/[.]+$/, '');
  if (WEATHER.test(wish)) return `${plain}. ${wish}`;
  if (/ instead$/i.test(text) && countOf(wish) < SHORT && !WISHING.test(wish))
    return exchange(before, known[0], wish) ?? prompt;
  const changed = wishes(wish, before, known, (word) => {
    const { object } = graph.attributes.find(({ attribute }) => attribute === word) ?? {};
    return graph.objects.find(({ id }) => id === object)?.name;
  });
  if (changed !== undefined) return changed;
  if (SETTING.test(wish) && countOf(wish) < SHORT) return `${plain}, ${wish}`;
  if (WISHING.test(wish) || AGAIN.test(wish)) return before;
  const about = /^(?:it|he|she|they|its|their)\b/i.test(wish) || known.some((name) => new RegExp(`\\bthe (?:\\S+ ){0,2}${escaped(name)}\\b`, 'i').test(wish)); // biome-ignore format: one line
  return about ? `${plain}. ${naming(wish, known[0])}` : prompt;
}

/** So many words tell where or how; more are a prompt of their own. */
const SHORT = 8;
const countOf = (text: string): number => text.split(/\s+/).length;
const WEATHER =
  /^it(?:['’]s| is| has) (?:raining|snowing|night|day|dark|late|early|foggy|sunny|cloudy|windy|stormy|winter|summer|spring|autumn|morning|evening|cold|hot)\b/i;
/** Where, when, and in what manner. */
const SETTING = /^(?:at|in|on|under|during|as|like|by|near|from) (?!it\b)/i;
const WISHING =
  /^(?:make|turn|paint|colou?r|change|replace|swap|remove|drop|without|no|lose|delete|add|include|give|put|let)\b/i;

/** What is about the picture, not about what is in it. */
const AGAIN = /^(?:more details?|undo|again|try again|another(?: one)?|better|next)$/i;

/** @param called name of the thing that is said to be so: "the small one" */
function wishes(
  wish: string,
  before: string,
  known: readonly string[],
  called: (word: string) => string | undefined,
): string | undefined {
  const target = (words: string): string | undefined => {
    const said = words.toLowerCase().replace(/^(?:the|that|this|these|those|all) /, '');
    if (/^(?:it|them|him|her|this|that)$/.test(words.toLowerCase())) return known[0];
    const [, word] = /^(.+) one$/.exec(said) ?? [];
    if (word !== undefined) return called(word);
    return known.find((name) => said === name || said.endsWith(` ${name}`));
  };
  const [, all] = /^(?:make|turn|paint|colou?r) (?:both|all|all of them|both of them|everything|them both|them all) (?:into )?(\S+)$/i.exec(wish) ?? []; // biome-ignore format: one line
  if (all !== undefined)
    return known.reduce<string | undefined>((text, name) => text && changeWord(text, name, all), before);

  const [, ground] = /^(?:make|turn|change|set|paint) the background (?:to |into )?(.+)$/i.exec(wish) ?? [];
  if (ground !== undefined)
    return `${before.replace(/[.]+$/, '').replace(/,? (?:on )?an? (?:\S+ ){0,2}background$/i, '')}, ${ground.replace(/^an? /i, '')} background`;
  const [, sign, painted] = /^(?:make|turn|paint|colou?r) the (\S+) one (?:into )?(.+)$/i.exec(wish) ?? [];
  const meant = sign && called(sign.toLowerCase());
  if (meant) return changeWord(before, meant, painted);
  let [, what, how] = /^(?:make|turn|paint|color|colour) (it|them|him|her|the .+?|that .+?) (?:into )?(.+)$/i.exec(wish) ?? []; // biome-ignore format: one line
  if (what !== undefined) {
    const split = known.map((name) => new RegExp(`^(the (?:\\S+ )*?${escaped(name)}) (.+)$`, 'i').exec(`${what} ${how}`)).find((found) => found); // biome-ignore format: one line
    if (split) [, what, how] = split;
    // "make it three birds" where birds were asked for: those
    const other = /^(?:it|them)$/i.test(what)
      ? known.find((name) => new RegExp(`\\b${escaped(name)}s?$`, 'i').test(how))
      : undefined;
    const name = other ?? target(what);
    const both = /^(\S+) and (\S+)$/.exec(how);
    if (name && both && !other)
      return [both[1], both[2]].reduce<string | undefined>(
        (text, word) => text && changeWord(text, name, plainly(word)),
        before,
      );
    return (
      name &&
      (other ? exchange(before, name, how.trim(), true) : changeWord(before, name, plainly(how.trim())))
    );
  }
  const [, old, fresh] = /^(?:change|replace|swap) (.+?) (?:to|with|for|into|by) (.+)$/i.exec(wish) ?? [];
  if (old !== undefined) return exchange(before, target(old), fresh);
  const [, better, worse] = /^(.+?) instead of (.+)$/i.exec(wish) ?? [];
  if (better !== undefined) return exchange(before, target(worse), better);
  const [, gone] = /^(?:remove|drop|without|no|lose|delete) (.+)$/i.exec(wish) ?? [];
  if (gone !== undefined)
    return without(before, target(gone) ?? known.find((name) => gone.toLowerCase().endsWith(name)));
  const [, more] =
    /^(?:add|with|include|also|give (?:it|him|her|them|the \S+)|put in) (.+)$/i.exec(wish) ?? [];
  if (more !== undefined) return `${before.replace(/[.]+$/, '')}, with ${more}`;
  const [, alone] = /^(?:in )?(\S+)$/i.exec(wish) ?? /^(?:an?|the) (\S+) one$/i.exec(wish) ?? [];
  const word = alone && plainly(alone);
  return word !== undefined && kindOfWord(word) !== undefined
    ? changeWord(before, known[0], word)
    : undefined;
}

/** "bigger" is said of what shall be large. */
const plainly = (word: string): string => word.toLowerCase().replace(/^(?:bigger|larger)$/, 'large').replace(/^smaller$/, 'small'); // biome-ignore format: one line

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
function exchange(text: string, name: string | undefined, other: string, plural = false): string | undefined {
  const at = name === undefined ? undefined : nounAt(text, name);
  if (at === undefined || name === undefined) return undefined;
  const words = text.slice(0, at).split(/(?<=\s)/);
  let first = words.length;
  while (first > 0 && isAdjective(words[first - 1])) first--;
  if (first > 0 && /^(?:an?|the)\s$/i.test(words[first - 1])) first--;
  const rest = text.slice(at + name.length);
  return words.slice(0, first).join('') + other + (plural ? rest.replace(/^s\b/, '') : rest);
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
  return rest === '' || STANDING.test(rest) ? undefined : rest; // of "a cat on a mat", the mat would stand nowhere
}

const STANDING =
  /^(?:on|in|at|of|by|beside|next to|near|wearing|holding|left of|right of|above|below|under|behind)\b/i;

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
