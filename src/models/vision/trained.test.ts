import { describe, expect, it } from 'vitest';
import { pixelsOf, tinyConfig, tinyPictures } from '../../../test/helpers/tiny-captioner.ts';
import { random } from '../../random.ts';
import { checkGradient } from '../../tensor/check-gradient.ts';
import { toHalf } from '../../tensor/half.ts';
import { compile, constant, initialise, type Params, params, sizeOf } from '../../tensor/index.ts';
import { type CaptionerConfig, captionerConfigSchema } from '../captioner-config.ts';
import { pyramid } from './pyramid.ts';
import { imageTokenCount, imageTokens } from './trained.ts';

const visions: Record<string, CaptionerConfig['vision']> = {
  patches: { kind: 'patches', size: 12, patch: 4 },
  pyramid: {
    kind: 'pyramid',
    size: 16,
    stages: [
      { stride: 2, kernel: 1, channels: 4, blocks: 0 },
      { stride: 2, kernel: 3, channels: 6, blocks: 2 },
    ],
  },
  frozen: {
    kind: 'frozen',
    groups: [
      { encoder: 'e', name: 'grid', tokens: 4, width: 6 },
      { encoder: 'e', name: 'pooled', tokens: 1, width: 3 },
    ],
  },
};

describe('image tokens', () => {
  it.each(Object.entries(visions))('of %s are as many as the configuration says', (_, vision) => {
    const config = tinyConfig({ vision });
    const tokens = imageTokens(params(), config, { batch: 3 });
    expect(tokens.shape).toEqual([3, imageTokenCount(config), config.width]);
  });

  it.each(['patches', 'pyramid'])(
    'of %s change where the picture changes, and for that picture alone',
    async (kind) => {
      const config = tinyConfig({ vision: visions[kind] });
      const tree = params();
      const y = imageTokens(tree, config, { batch: 2 });
      const program = await compile({ outputs: { y }, frozen: initialise(tree.all, 1) });
      const pictures = tinyPictures(config, 2);
      const before = (await program.run(pixelsOf(pictures))).y as Float32Array;
      pictures[1] = pictures[1].slice();
      pictures[1].fill(0, -3); // its last pixel
      const after = (await program.run(pixelsOf(pictures))).y as Float32Array;
      await program.dispose();
      const row = (values: Float32Array, token: number) =>
        values.slice(token * config.width, (token + 1) * config.width);
      const count = imageTokenCount(config);
      expect(after.slice(0, count * config.width)).toEqual(before.slice(0, count * config.width));
      expect(row(after, 2 * count - 1)).not.toEqual(row(before, 2 * count - 1));
      if (kind === 'patches') expect(row(after, count)).toEqual(row(before, count));
    },
  );

  it('of frozen features do not depend on their scale, which differs between encoders', async () => {
    const config = tinyConfig({ vision: visions.frozen });
    const tree = params();
    const y = imageTokens(tree, config, { batch: 1 });
    const program = await compile({ outputs: { y }, frozen: initialise(tree.all, 1) });
    const features = (scale: number) => ({
      'features.grid': toHalf(Float32Array.from({ length: 24 }, (_, i) => scale * Math.sin(i))),
      'features.pooled': toHalf(Float32Array.of(scale, 2 * scale, -scale)),
    });
    const [small, large] = [await program.run(features(1)), await program.run(features(8))];
    await program.dispose();
    for (const [i, value] of large.y.entries()) expect(Number(value)).toBeCloseTo(Number(small.y[i]), 2);
  });
});

/** A tree whose parameters are random constants, the gains too, so that every block takes part. */
function fixed(path = ''): Params {
  const draw = random(1, path);
  return {
    path,
    all: new Map(),
    at: (name) => fixed(`${path}.${name}`),
    get: (_, shape) =>
      constant(
        Float32Array.from({ length: sizeOf(shape) }, () => draw.normal() / 2),
        shape,
        'float32',
      ),
  };
}

describe('the pyramid', () => {
  const STAGES = [
    { stride: 1, kernel: 3, channels: 3, blocks: 1 },
    { stride: 2, kernel: 1, channels: 4, blocks: 0 },
  ];
  it('has the gradient of its finite differences', () =>
    checkGradient([[1, 4, 4, 3]], (x) => pyramid(fixed(), { stages: STAGES }, x), {
      step: 1e-3,
    }));

  it('must be able to cut its picture into the cells of every stage', () => {
    const vision = { kind: 'pyramid', size: 20, stages: [{ stride: 4, channels: 4 }, { channels: 4 }] };
    const { success, error } = captionerConfigSchema.safeParse({ vision });
    expect(success).toBe(false);
    expect(error!.issues[0].path).toEqual(['vision', 'size']);
  });
});
