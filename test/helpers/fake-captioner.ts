/** A captioner without a network: names the number that `numberedPictures` wrote into the pixels. */
import { setTimeout } from 'node:timers/promises';
import type { Captioner } from '../../src/captioners/captioner.ts';
import type { Dataset, Sample } from '../../src/data/sample.ts';
import { encodePng } from '../../src/image/index.ts';

export function fakeCaptioner(more: Partial<Captioner> & { delayMs?: number } = {}): Captioner {
  const { delayMs = 0, ...fields } = more;
  return {
    id: 'fake@1',
    kind: 'short',
    resolution: 64,
    batch: 16,
    async caption(images) {
      if (delayMs > 0) await setTimeout(delayMs);
      return images.map(({ data: [low, high] }) => ({
        text: `picture number ${low + 256 * high}`,
        score: -(low + 1) / 8,
      }));
    },
    close: async () => {},
    ...fields,
  };
}

/** The PNG file of picture number `n`. */
export function numberedPicture(n: number): Promise<Uint8Array> {
  const data = new Uint8Array(4 * 4 * 3);
  for (let at = 0; at < data.length; at += 3) data.set([n % 256, n >> 8, 0], at);
  return encodePng({ width: 4, height: 4, data });
}

/** A collection in memory; a picture of `null` is one whose bytes are broken. */
export function numberedPictures(numbers: (number | null)[]): Dataset {
  return {
    async *[Symbol.asyncIterator]() {
      for (const [at, n] of numbers.entries()) yield sample(at, n);
    },
  };
}

function sample(at: number, n: number | null): Sample {
  const key = `p${String(at).padStart(3, '0')}`;
  const bytes = async () => (n === null ? new Uint8Array([1, 2, 3]) : numberedPicture(n));
  return { key, image: { name: `${key}.png`, bytes }, captions: [] };
}
