import type { Box } from '../../data/regions.ts';
import type { ProposedRegion, RegionProposer } from './proposer.ts';

/** Regions where there is no detector: the cells of grids of several scales, without labels. `sides` are their cells along a side. */
export function gridRegions(ref: string, sides: readonly number[] = [1, 2, 3]): RegionProposer {
  const boxes: Box[] = sides.flatMap((side) =>
    Array.from({ length: side * side }, (_, i) => ({
      x: (i % side) / side,
      y: Math.floor(i / side) / side,
      width: 1 / side,
      height: 1 / side,
    })),
  );
  const regions: ProposedRegion[] = boxes.map((box) => ({ box, label: -1, score: 1 }));
  return {
    id: `grid-${sides.join('-')}`,
    ref,
    labels: [],
    most: boxes.length,
    resolution: 64, // only its shape counts
    propose: async (views) => views.map(() => regions),
    close: async () => {},
  };
}
