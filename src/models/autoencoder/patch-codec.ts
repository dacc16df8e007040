/** An autoencoder trained here, as a codec. */
import { join } from 'node:path';
import { z } from 'zod';
import { fromSigned, type Image } from '../../image/index.ts';
import { compile, type Device, input, type Program, params, type Weights } from '../../tensor/index.ts';
import { parseConfig } from '../captioner-config.ts';
import { asSigned } from '../diffusion-transformer/process.ts';
import { shortName } from '../hub.ts';
import { hashOfWeights, loadWeights, readJson } from '../model-folder.ts';
import type { Codec } from './codec.ts';
import { autoencoderConfigSchema, decodePatches, encodePatches } from './patch-autoencoder.ts';

const fileSchema = z.looseObject({
  type: z.literal('recaption-autoencoder'),
  format: z.literal(1),
  model: autoencoderConfigSchema,
});
const BATCH = 8;

/** @throws RecaptionError `bad-config`, `bad-model`, `bad-weights` */
export async function openPatchAutoencoder(folder: string, device: Device = 'cpu'): Promise<Codec> {
  const place = join(folder, 'config.json');
  const hint = 'The file was changed, or is of another version: copy the whole model folder again.';
  const { model: c } = parseConfig(fileSchema, await readJson(place), place, hint);
  const tree = params();
  encodePatches(tree.at('encoder'), c, input('x', [1, c.factor, c.factor, 3]));
  decodePatches(tree.at('decoder'), c, input('z', [1, 1, 1, c.channels]));
  const from = join(folder, 'model.safetensors');
  const weights: Weights = await loadWeights(from, tree.all);
  const digest = await hashOfWeights(from, 12);
  const programs = new Map<string, Promise<Program<'out'>>>();
  const programFor = (half: 'encode' | 'decode', side: number) => {
    const name = `${half} ${side}`;
    let program = programs.get(name);
    if (program === undefined) {
      const size = side * c.factor;
      const own = params();
      const out =
        half === 'encode'
          ? encodePatches(own.at('encoder'), c, asSigned(input('pixels', [BATCH, size, size, 3], 'uint8')))[0]
          : decodePatches(own.at('decoder'), c, input('latents', [BATCH, side, side, c.channels]));
      program = compile({ outputs: { out: out.mul(1) }, frozen: weights, device });
      programs.set(name, program);
    }
    return program;
  };
  return {
    id: `${shortName(folder)}-${digest}`,
    ref: folder,
    factor: c.factor,
    channels: c.channels,
    async encode(images) {
      const size = images[0].width;
      const side = size / c.factor;
      const program = await programFor('encode', side);
      const numbers = side * side * c.channels;
      const all: Float32Array[] = [];
      for (let at = 0; at < images.length; at += BATCH) {
        const part = images.slice(at, at + BATCH);
        const pixels = new Uint8Array(BATCH * size * size * 3);
        for (const [i, { data }] of part.entries()) pixels.set(data, i * size * size * 3);
        const { out } = await program.run({ pixels });
        for (const i of part.keys()) all.push((out as Float32Array).slice(i * numbers, (i + 1) * numbers));
      }
      return all;
    },
    async decode(grids, side) {
      const program = await programFor('decode', side);
      const [numbers, size] = [side * side * c.channels, side * c.factor];
      const all: Image[] = [];
      for (let at = 0; at < grids.length; at += BATCH) {
        const part = grids.slice(at, at + BATCH);
        const latents = new Float32Array(BATCH * numbers);
        for (const [i, grid] of part.entries()) latents.set(grid, i * numbers);
        const { out } = await program.run({ latents });
        all.push(...fromSigned((out as Float32Array).subarray(0, part.length * size * size * 3), size));
      }
      return all;
    },
    async close() {
      for (const program of programs.values()) await (await program).dispose();
    },
  };
}
