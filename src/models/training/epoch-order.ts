import { random } from '../../random.ts';

/** The order in which an epoch goes through the images. */
export function epochOrder(count: number, seed: number, epoch: number): Int32Array {
  return Int32Array.from(random(seed, 'order', epoch).shuffle([...Array(count).keys()]));
}
