import { RecaptionError } from '../../errors.ts';
import type { Device } from '../../tensor/device.ts';
import { gridRegions } from './grid.ts';
import { onnxRegions } from './onnx.ts';
import type { RegionProposer } from './proposer.ts';
import { transformersRegions } from './transformers.ts';
import { worldRegions } from './world.ts';

/** Most cells of a grid along a side. */
const MOST_CELLS = 16;

/**
 * Who proposes regions, by reference: `world` (the shapes of a scene), `grid` or `grid:1,2,3` (no detector: cells of several scales),
 * an ONNX detector by its file or its description, or an object detector of `@huggingface/transformers` by hub id or folder.
 * @throws RecaptionError `bad-regions`, `file-not-found`, `bad-config`, `bad-onnx`, `missing-package`, `bad-model`
 */
export async function openRegions(ref: string, device: Device = 'cpu'): Promise<RegionProposer> {
  if (ref === 'world') return worldRegions(ref);
  const grid = /^grid(?::(.*))?$/.exec(ref);
  if (grid) return gridRegions(ref, grid[1] === undefined ? undefined : sidesOf(grid[1], ref));
  return /\.(onnx|json)$/.test(ref) ? onnxRegions(ref, device) : transformersRegions(ref, device);
}

function sidesOf(text: string, ref: string): number[] {
  const sides = text.split(',').map(Number);
  if (sides.every((side) => Number.isInteger(side) && side >= 1 && side <= MOST_CELLS)) return sides;
  throw new RecaptionError('bad-regions', `"${ref}" is no grid`, {
    hint: `Write the cells along a side of each scale, from 1 to ${MOST_CELLS}: grid:1,2,3.`,
  });
}
