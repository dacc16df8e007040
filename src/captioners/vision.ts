import { RecaptionError } from '../errors.ts';
import type { Image } from '../image/image.ts';
import type { VisionEncoder } from '../models/vision/encoder.ts';
import { openOnnxVision } from '../models/vision/onnx.ts';
import { openTransformersVision } from '../models/vision/transformers.ts';
import type { Arrays, Device } from '../tensor/index.ts';

/**
 * Opens a frozen encoder: an `.onnx` file or its `.json` description, or a vision model of `@huggingface/transformers` by hub id
 * or local folder.
 */
export function openVision(ref: string, device: Device = 'cpu'): Promise<VisionEncoder> {
  return /\.(onnx|json)$/.test(ref) ? openOnnxVision(ref, device) : openTransformersVision(ref, device);
}

/** Opens several, or none if one fails; group names must differ between them. */
export async function openVisions(refs: string[], device: Device = 'cpu'): Promise<VisionEncoder[]> {
  const encoders: VisionEncoder[] = [];
  try {
    for (const ref of refs) encoders.push(await openVision(ref, device));
    const names = encoders.flatMap(({ groups }) => groups.map(({ name }) => name));
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) {
      throw new RecaptionError('bad-config', `two vision encoders have an output named "${twice}"`, {
        hint: 'Rename one in its description.',
      });
    }
    return encoders;
  } catch (error) {
    for (const encoder of encoders) await encoder.close();
    throw error;
  }
}

/** The inputs `features.NAME` of a network for at most `batch` pictures; rows beyond them are 0. */
export async function encodedFeatures(
  encoders: readonly VisionEncoder[],
  images: readonly Image[],
  batch: number,
): Promise<Arrays> {
  const arrays: Arrays = {};
  for (const encoder of encoders) {
    const features = await encoder.encode([...images]);
    let from = 0;
    for (const { name, tokens, width } of encoder.groups) {
      const size = tokens * width;
      const all = new Uint16Array(batch * size);
      for (const [i, values] of features.entries()) all.set(values.subarray(from, from + size), i * size);
      arrays[`features.${name}`] = all;
      from += size;
    }
  }
  return arrays;
}
