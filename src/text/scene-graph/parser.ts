import { type Analysis, analyse } from './analyse.ts';
import { freshId, type SceneGraph, type SceneObject } from './graph.ts';
import { readModel, type SceneGraphModel } from './model.ts';
import { numberOf } from './numbers.ts';
import type { Mention } from './phrases.ts';
import { type Antecedent, antecedentOf, resolvePronouns } from './pronouns.ts';
import { readSides } from './sides.ts';
import { loadTagger, type Tagger } from './token.ts';

export interface SceneGraphParser {
  /** Any text is accepted; one that names nothing has an empty graph. The same text gives the same graph. */
  parse(text: string): SceneGraph;
}

let loaded: Promise<SceneGraphParser> | undefined;

/**
 * Loads the parser once for the process: tagger and lexicon, about half a second.
 * @throws RecaptionError `file-not-found`, `read-failed`, `bad-lexicon`.
 */
export function loadSceneGraphParser(): Promise<SceneGraphParser> {
  loaded ??= Promise.all([
    readModel(new URL('../../../assets/scene-graph/', import.meta.url)),
    loadTagger(),
  ]).then(([model, tagger]) => createParser(model, tagger));
  return loaded;
}

export function createParser(model: SceneGraphModel, tagger: Tagger): SceneGraphParser {
  return {
    parse(text) {
      const graph: SceneGraph = { objects: [], attributes: [], relations: [] };
      let antecedents: Antecedent[] = [];
      for (const sentence of tagger(text)) {
        const { tokens, named } = readSides(resolvePronouns(sentence, antecedents));
        const analysis = analyse(tokens, model);
        const related = analysis.related.map((one) => ({ ...one, relation: named(one.relation) }));
        addSentence(graph, { ...analysis, related }, model);
        const own = analysis.mentions.map(({ text, head }) => ({ ...antecedentOf({ text: text.split(' ').at(-1)!, lemma: head }), text })); // biome-ignore format: one line
        antecedents = [...own, ...antecedents]; // the subject of the last sentence first
      }
      return graph;
    },
  };
}

/** A determiner that brings something new: a second "a dog" is another dog. */
const NEW = /^(?:an?|another|other|second|third|some|several|more|one|two|three|\d+)$/;
const DEFINITE = /^(?:the|this|that|these|those)$/;

function addSentence(graph: SceneGraph, analysis: Analysis, { names, attributes }: SceneGraphModel): void {
  const { mentions, attachments, related } = analysis;
  const objects: SceneObject[] = [];
  mentions.forEach((mention, i) => {
    const name = names.get(mention.text) ?? mention.text;
    // Two of one name that stand in a relation are two objects: "a tree beside a tree".
    const others = new Set(related.flatMap(({ a, b }) => (b === i ? [objects[a]] : [])));
    const known = graph.objects.filter((object) => !others.has(object));
    const object = referent(mention, name, analysis, known) ?? { id: freshId(name, graph.objects), name };
    if (!graph.objects.includes(object)) graph.objects.push(object);
    objects.push(object);
  });
  for (const { attribute, mention } of attachments) {
    const object = objects[mention];
    const text = attributes.get(attribute.text) ?? attribute.text;
    const count = numberOf(text);
    if (count !== undefined && object.count === undefined) object.count = count;
    else addOnce(graph.attributes, { object: object.id, attribute: count === undefined ? text : `${count}` });
  }
  for (const { a, b, relation } of related) {
    const [subject, object] = relation.startsWith('>') ? [a, b] : [b, a];
    addOnce(graph.relations, {
      subject: objects[subject].id,
      predicate: relation.slice(1),
      object: objects[object].id,
    });
  }
}

/** The object of which the text has spoken already. */
function referent(
  mention: Mention,
  name: string,
  { tokens, attachments }: Analysis,
  known: readonly SceneObject[],
): SceneObject | undefined {
  const own = attachments.filter(
    ({ attribute }) => attribute.end <= mention.start && attribute.start >= mention.start - 3,
  );
  let start = mention.start;
  for (const { attribute } of own.toReversed()) if (attribute.end === start) start = attribute.start;
  const determiner = tokens[start - 1]?.text ?? '';
  if (NEW.test(determiner) || NEW.test(tokens[start].text)) return undefined;
  const same = known.findLast((object) => object.name === name);
  if (same || !DEFINITE.test(determiner)) return same;
  return known.findLast((object) => object.name.endsWith(` ${name}`));
}

function addOnce<T extends object>(list: T[], one: T): void {
  const text = JSON.stringify(one);
  if (!list.some((other) => JSON.stringify(other) === text)) list.push(one);
}
