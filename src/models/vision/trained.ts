/** Image tokens from pixels (networks trained here) or from the cached features of frozen encoders. */
import { layerNorm, linear } from '../../nn/index.ts';
import { add, concat, input, normal, type Params, patchify, type Tensor } from '../../tensor/index.ts';
import type { CaptionerConfig } from '../captioner-config.ts';
import { pyramid } from './pyramid.ts';

export interface ImageInputs {
  /** Images B at once. */
  batch: number;
}

/** Bytes 0…255 to about −1…1. */
const normalisePixels = (x: Tensor): Tensor =>
  x
    .cast('float32')
    .mul(1 / 127.5)
    .sub(1);

/**
 * (B, S, C). Inputs: `pixels` (B, size, size, 3) uint8 for trained vision; `features.NAME` (B, tokens, width) float16 for each
 * group of frozen features.
 */
export function imageTokens(p: Params, c: CaptionerConfig, { batch }: ImageInputs): Tensor {
  const { vision, width } = c;
  if (vision.kind === 'frozen') {
    const groups = vision.groups.map((group) => {
      const at = p.at(group.name);
      const raw = input(`features.${group.name}`, [batch, group.tokens, group.width], 'float16').cast(
        'float32',
      );
      return placed(at, linear(at, raw, width));
    });
    return concat(groups, 1);
  }
  const pixels = normalisePixels(input('pixels', [batch, vision.size, vision.size, 3], 'uint8'));
  const x = vision.kind === 'pyramid' ? pyramid(p, vision, pixels) : patchify(pixels, vision.patch); // (B, S, ·)
  return placed(p, linear(p.at('tokens'), x, width));
}

/**
 * Tokens that know where they are. Normalised first and with places of a like size: against tokens of deviation 1, the customary
 * 0.02 is so faint that a captioner takes thousands of steps to learn where things are.
 */
function placed(p: Params, tokens: Tensor): Tensor {
  const [, count, width] = tokens.shape;
  return add(layerNorm(p.at('norm'), tokens), p.get('positions', [count, width], normal(0.5)));
}

/** Number of image tokens S of a configuration. */
export function imageTokenCount({ vision }: CaptionerConfig): number {
  if (vision.kind === 'frozen') return vision.groups.reduce((sum, group) => sum + group.tokens, 0);
  const cell =
    vision.kind === 'patches'
      ? vision.patch
      : vision.stages.reduce((product, { stride }) => product * stride, 1);
  return (vision.size / cell) ** 2;
}
