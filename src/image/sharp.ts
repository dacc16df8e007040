/** The one place where libvips is set up; everything in this folder takes `sharp` from here. */
import sharp, { type Sharp } from 'sharp';
import type { Image } from './image.ts';

// Many small pictures: one thread for each of them beats several threads within one.
sharp.concurrency(1);
// libvips would otherwise answer from its cache for a file that has changed since.
sharp.cache(false);

/** A pipeline that starts from decoded pixels. */
export function fromPixels({ width, height, data }: Image): Sharp {
  return sharp(data, { raw: { width, height, channels: 3 } });
}

/** Runs a pipeline to its end, as pixels. Its last step must leave three channels. */
export async function toPixels(pipeline: Sharp): Promise<Image> {
  const { data, info } = await pipeline.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: plain(data) };
}

/** Runs a pipeline to its end, as an encoded file. */
export async function toFile(pipeline: Sharp): Promise<Uint8Array> {
  return plain(await pipeline.toBuffer());
}

/** The same memory, as what our types say it is: `slice` of a `Buffer` does not copy, that of a `Uint8Array` does. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

export { sharp };
