/**
 * The linear form of FACTUAL (Li et al. 2023): `( man , wear , hat ) , ( hat , is , red )`. Attributes and counts use the
 * predicate `is`; objects stand alone where nothing is said of any.
 */
import { RecaptionError } from '../../errors.ts';
import { freshId, type SceneGraph } from './graph.ts';
import { tuplesOf } from './tuples.ts';

/** The predicate of attributes and counts. */
const IS = 'is';
const SEPARATOR = ' , ';

/**
 * The facts of a linear form, each once, as FACTUAL's evaluation compares them: spaces around brackets and commas, runs of
 * white space as one space, outer brackets and order left out.
 */
export function factsOf(linear: string): string[] {
  const spaced = linear
    .replace(/[(),]/g, ' $& ')
    .split(/\s+/)
    .filter((part) => part !== '')
    .join(' ');
  const facts = spaced.split(') , (').map((fact) => fact.replace(/^[() ]+|[() ]+$/g, ''));
  return [...new Set(facts.filter((fact) => fact !== ''))];
}

/**
 * Writes counts, attributes, relations. The form knows names only: objects of one name become one, and one of which nothing
 * is said is left out where there are facts, as the annotators did. An empty graph is the empty text.
 */
export function writeFactual(graph: SceneGraph): string {
  const tuples = tuplesOf(graph);
  const facts = tuples.filter(({ length }) => length > 1);
  const lines = (facts.length > 0 ? facts : tuples).map(([first, ...rest]) => {
    const parts = rest.length === 1 ? [first, IS, ...rest] : [first, ...rest];
    return `( ${parts.join(SEPARATOR)} )`;
  });
  return [...new Set(lines)].join(SEPARATOR);
}

/**
 * Reads a linear form. A name is one object, however often it occurs; a whole number after `is` is its count.
 * @throws RecaptionError `bad-scene-graph` where a fact has neither one nor three parts.
 */
export function readFactual(linear: string): SceneGraph {
  const graph: SceneGraph = { objects: [], attributes: [], relations: [] };
  const objectOf = (name: string) => {
    const known = graph.objects.find((object) => object.name === name);
    if (known) return known;
    const fresh = { id: freshId(name, graph.objects), name };
    graph.objects.push(fresh);
    return fresh;
  };
  for (const fact of factsOf(linear)) {
    const parts = fact.split(SEPARATOR);
    if (![1, 3].includes(parts.length) || parts.some((part) => part === '' || /[(),]/.test(part))) {
      throw new RecaptionError('bad-scene-graph', `"( ${fact} )" is no fact of a scene graph`, {
        hint: 'A fact is ( object ), ( object , is , attribute ) or ( subject , predicate , object ).',
      });
    }
    const [subject, predicate, object] = parts;
    const known = objectOf(subject);
    if (predicate === undefined) continue;
    if (predicate !== IS) graph.relations.push({ subject: known.id, predicate, object: objectOf(object).id });
    else if (/^\d{1,6}$/.test(object)) Object.assign(known, { count: Number(object) });
    else graph.attributes.push({ object: known.id, attribute: object });
  }
  return graph;
}
