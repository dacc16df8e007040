import { join, resolve } from 'node:path';
import { RecaptionError } from '../../errors.ts';
import { exists } from '../../files.ts';
import type { Image } from '../../image/image.ts';
import type { Device } from '../../tensor/device.ts';
import { readJson } from '../model-folder.ts';
import type { DecoderDraw } from './decoder-codec.ts';

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

export interface CodecOptions {
  device?: Device;
  /** How a diffusion decoder draws, over its own defaults. */
  draw?: Partial<DecoderDraw>;
}

/** @throws RecaptionError `bad-config` where pictures of this size do not divide into cells */
export function checkSize({ factor }: Pick<Codec, 'factor'>, size: number): void {
  if (size % factor === 0) return;
  throw new RecaptionError('bad-config', `pictures of ${size} pixels do not divide into cells of ${factor}`, {
    place: '--size',
    hint: `Take a multiple of ${factor}.`,
  });
}

/**
 * An autoencoder by reference: a folder made by `recaption train autoencoder`, one made by `recaption train decoder` on top of another
 * (which encodes as that does), or one of the TAESD family.
 * @throws RecaptionError `bad-model`, `bad-config`, `bad-weights`
 */
export async function openCodec(path: string, { device = 'cpu', draw }: CodecOptions = {}): Promise<Codec> {
  const ref = resolve(path); // it is written down, and may be read from another folder
  const place = join(ref, 'config.json');
  const { type } = ((await exists(place)) ? await readJson(place) : {}) as { type?: unknown };
  if (type === 'recaption-autoencoder')
    return (await import('./patch-codec.ts')).openPatchAutoencoder(ref, device);
  if (type === 'recaption-decoder')
    return (await import('./decoder-codec.ts')).openDecoder(ref, device, draw);
  return (await import('./taesd-codec.ts')).openTaesd(ref, device);
}
