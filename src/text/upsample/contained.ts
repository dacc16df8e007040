/** Whether a description says all that a prompt says, and nothing against it. */
import type { SceneGraph, SceneObject } from '../scene-graph/graph.ts';
import { sameMeaning } from '../scene-graph/index.ts';
import { escaped, kindOfWord } from './words.ts';

export interface GraphReader {
  parse(text: string): SceneGraph;
}

/**
 * Why a description does not do for a prompt; undefined where it does. Every object of the prompt must be there, as one object, with its
 * number and all its attributes; every relation between such objects; and none of them may have another colour, size or age beside its own, or stand
 * elsewhere as well. Nothing may be said not to be there: of what, nobody could check.
 */
export function fault(asked: string, text: string, reader: GraphReader): string | undefined {
  if (WITHOUT.test(text)) return 'it says what is not there';
  const [prompt, description] = [asked, text].map((words) => reader.parse(readable(words)));
  const wantedOf = ({ count, name }: SceneObject) => count ?? numberSaid(asked, name);
  const saidOf = ({ count, name }: SceneObject) => count ?? manySaid(text, name);
  const counterparts = new Map<string, SceneObject[]>();
  for (const object of prompt.objects) {
    const wanted = attributesOf(prompt, object);
    const alike = description.objects.filter(({ name }) => sameMeaning(name, object.name));
    if (alike.length === 0) return `"${object.name}" is missing`;
    const fitting = alike.filter((other) => {
      const found = attributesOf(description, other);
      return wanted.every((one) => found.some((two) => sameMeaning(one, two)));
    });
    if (fitting.length === 0) return `"${[...wanted, object.name].join(' ')}" is missing`;
    const count = wantedOf(object);
    const counted = fitting.filter((other) => count === undefined || (saidOf(other) ?? 1) === count);
    if (counted.length === 0) return `there are not ${count} "${object.name}"`;
    const own = counted.filter((other) => !contradicts(wanted, attributesOf(description, other)));
    if (own.length === 0) return `"${object.name}" is said to be otherwise`;
    // A later mention ("the red circle") says less than the first, and means the same.
    counterparts.set(
      object.id,
      alike.filter((other) => !contradicts(wanted, attributesOf(description, other))),
    );
  }
  // A thing of the prompt that comes again must be one that was asked for: not "the green star" where the star is purple.
  for (const other of description.objects) {
    const alike = prompt.objects.filter(({ name }) => sameMeaning(name, other.name));
    const found = attributesOf(description, other);
    if (alike.length > 0 && alike.every((object) => contradicts(attributesOf(prompt, object), found)))
      return `"${other.name}" is said to be otherwise`;
  }
  for (const other of description.objects) {
    const [object, ...more] = prompt.objects.filter(({ name }) => sameMeaning(name, other.name));
    const [wanted, said] = [object && wantedOf(object), saidOf(other)];
    if (wanted === undefined || said === undefined || more.length > 0) continue;
    if (said !== wanted) return `there are ${said} "${other.name}" as well`;
  }
  for (const { subject, predicate, object } of prompt.relations) {
    if (predicate === 'next to' && !/next to/i.test(asked)) continue; // what the parser makes of "and"
    const ends = (id: string, other: string) => counterparts.get(id)?.some((one) => one.id === other);
    const held = description.relations.some(
      (r) => ends(subject, r.subject) && ends(object, r.object) && samePredicate(r.predicate, predicate),
    );
    if (!held) return `"${predicate}" is missing`;
    const turned = description.relations.find(({ subject: from, predicate: said, object: to }) => {
      const [along, against] = [ends(subject, from) && ends(object, to), ends(subject, to) && ends(object, from)];
      return (against && !along && !MUTUAL.test(said) && samePredicate(said, predicate)) || (along && !against && areOpposites(predicate, said));
    }); // biome-ignore format: one line
    if (turned) return `"${turned.predicate}" is the other way round`;
    const elsewhere = (r: { subject: string; predicate: string; object: string }) =>
      samePredicate(r.predicate, predicate) && ends(subject, r.subject) && !ends(object, r.object);
    if (ONE_AT_A_TIME.test(predicate) && description.relations.some(elsewhere))
      return `"${predicate}" is said of something else as well`;
  }
  return undefined;
}

