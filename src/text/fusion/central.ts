import { compareGraphs, tuplesOf } from '../scene-graph/index.ts';
import type { Reading } from './read-caption.ts';

/** How far each caption says what the others say: its mean tuple F1 with them, in [0, 1]. */
export function centrality(readings: readonly Pick<Reading, 'graph'>[]): number[] {
  const sizes = readings.map(({ graph }) => tuplesOf(graph).length);
  const sums = readings.map(() => 0);
  for (let i = 0; i < readings.length; i++) {
    for (let j = i + 1; j < readings.length; j++) {
      const { matched } = compareGraphs(readings[i].graph, readings[j].graph);
      const f1 = (2 * matched.length) / Math.max(1, sizes[i] + sizes[j]);
      sums[i] += f1;
      sums[j] += f1;
    }
  }
  return sums.map((sum) => sum / Math.max(1, readings.length - 1));
}
