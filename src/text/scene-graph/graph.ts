/** What a text says is to be seen: objects, what they are like, how they stand to each other. */
export interface SceneGraph {
  /** In the order of the text. */
  objects: SceneObject[];
  attributes: SceneAttribute[];
  relations: SceneRelation[];
}

export interface SceneObject {
  /** The name; the second object of that name is `name:1`, the third `name:2`. */
  id: string;
  /** As the text has it: `horses`, `tennis racket`. */
  name: string;
  /** The number that the text says; absent where it says none. */
  count?: number;
}

export interface SceneAttribute {
  /** Id of an object. */
  object: string;
  attribute: string;
}

export interface SceneRelation {
  /** Id of an object. */
  subject: string;
  /** Verb in its base form, preposition, or both: `ride`, `next to`, `sit on`. */
  predicate: string;
  /** Id of an object. */
  object: string;
}

/** The id of a new object called `name` beside those that are there. */
export function freshId(name: string, objects: readonly SceneObject[]): string {
  const sameName = objects.filter((object) => object.name === name).length;
  return sameName === 0 ? name : `${name}:${sameName}`;
}

/** Names of objects by id. */
export function namesOf({ objects }: SceneGraph): Map<string, string> {
  return new Map(objects.map(({ id, name }) => [id, name]));
}