/** Relations that hold both ways. */
const MUTUAL = /^(?:next to|near|beside|with|and|by|close to|together with|touch|face|around)$/;
/** What nobody does with two things at once. */
const ONE_AT_A_TIME = /^(?:ride|drive|(?:sit|stand|lie|sleep|walk) (?:on|in))$/;
const OPPOSITES = [
  ['on', 'under'], ['on', 'below'], ['above', 'below'], ['over', 'under'], ['in front of', 'behind'], ['alongside', 'beyond'], ['inside', 'outside'],
] as const; // biome-ignore format: one line

const areOpposites = (one: string, other: string): boolean =>
  OPPOSITES.some(([a, b]) => (samePredicate(one, a) && samePredicate(other, b)) || (samePredicate(one, b) && samePredicate(other, a))); // biome-ignore format: one line

const ADJECTIVES = String.raw`(?:(?!(?:of|and|or|with|in|on|at|by|to|from)\b)[\w-]+\s+){0,3}?`;

/** "12 eggs", "a dozen eggs": numbers that the parser does not read. */
function manySaid(text: string, name: string): number | undefined {
  const [, many] = new RegExp(`\\b(\\d+|eleven|twelve|dozen)\\s+${ADJECTIVES}${escaped(name)}(?:e?s)?\\b`, 'i').exec(text) ?? []; // biome-ignore format: one line
  return many === undefined ? undefined : /^\d/.test(many) ? Number(many) : many === 'eleven' ? 11 : 12;
}

/** The same, and one of what is named in the singular: "a cat", "one cat". */
const numberSaid = (text: string, name: string): number | undefined =>
  manySaid(text, name) ?? (new RegExp(`\\b(?:an?|one)\\s+${ADJECTIVES}${escaped(name)}\\b`, 'i').test(text) ? 1 : undefined); // biome-ignore format: one line

/** What can be asked for and not be checked: that something is not there. */
const WITHOUT = /\b(?:no|not|never|none|nobody|nothing|neither|nor|without|except|empty)\b|n['’]t\b/i;

/** Why no description of a prompt could be checked; undefined where it could. */
export function unreadable(asked: string, reader: GraphReader): string | undefined {
  if (WITHOUT.test(asked)) return 'it says what shall not be there';
  return reader.parse(readable(asked)).objects.length === 0 ? 'nothing in it is known by name' : undefined;
}

/** Whether two texts speak of a thing that is the same. */
export function shareObjects(one: string, other: string, reader: GraphReader): boolean {
  const [here, there] = [one, other].map((text) => reader.parse(readable(text)).objects);
  return here.some(({ name }) => there.some((object) => sameMeaning(name, object.name)));
}

const attributesOf = ({ attributes }: SceneGraph, { id }: SceneObject): string[] =>
  attributes.filter(({ object }) => object === id).map(({ attribute }) => attribute);

/** Another colour, size or age than the one that was asked for. */
const contradicts = (wanted: readonly string[], found: readonly string[]): boolean =>
  found.some((attribute) => {
    const kind = kindOfWord(attribute);
    if (kind === undefined || wanted.some((one) => sameMeaning(one, attribute))) return false;
    return wanted.some((one) => kindOfWord(one) === kind);
  });

/** "is above" says what "above" says. */
const samePredicate = (a: string, b: string): boolean => {
  const [one, other] = [a, b].map((predicate) => predicate.replace(/^(?:be|sit|stand|lie|appear) /, ''));
  return one === other || sameMeaning(one, other);
};

/**
 * The text in words that the parser knows: of "a red circle left of a blue square" it makes one thing. Both sides of a comparison are read
 * so, hence it only matters that left and right stay apart.
 */
export const readable = (text: string): string =>
  text
    .replace(/\b(?:to|on) the left(?: side)? of\b|\bleft of\b/gi, 'alongside')
    .replace(/\b(?:to|on) the right(?: side)? of\b|\bright of\b/gi, 'beyond')
    .replace(/\bplain (?=[a-z])/gi, '')
    .replace(/, (?:on an? |an? )?([a-z ]+?) background\b/gi, '. the background is $1');
