/** The world as a collection of images with captions. */
import type { Dataset, Sample } from '../data/sample.ts';
import { RecaptionError } from '../errors.ts';
import { encodePng } from '../image/encode.ts';
import { random } from '../random.ts';
import { captionScene, WORLD_KINDS, type WorldCaptionKind } from './captions.ts';
import { sceneGraph } from './graph.ts';
import { checkSize, renderScene } from './render.ts';
import { checkOptions, type SceneOptions, sampleScene } from './sample-scene.ts';

export interface WorldOptions extends SceneOptions {
  /** Number of scenes. */
  count: number;
  /** Width and height of a picture in pixels; 32 to 128 is usual. */
  size: number;
  seed: number;
  /** Index of the first scene; by default 0. Ranges that do not meet share no scene. */
  offset?: number;
  /** Captions of each sample, in this order; by default one of each kind. A kind that comes again is worded anew. */
  kinds?: readonly WorldCaptionKind[];
}

/** Keys have six digits, so that their order as text is their order. */
const MOST = 1_000_000;

/**
 * Scenes `offset` to `offset + count` of a seed, drawn when asked for. A sample depends on the seed, its own index,
 * the size, the kinds and the scene options only. `meta` holds `seed`, `index`, `scene` (for `parseScene`) and `graph`
 * with boxes in shares of the canvas.
 * @throws RecaptionError `world-options`, `world-size`, at once; `world-options` later where no scene meets the options
 */
export function worldDataset({
  count,
  size,
  seed,
  offset = 0,
  kinds = WORLD_KINDS,
  ...options
}: WorldOptions): Dataset {
  if (
    !Number.isInteger(count) ||
    !Number.isInteger(offset) ||
    count < 0 ||
    offset < 0 ||
    offset + count > MOST
  ) {
    throw new RecaptionError('world-options', `a world has no scenes ${offset} to ${offset + count - 1}`, {
      hint: 'One seed has the scenes 0 to 999,999; take another seed for more.',
    });
  }
  checkSize(size);
  checkOptions(options);
  return {
    async *[Symbol.asyncIterator]() {
      for (let index = offset; index < offset + count; index++) {
        yield worldSample({ size, seed, index, kinds, options });
      }
    },
  };
}

interface SampleRequest {
  size: number;
  seed: number;
  index: number;
  kinds: readonly WorldCaptionKind[];
  options: SceneOptions;
}

function worldSample({ size, seed, index, kinds, options }: SampleRequest): Sample {
  const scene = sampleScene(seed, index, options);
  const key = `scene-${String(index).padStart(6, '0')}`;
  return {
    key,
    image: { name: `${key}.png`, bytes: () => encodePng(renderScene(scene, size)) },
    captions: kinds.map((kind, i) => {
      const wording = kinds.slice(0, i).filter((other) => other === kind).length;
      const text = captionScene(scene, kind, random(seed, 'world-caption', index, kind, wording));
      return { text, kind, source: 'world' };
    }),
    meta: { seed, index, scene, graph: sceneGraph(scene) },
  };
}
