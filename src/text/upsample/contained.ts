/** Whether a description says all that a prompt says, and nothing against it. */
import type { SceneGraph, SceneObject } from '../scene-graph/graph.ts';
import { sameMeaning } from '../scene-graph/index.ts';
import { kindOfWord } from './words.ts';

export interface GraphReader {
  parse(text: string): SceneGraph;
}

/**
 * Why a description does not do for a prompt; undefined where it does. Every object of the prompt must be there, as one object, with its
 * number and all its attributes; every relation between such objects; and none of them may have another colour or size beside its own.
 */
export function fault(asked: string, text: string, reader: GraphReader): string | undefined {
  const [prompt, description] = [asked, text].map((words) => reader.parse(readable(words)));
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
    const counted = fitting.filter(({ count }) => (object.count ?? count) === count || (object.count === 1 && count === undefined)); // biome-ignore format: one line
    if (counted.length === 0) return `there are not ${object.count} "${object.name}"`;
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
    if (object?.count === undefined || other.count === undefined || more.length > 0) continue;
    if (other.count !== object.count) return `there are ${other.count} "${other.name}" as well`;
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
      return (against && !along && !MUTUAL.test(said) && samePredicate(said, predicate)) || (along && !against && OPPOSITES.some(([a, b]) => samePredicate(predicate, a) && samePredicate(said, b)));
    }); // biome-ignore format: one line
    if (turned) return `"${turned.predicate}" is the other way round`;
  }
  return undefined;
}

/** Relations that hold both ways. */
const MUTUAL = /^(?:next to|near|beside|with|and|by|close to|together with|touch|face|around)$/;
const OPPOSITES = [
  ['above', 'below'], ['below', 'above'], ['over', 'under'], ['under', 'over'], ['in front of', 'behind'], ['behind', 'in front of'], ['alongside', 'beyond'], ['beyond', 'alongside'], ['inside', 'outside'], ['outside', 'inside'],
] as const; // biome-ignore format: one line

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

/** Another colour or size than the one that was asked for. */
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
