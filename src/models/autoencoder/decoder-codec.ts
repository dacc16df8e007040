/**
 * The latent decoder of paper A: a diffusion model that draws the picture of given latents, in place of the autoencoder's own decoder
 * (DALL·E 3 paper, section 3.3; consistency-distilled to two steps). It encodes as its autoencoder does.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { RecaptionError } from '../../errors.ts';
import { fromSigned, type Image } from '../../image/index.ts';
import { fillNormal, streamKey } from '../../random.ts';
import {
  compile,
  type Device,
  expand,
  input,
  type Program,
  params,
  type Tensor,
} from '../../tensor/index.ts';
import { parseConfig } from '../captioner-config.ts';
import { diffusionConfigSchema } from '../diffusion-transformer/config.ts';
import { expected } from '../diffusion-transformer/process.ts';
import { SAMPLERS, solve } from '../diffusion-transformer/solve.ts';
import { shortName } from '../hub.ts';
import { loadWeights, readJson, sameWeights } from '../model-folder.ts';
import { type Codec, openCodec } from './codec.ts';

const count = z.number().int().positive();
export const decoderDrawSchema = z.strictObject({
  steps: count.max(1000).default(20),
  sampler: z.enum(SAMPLERS).default('euler'),
  shift: z.number().positive().max(100).default(1),
});
export type DecoderDraw = z.infer<typeof decoderDrawSchema>;

const fileSchema = z.looseObject({
  type: z.literal('recaption-decoder'),
  format: z.literal(1),
  model: diffusionConfigSchema,
  draw: decoderDrawSchema,
  /** The autoencoder whose latents it decodes. */
  latent: z.object({
    ref: z.string(),
    id: z.string(),
    mean: z.array(z.number()),
    deviation: z.array(z.number().positive()),
  }),
});
export type DecoderFile = z.infer<typeof fileSchema>;

const BATCH = 8;

/** @throws RecaptionError `bad-model`, `bad-config` */
export async function readDecoder(folder: string): Promise<DecoderFile> {
  const place = join(folder, 'config.json');
  const hint = 'The file was changed, or is of another version: copy the whole model folder again.';
  return parseConfig(fileSchema, await readJson(place), place, hint);
}

/**
 * Latents (B, g, g, L) as what is laid over the patches of a picture, (B, N, L): each cell over all patches that it covers.
 * @param size side of the picture in pixels, a multiple of g · patch
 */
export function overlayOf(latents: Tensor, size: number, patch: number): Tensor {
  const [b, g, , channels] = latents.shape;
  const side = size / patch;
  const times = side / g;
  const wide = latents.reshape([b, g, 1, g, 1, channels]);
  const spread = times === 1 ? wide : repeated(wide, times);
  return spread.reshape([b, side * side, channels]);
}

function repeated(x: Tensor, times: number): Tensor {
  const [b, g, , , , channels] = x.shape;
  return expand(x, [b, g, times, g, times, channels]);
}

/** @throws RecaptionError `bad-model`, `bad-config`, `bad-weights` */
export async function openDecoder(
  folder: string,
  device: Device = 'cpu',
  asked: Partial<DecoderDraw> = {},
): Promise<Codec> {
  const { model, draw, latent } = await readDecoder(folder);
  if (resolve(latent.ref) === resolve(folder)) throw new RecaptionError('bad-model', 'the decoder names itself as its autoencoder', { place: folder }); // biome-ignore format: one line
  const base = await openCodec(latent.ref, { device });
  sameWeights('autoencoder', base, latent.id);
  const { mean, deviation } = latent;
  if (mean.length !== base.channels || deviation.length !== base.channels || model.overlay !== base.channels)
    throw new RecaptionError('bad-model', `the decoder is of latents of ${model.overlay} channels, its autoencoder's have ${base.channels}`, { place: folder }); // biome-ignore format: one line
  const how = { ...draw, ...asked };
  const from = join(folder, 'model.safetensors');
  const digest = createHash('sha256').update(await readFile(from)).update(JSON.stringify(how)).digest('hex').slice(0, 12); // biome-ignore format: one line
  const programs = new Map<number, Promise<Program<'picture'>>>();
  const programFor = (side: number) => {
    let program = programs.get(side);
    if (program === undefined) {
      const size = side * base.factor;
      const tree = params();
      const latents = input('latents', [BATCH, side, side, base.channels]);
      const conditions = { overlay: overlayOf(latents, size, model.patch) };
      const c = { ...model, size };
      const picture = expected(tree, c, input('xt', [BATCH, size, size, 3]), input('t', [BATCH]), conditions);
      program = loadWeights(from, tree.all).then((frozen) =>
        compile({ outputs: { picture: picture.mul(1) }, frozen, device }),
      );
      programs.set(side, program);
    }
    return program;
  };
  return {
    id: `${shortName(folder)}-${digest}`,
    ref: folder,
    factor: base.factor,
    channels: base.channels,
    encode: base.encode,
    async decode(grids, side) {
      const program = await programFor(side);
      const size = side * base.factor;
      const numbers = size * size * 3;
      const all: Image[] = [];
      for (let at = 0; at < grids.length; at += BATCH) {
        const part = grids.slice(at, at + BATCH);
        const latents = new Float32Array(BATCH * side * side * base.channels);
        for (const [i, grid] of part.entries())
          for (let k = 0; k < grid.length; k++) {
            const c = k % base.channels;
            latents[i * grid.length + k] = (grid[k] - mean[c]) / deviation[c];
          }
        // The same noise for every picture: what is decoded depends on its latents alone.
        const noise = (out: Float32Array, ...path: (string | number)[]) => {
          for (let i = 0; i < BATCH; i++) fillNormal(out.subarray(i * numbers, (i + 1) * numbers), streamKey(0, 'decode', ...path)); // biome-ignore format: one line
          return out;
        };
        const drawn = await solve(
          async (xt, t) =>
            (await program.run({ latents, xt, t: new Float32Array(BATCH).fill(t) })).picture as Float32Array,
          noise(new Float32Array(BATCH * numbers)),
          { ...how, process: model.process, fresh: (step, out) => void noise(out, step) },
        );
        all.push(...fromSigned(drawn.subarray(0, part.length * numbers), size));
      }
      return all;
    },
    async close() {
      for (const program of programs.values()) await (await program).dispose();
      await base.close();
    },
  };
}
