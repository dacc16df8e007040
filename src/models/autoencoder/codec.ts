import type { Image } from '../../image/image.ts';
import type { Device } from '../../tensor/device.ts';

/** Pictures as smaller grids of vectors, and back. */
export interface Codec {
  /** Names the network and its weights. */
  id: string;
  /** Where it was found. */
  ref: string;
  /** Pixels along a side of one cell. */
  factor: number;
  /** Numbers of a cell. */
  channels: number;
  /** Square pictures of one size, whose side is a multiple of `factor`: (side / factor)² · channels numbers each, row by row, channels last. */
  encode(images: readonly Image[]): Promise<Float32Array[]>;
  /** The other way round. @param side of the grid */
  decode(latents: readonly Float32Array[], side: number): Promise<Image[]>;
  close(): Promise<void>;
}

/**
 * An autoencoder by reference: a folder of the TAESD family.
 * @throws RecaptionError `bad-model`, `bad-weights`
 */
export async function openCodec(ref: string, { device = 'cpu' }: { device?: Device } = {}): Promise<Codec> {
  return (await import('./taesd-codec.ts')).openTaesd(ref, device);
}
