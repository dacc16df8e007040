import type { Region } from '../../data/regions.ts';
import { readScene } from '../../evaluate/scene-reader.ts';
import type { Image } from '../../image/image.ts';
import { boxOf, SHAPES } from '../../world/index.ts';
import type { ProposedRegion, RegionProposer } from './proposer.ts';

/** The id of its regions. */
export const WORLD = 'world';
/** Objects of a scene at most. */
const MOST = 8;
const LABELS: readonly string[] = SHAPES;

/** The shapes of a scene: those that its sample tells of, and where it tells of none, those that are read from the picture. */
export function worldRegions(ref: string): RegionProposer {
  return {
    id: WORLD,
    ref,
    labels: LABELS,
    most: MOST,
    resolution: 128,
    propose: async (views) =>
      views.map(({ image, regions }) => (regions.length > 0 ? known(regions) : seen(image)).slice(0, MOST)),
    close: async () => {},
  };
}

const known = (regions: readonly Region[]): ProposedRegion[] =>
  regions.map(({ name, box }) => ({ box, label: LABELS.indexOf(name), score: 1 }));

const seen = (image: Image): ProposedRegion[] =>
  readScene(image).objects.map((object) => ({
    box: boxOf(object),
    label: LABELS.indexOf(object.shape),
    score: 1,
  }));
