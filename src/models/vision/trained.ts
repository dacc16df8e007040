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
      const x = layerNorm(at.at('norm'), linear(at, raw, width));
      return add(x, at.get('positions', [group.tokens, width], normal(0.02)));
    });
    return concat(groups, 1);
  }
  const pixels = normalisePixels(input('pixels', [batch, vision.size, vision.size, 3], 'uint8'));
  const x = vision.kind === 'pyramid' ? pyramid(p, vision, pixels) : patchify(pixels, vision.patch); // (B, S, ·)
  const tokens = linear(p.at('tokens'), x, width);
  return add(tokens, p.get('positions', [tokens.shape[1], width], normal(0.02)));
}

/** Number of image tokens S of a configuration. */
export function imageTokenCount({ vision }: CaptionerConfig): number {
  if (vision.kind === 'frozen') return vision.groups.reduce((sum, group) => sum + group.tokens, 0);
  const side =
    vision.kind === 'patches' ? vision.size / vision.patch : vision.size / 2 ** vision.channels.length;
  return side * side;
}
