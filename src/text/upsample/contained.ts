/** Whether a description says all that a prompt says, and nothing against it. */
import type { SceneGraph, SceneObject } from '../scene-graph/graph.ts';
import { sameMeaning } from '../scene-graph/index.ts';
import { kindOfWord } from './words.ts';

/**
 * Why a description does not do for a prompt; undefined where it does. Every object of the prompt must be there, as one object, with its
 * number and all its attributes; every relation between such objects; and none of them may have another colour or size beside its own.
 */
export function fault(prompt: SceneGraph, description: SceneGraph): string | undefined {
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
  for (const { subject, predicate, object } of prompt.relations) {
    const ends = (id: string, other: string) => counterparts.get(id)?.some((one) => one.id === other);
    const held = description.relations.some(
      (r) => ends(subject, r.subject) && ends(object, r.object) && samePredicate(r.predicate, predicate),
    );
    if (!held) return `"${predicate}" is missing`;
  }
  return undefined;
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

/** "left of" is what "be to the left of" says. */
const samePredicate = (a: string, b: string): boolean => {
  const [one, other] = [a, b].map((predicate) => predicate.replace(/^(?:be|sit|stand|appear) /, '').replace(/^(?:to|on|at) the /, '')); // biome-ignore format: one line
  return one === other || sameMeaning(one, other);
};
