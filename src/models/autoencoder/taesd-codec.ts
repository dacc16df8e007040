/** TAESD as a codec: graphs for the sizes that are asked for. */
import { createHash } from 'node:crypto';
import type { Image } from '../../image/image.ts';
import { compile, type Device, input, type Program, params } from '../../tensor/index.ts';
import { shortName } from '../hub.ts';
import type { Codec } from './codec.ts';
import { taesdDecode, taesdEncode } from './taesd.ts';
import { readTaesd } from './taesd-folder.ts';

const FACTOR = 8;
const BATCH = 4;

/** @throws RecaptionError `bad-model`, `bad-weights` */
export async function openTaesd(folder: string, device: Device = 'cpu'): Promise<Codec> {
  const [encoder, decoder] = [await readTaesd(folder, 'encoder'), await readTaesd(folder, 'decoder')];
  const { latentChannels: channels } = encoder.config;
  const programs = new Map<string, Promise<Program<'out'>>>();
  const digest = createHash('sha256');
  const programFor = (half: 'encode' | 'decode', side: number) => {
    const name = `${half} ${side}`;
    let program = programs.get(name);
    if (program === undefined) {
      const tree = params();
      const file = half === 'encode' ? encoder : decoder;
      const shape =
        half === 'encode' ? [BATCH, 3, side * FACTOR, side * FACTOR] : [BATCH, channels, side, side];
      const out = (half === 'encode' ? taesdEncode : taesdDecode)(tree, file.config, input('x', shape));
      program = compile({ outputs: { out }, frozen: file.weights(tree.all), device });
      programs.set(name, program);
    }
    return program;
  };
  for (const half of [taesdEncode, taesdDecode]) {
    const tree = params();
    const file = half === taesdEncode ? encoder : decoder;
    half(tree, file.config, input('x', half === taesdEncode ? [1, 3, 8, 8] : [1, channels, 1, 1]));
    for (const values of file.weights(tree.all).values()) digest.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)); // biome-ignore format: one line
  }
  return {
    id: `${shortName(folder)}-${digest.digest('hex').slice(0, 12)}`,
    ref: folder,
    factor: FACTOR,
    channels,
    async encode(images) {
      const [{ width }] = images;
      const side = width / FACTOR;
      const program = await programFor('encode', side);
      const plane = width * width;
      const all: Float32Array[] = [];
      for (let at = 0; at < images.length; at += BATCH) {
        const part = images.slice(at, at + BATCH);
        const x = new Float32Array(BATCH * 3 * plane);
        for (const [i, { data }] of part.entries())
          for (let p = 0; p < plane; p++)
            for (let c = 0; c < 3; c++) x[(i * 3 + c) * plane + p] = data[3 * p + c] / 255;
        const { out } = await program.run({ x });
        for (const i of part.keys()) all.push(turned(out as Float32Array, i, channels, side * side));
      }
      return all;
    },
    async decode(latents, side) {
      const program = await programFor('decode', side);
      const [cells, size] = [side * side, side * FACTOR];
      const all: Image[] = [];
      for (let at = 0; at < latents.length; at += BATCH) {
        const part = latents.slice(at, at + BATCH);
        const x = new Float32Array(BATCH * channels * cells);
        for (const [i, latent] of part.entries())
          for (let p = 0; p < cells; p++) for (let c = 0; c < channels; c++) x[(i * channels + c) * cells + p] = latent[p * channels + c]; // biome-ignore format: one line
        const { out } = await program.run({ x });
        for (const i of part.keys()) {
          const values = turned(out as Float32Array, i, 3, size * size);
          all.push({ width: size, height: size, data: Uint8Array.from(values, (v) => Math.round(255 * Math.min(1, Math.max(0, v)))) }); // biome-ignore format: one line
        }
      }
      return all;
    },
    async close() {
      for (const program of programs.values()) await (await program).dispose();
    },
  };
}

/** Picture `i` of (B, C, P) as (P, C). */
function turned(values: Float32Array, i: number, channels: number, places: number): Float32Array {
  const out = new Float32Array(channels * places);
  for (let c = 0; c < channels; c++) for (let p = 0; p < places; p++) out[p * channels + c] = values[(i * channels + c) * places + p]; // biome-ignore format: one line
  return out;
}
