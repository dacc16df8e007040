/** TAESD's files: encoder and decoder apart as published, or both in one as `diffusers` has them (AutoencoderTiny). */
import { join } from 'node:path';
import { RecaptionError } from '../../errors.ts';
import { exists } from '../../files.ts';
import type { ParameterSpec, Weights } from '../../tensor/index.ts';
import { readSafetensors, type StoredTensor, toFloat32 } from '../../tensor/safetensors.ts';
import type { TaesdConfig } from './taesd.ts';

export type TaesdHalf = 'encoder' | 'decoder';

export interface TaesdFile {
  config: TaesdConfig;
  /** The weights that a traced half declares. @throws RecaptionError `bad-weights` naming the first that is missing or of another shape */
  weights(specs: ReadonlyMap<string, ParameterSpec>): Weights;
}

/**
 * Reads one half of a TAESD from a folder: `encoder.safetensors`, `decoder.safetensors` (also under longer names such as
 * `taesdxl_encoder.safetensors`) or `diffusion_pytorch_model.safetensors`. What it is follows from the tensors' shapes.
 * @throws RecaptionError `bad-model` for a folder without such a file, or with one of another sort; those of `readSafetensors`
 */
export async function readTaesd(folder: string, half: TaesdHalf): Promise<TaesdFile> {
  const place = await fileOf(folder, half);
  const { tensors: all } = await readSafetensors(place);
  const tensors = published(all, half);
  const ends = half === 'encoder' ? tensors.get('14.weight')?.shape[0] : tensors.get('1.weight')?.shape[1];
  if (ends === undefined) {
    throw new RecaptionError('bad-model', `this is no ${half} of a TAESD`, {
      place,
      hint: 'Give a folder with encoder.safetensors and decoder.safetensors of the TAESD family.',
    });
  }
  return {
    config: { latentChannels: ends, pooled: [...tensors.keys()].some((name) => name.includes('.pool.')) },
    weights: (specs) =>
      new Map(
        [...specs].map(([name, { tensor }]) => {
          const found = tensors.get(name);
          if (found?.shape.join() === tensor.shape.join()) return [name, toFloat32(found, place)];
          const what = found ? `has shape [${found.shape}], [${tensor.shape}] is wanted` : 'is missing';
          throw new RecaptionError('bad-weights', `the tensor "${name}" ${what}`, {
            place,
            hint: 'The file is incomplete, or of a kind that is not known here: fetch it again.',
          });
        }),
      ),
  };
}

const BOTH = 'diffusion_pytorch_model.safetensors';

async function fileOf(folder: string, half: TaesdHalf): Promise<string> {
  for (const name of [`${half}.safetensors`, ...['taesd', 'taesdxl', 'taesd3', 'taef1', 'taef2'].map((model) => `${model}_${half}.safetensors`), BOTH]) // biome-ignore format: one line
    if (await exists(join(folder, name))) return join(folder, name);
  throw new RecaptionError('bad-model', `the folder has no ${half} of a TAESD`, {
    place: folder,
    hint: `It should hold ${half}.safetensors, or ${BOTH}.`,
  });
}

/** Under their published names: `diffusers` prefixes them, and counts the decoder's layers without its clamp. */
function published(tensors: Map<string, StoredTensor>, half: TaesdHalf): Map<string, StoredTensor> {
  const prefix = `${half}.layers.`;
  if (![...tensors.keys()].some((name) => name.startsWith(prefix))) return tensors;
  const shift = half === 'decoder' ? 1 : 0;
  return new Map(
    [...tensors]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => {
        const [position, ...rest] = name.slice(prefix.length).split('.');
        return [[Number(position) + shift, ...rest].join('.'), tensor];
      }),
  );
}
