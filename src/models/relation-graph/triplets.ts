/** What captions say of how things stand to each other, as training data of a relation graph (paper B, section on CGVRG). */
import { mergeGraphs, type SceneGraphParser } from '../../text/scene-graph/index.ts';
import { alignedRegions, type LabelledRegion, type LabelMatcher } from './grounding.ts';

/** Subject, predicate, object, by name. */
export interface Triplet {
  subject: string;
  predicate: string;
  object: string;
}

/** Triplets of a picture: its captions parsed and merged. */
export function tripletsOf(captions: readonly string[], parser: SceneGraphParser): Triplet[] {
  const graph = mergeGraphs(captions.map((caption) => parser.parse(caption)));
  const names = new Map(graph.objects.map(({ id, name }) => [id, name]));
  return graph.relations.map(({ subject, predicate, object }) => ({
    subject: names.get(subject)!,
    predicate,
    object: names.get(object)!,
  }));
}

/** A triplet of which both ends are regions: any of the pairs may be the one that it speaks of. */
export interface GroundedTriplet {
  predicate: string;
  /** Regions of its subject and of its object, by their places. */
  pairs: [subject: number, object: number][];
}

/** Triplets whose ends are both to be found among the regions; a region has no relation to itself. */
export function groundTriplets(
  triplets: readonly Triplet[],
  regions: readonly LabelledRegion[],
  matcher: LabelMatcher,
): GroundedTriplet[] {
  return triplets.flatMap(({ subject, predicate, object }) => {
    const from = alignedRegions(matcher.match(subject), regions);
    const to = alignedRegions(matcher.match(object), regions);
    const pairs = from.flatMap((i) => to.flatMap((j): [number, number][] => (i === j ? [] : [[i, j]])));
    return pairs.length > 0 ? [{ predicate, pairs }] : [];
  });
}

export interface Counted {
  name: string;
  /** Pictures. */
  count: number;
}

/** Names by the number of pictures that have them, the commonest first, equals by the alphabet. */
export function countNames(pictures: Iterable<Iterable<string>>): Counted[] {
  const counts = new Map<string, number>();
  for (const names of pictures)
    for (const name of new Set(names)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts]
    .map(([name, count]) => ({ name, count }))
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
}
