import { freshId, type SceneGraph, type SceneObject } from './graph.ts';
import { sameMeaning } from './tuples.ts';

/** An object of the merged graph, and what the graphs said of it. */
interface Cluster {
  names: string[];
  counts: number[];
  attributes: string[];
}

/**
 * One graph of several captions of an image. An object joins the object of the same meaning that shares most attributes with
 * it; two objects of one caption stay two. The name and the number are the most frequent ones, the earliest among equals;
 * of attributes and relations that mean the same, the first is kept.
 */
export function mergeGraphs(graphs: readonly SceneGraph[]): SceneGraph {
  const clusters: Cluster[] = [];
  const relations: { subject: Cluster; predicate: string; object: Cluster }[] = [];
  for (const graph of graphs) {
    const joined = joinObjects(clusters, graph);
    for (const { subject, predicate, object } of graph.relations) {
      const one = { subject: joined.get(subject)!, predicate, object: joined.get(object)! };
      const known = relations.some(
        (other) =>
          other.subject === one.subject &&
          other.object === one.object &&
          sameMeaning(other.predicate, predicate),
      );
      if (!known) relations.push(one);
    }
  }
  const objects: SceneObject[] = [];
  const ids = new Map<Cluster, string>();
  for (const cluster of clusters) {
    const name = mostFrequent(cluster.names)!;
    const count = mostFrequent(cluster.counts);
    const id = freshId(name, objects);
    objects.push(count === undefined ? { id, name } : { id, name, count });
    ids.set(cluster, id);
  }
  return {
    objects,
    attributes: clusters.flatMap((cluster) =>
      cluster.attributes.map((attribute) => ({ object: ids.get(cluster)!, attribute })),
    ),
    relations: relations.map(({ subject, predicate, object }) => ({
      subject: ids.get(subject)!,
      predicate,
      object: ids.get(object)!,
    })),
  };
}

/** Adds the objects of a graph to the clusters; returns the cluster of each id. */
function joinObjects(clusters: Cluster[], { objects, attributes }: SceneGraph): Map<string, Cluster> {
  const joined = new Map<string, Cluster>();
  const taken = new Set<Cluster>();
  for (const { id, name, count } of objects) {
    const own = attributes.filter(({ object }) => object === id).map(({ attribute }) => attribute);
    const shared = (cluster: Cluster) =>
      own.filter((one) => cluster.attributes.some((other) => sameMeaning(one, other)));
    const fitting = clusters
      .filter((cluster) => !taken.has(cluster) && cluster.names.some((other) => sameMeaning(name, other)))
      .sort((a, b) => shared(b).length - shared(a).length);
    const cluster = fitting[0] ?? { names: [], counts: [], attributes: [] };
    if (fitting.length === 0) clusters.push(cluster);
    taken.add(cluster);
    cluster.names.push(name);
    if (count !== undefined) cluster.counts.push(count);
    const known = shared(cluster);
    cluster.attributes.push(...own.filter((one) => !known.includes(one)));
    joined.set(id, cluster);
  }
  return joined;
}

function mostFrequent<T>(values: readonly T[]): T | undefined {
  const times = (value: T) => values.filter((other) => other === value).length;
  return values.reduce<T | undefined>(
    (best, one) => (best === undefined || times(one) > times(best) ? one : best),
    undefined,
  );
}
