/** What relation graphs learn from the world's captions, and what holds in truth. */
import { readClaims } from './claims.ts';
import type { SceneGraph } from './graph.ts';
import type { Relation } from './vocabulary.ts';

/** As the world's captions say it: from the first to the second as well as the other way round. */
export type HeldRelation = Relation | 'behind' | 'around';

const INVERSE: Record<Relation, HeldRelation> = {
  'left of': 'right of',
  'right of': 'left of',
  above: 'below',
  below: 'above',
  inside: 'around',
  'in front of': 'behind',
};
export const HELD_RELATIONS = [...new Set([...Object.keys(INVERSE), ...Object.values(INVERSE)])] as HeldRelation[]; // biome-ignore format: one line

/** Which relation a predicate of a caption's scene graph names, if any: `sit under` names `below`. */
export function relationNamed(predicate: string): HeldRelation | undefined {
  const words = predicate.split(' ');
  for (let from = 0; from < words.length; from++) {
    const claims = readClaims(`A red circle ${words.slice(from).join(' ')} a blue square.`);
    if (claims.relations.length > 0) return claims.relations[0].relation;
  }
  return undefined;
}

/** Every relation of a scene in both directions; ids of its objects. */
export function heldRelations({
  relations,
}: Pick<SceneGraph, 'relations'>): { subject: number; relation: HeldRelation; object: number }[] {
  return relations.flatMap(({ subject, predicate, object }) => [
    { subject, relation: predicate, object },
    { subject: object, relation: INVERSE[predicate], object: subject },
  ]);
}
