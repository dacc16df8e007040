import { apply, constant, int64s, shapeError, type Tensor } from '../tensor.ts';

/**
 * Rotary positions (Su et al. 2021): of x (B, heads, N, d) the numbers i and i + d/2 are turned together by an angle that depends on the
 * place. @param angles (N · d/2), in radians, row by row
 */
export function rotate(x: Tensor, angles: Float32Array): Tensor {
  const [, heads, places, width] = x.shape;
  if (x.rank !== 4 || width % 2 !== 0 || angles.length !== (places * width) / 2)
    throw shapeError('rotate', `[${x.shape}] by ${angles.length} angles`);
  const table = (f: (angle: number) => number) => constant(angles.map(f), [places, width / 2], 'float32');
  const inputs = [x, int64s([0]), table(Math.cos), table(Math.sin)];
  const backwards = () => angles.map((angle) => -angle);
  return apply(
    'RotaryEmbedding',
    inputs,
    { shape: x.shape, domain: 'com.microsoft', attributes: { num_heads: heads } },
    (dy) => [rotate(dy, backwards()), undefined, undefined, undefined],
  );
}
