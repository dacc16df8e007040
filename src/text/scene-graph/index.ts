/** Scene graphs from text: what a caption says is to be seen, as objects, attributes and relations. */
export { type Agreement, agreement } from './agreement.ts';
export { compareGraphs, type GraphDifference } from './compare.ts';
export { factsOf, readFactual, writeFactual } from './factual.ts';
export type { SceneAttribute, SceneGraph, SceneObject, SceneRelation } from './graph.ts';
export { mergeGraphs } from './merge.ts';
export { loadSceneGraphParser, type SceneGraphParser } from './parser.ts';
export { sameMeaning, sameTuple, type Tuple, tuplesOf } from './tuples.ts';
