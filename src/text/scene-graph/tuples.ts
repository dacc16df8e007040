import { wordnet } from '../wordnet.ts';
import { namesOf, type SceneGraph } from './graph.ts';

/** `[object]`, `[object, attribute]` or `[subject, predicate, object]`, all by name; a count is an attribute. */
export type Tuple = readonly string[];

/** What a graph says, each thing once: its objects, then counts and attributes, then relations. */
export function tuplesOf(graph: SceneGraph): Tuple[] {
  const names = namesOf(graph);
  const all: Tuple[] = [
    ...graph.objects.map(({ name }) => [name]),
    ...graph.objects.flatMap(({ name, count }) => (count === undefined ? [] : [[name, `${count}`]])),
    ...graph.attributes.map(({ object, attribute }) => [names.get(object)!, attribute]),
    ...graph.relations.map((r) => [names.get(r.subject)!, r.predicate, names.get(r.object)!]),
  ];
  return [...new Map(all.map((tuple) => [tuple.join('\n'), tuple])).values()];
}

/** Whether two words or phrases mean the same: equal, or in one synset of WordNet in some form. */
export function sameMeaning(a: string, b: string): boolean {
  return a === b || wordnet().shareSynset(a, b);
}

/** Whether two tuples say the same, slot by slot. */
export function sameTuple(a: Tuple, b: Tuple): boolean {
  return a.length === b.length && a.every((slot, i) => sameMeaning(slot, b[i]));
}
