import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { taesdDecode, taesdEncode } from '../../src/models/autoencoder/taesd.ts';
import { initialise, input, params } from '../../src/tensor/index.ts';
import { fromFloat32, writeSafetensors } from '../../src/tensor/safetensors.ts';

/** A folder of the TAESD family with random weights. @returns its path */
export async function writeTinyTaesd(folder: string, latentChannels = 4): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const half of ['encoder', 'decoder'] as const) {
    const tree = params();
    const config = { latentChannels, pooled: false };
    if (half === 'encoder') taesdEncode(tree, config, input('x', [1, 3, 16, 16]));
    else taesdDecode(tree, config, input('x', [1, latentChannels, 2, 2]));
    const tensors = [...initialise(tree.all, 1)].map(([path, values]) => {
      const { shape } = tree.all.get(path)!.tensor;
      return [path, fromFloat32(values, [...shape], 'F32')] as const;
    });
    await writeSafetensors(join(folder, `${half}.safetensors`), new Map(tensors));
  }
  return folder;
}
