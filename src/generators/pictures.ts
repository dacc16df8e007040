/** What the network draws: pixels, or the latents of an autoencoder. */
import { fromSigned, type Image } from '../image/index.ts';
import type { Codec } from '../models/autoencoder/codec.ts';
import type { DiffusionConfig } from '../models/diffusion-transformer/config.ts';
import { asSigned } from '../models/diffusion-transformer/process.ts';
import { cacheOf, pixelRecorder, type Recorder } from '../models/training/prepare.ts';
import { fromHalf, toHalf } from '../tensor/half.ts';
import { type Arrays, constant, input, type Tensor } from '../tensor/index.ts';

/** Of each channel of the latents, so that the network sees numbers about 0 and about 1 apart. */
export interface LatentScale {
  mean: number[];
  deviation: number[];
}

export interface Pictures {
  /** Turns decoded pictures into the records that are learnt. */
  recorder: Recorder;
  /** Side of the network's grid, and numbers of each place. */
  grid: { size: number; channels: number };
  /** Graph input: x (B, S, S, C) as the network sees it. */
  tensor(batch: number): Tensor;
  /** Records under these names as that input; rows beyond them are 0. */
  feed(hashes: readonly string[], batch: number): Arrays;
  /** Latents as the autoencoder gave them; none for pixels. */
  raw(hashes: readonly string[]): Float32Array[];
  /** What the network has drawn, (n · S · S · C), as images. */
  images(values: Float32Array): Promise<Image[]>;
}

/** Pictures of `size` × `size` pixels themselves. */
export async function pixelPictures(size: number): Promise<Pictures> {
  const recorder = await pixelRecorder(size);
  const numbers = size * size * 3;
  return {
    recorder,
    grid: { size, channels: 3 },
    tensor: (batch) => asSigned(input('pixels', [batch, size, size, 3], 'uint8')),
    feed(hashes, batch) {
      const pixels = new Uint8Array(batch * numbers);
      for (const [i, hash] of hashes.entries()) recorder.cache.readInto(hash, pixels.subarray(i * numbers, (i + 1) * numbers)); // biome-ignore format: one line
      return { pixels };
    },
    raw: () => [],
    images: async (values) => fromSigned(values, size),
  };
}

/** Latents of pictures of `size` × `size` pixels, float16. @param scale once it is known; before that the latents are as they are */
export async function latentPictures(codec: Codec, size: number, scale?: LatentScale): Promise<Pictures> {
  const side = size / codec.factor;
  const numbers = side * side * codec.channels;
  const cache = await cacheOf('latents', `${codec.id}-${size}`, numbers * 2);
  const recorder: Recorder = {
    cache,
    name: codec.id,
    size: { width: size, height: size },
    flips: false,
    record: async (views) =>
      (await codec.encode(views.map(({ image }) => image))).map(
        (latent) => new Uint8Array(toHalf(latent).buffer),
      ),
  };
  const mean = scale?.mean ?? Array<number>(codec.channels).fill(0);
  const deviation = scale?.deviation ?? Array<number>(codec.channels).fill(1);
  return {
    recorder,
    grid: { size: side, channels: codec.channels },
    tensor(batch) {
      const raw = input('latents', [batch, side, side, codec.channels], 'float16').cast('float32');
      const row = (values: number[]) =>
        constant(Float32Array.from(values), [1, 1, 1, codec.channels], 'float32');
      return raw.sub(row(mean)).div(row(deviation));
    },
    feed(hashes, batch) {
      const latents = new Uint16Array(batch * numbers);
      for (const [i, hash] of hashes.entries()) cache.readInto(hash, new Uint8Array(latents.buffer, 2 * i * numbers, 2 * numbers)); // biome-ignore format: one line
      return { latents };
    },
    raw: (hashes) =>
      hashes.map((hash) => {
        const record = new Uint16Array(numbers);
        cache.readInto(hash, new Uint8Array(record.buffer));
        return fromHalf(record);
      }),
    images: (values) => latentImages(codec, values, size, { mean, deviation }),
  };
}

/** Latents that the network has drawn, as images of `size` × `size` pixels. */
export function latentImages(
  codec: Codec,
  values: Float32Array,
  size: number,
  { mean, deviation }: LatentScale,
): Promise<Image[]> {
  const side = size / codec.factor;
  const numbers = side * side * codec.channels;
  const grids = Array.from({ length: values.length / numbers }, (_, i) =>
    Float32Array.from(values.subarray(i * numbers, (i + 1) * numbers), (value, k) => {
      const channel = k % codec.channels;
      return value * deviation[channel] + mean[channel];
    }),
  );
  return codec.decode(grids, side);
}

/** Measured over a few of the records. */
export function latentScale({ recorder, grid }: Pictures, hashes: readonly string[]): LatentScale {
  const { size, channels } = grid;
  const sums = Array.from({ length: channels }, () => [0, 0]);
  const record = new Uint16Array(size * size * channels);
  for (const hash of hashes) {
    recorder.cache.readInto(hash, new Uint8Array(record.buffer));
    for (const [i, value] of fromHalf(record).entries()) {
      sums[i % channels][0] += value;
      sums[i % channels][1] += value * value;
    }
  }
  const count = hashes.length * size * size;
  const mean = sums.map(([sum]) => sum / count);
  const deviation = sums.map(([, squares], c) => Math.sqrt(Math.max(1e-6, squares / count - mean[c] ** 2)));
  return { mean, deviation };
}

/** The sizes of a configuration, as the pictures have them. */
export const withGrid = (config: DiffusionConfig, { grid }: Pictures): DiffusionConfig => ({
  ...config,
  ...grid,
});
