/** T5 encoders as the Hugging Face hub has them: config.json, safetensors (one file, or shards with an index), tokenizer.json. */
import { join } from 'node:path';
import { z } from 'zod';
import { RecaptionError } from '../../errors.ts';
import { exists } from '../../files.ts';
import type { Weights } from '../../tensor/index.ts';
import { readSafetensors, type StoredTensor, toFloat32 } from '../../tensor/safetensors.ts';
import { readJson } from '../model-folder.ts';
import type { T5Config } from './t5.ts';

const size = z.int().positive().max(1_000_000);
const configSchema = z.looseObject({
  model_type: z.enum(['t5', 'mt5']),
  vocab_size: size,
  d_model: size,
  d_kv: size,
  d_ff: size,
  num_layers: z.int().positive().max(200),
  num_heads: size,
  relative_attention_num_buckets: z.int().min(4).max(4096).default(32),
  relative_attention_max_distance: z.int().min(2).max(1_000_000).default(128),
  layer_norm_epsilon: z.number().positive().default(1e-6),
  /** "relu", "gated-gelu", "gated-relu". */
  feed_forward_proj: z.string().default('relu'),
});

/** @throws RecaptionError `bad-model` naming what is missing or out of range */
export async function readT5Config(folder: string): Promise<T5Config> {
  const place = join(folder, 'config.json');
  const parsed = configSchema.safeParse(await readJson(place));
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0];
    throw new RecaptionError(
      'bad-model',
      `this is no configuration of a T5: ${path.join('.') || 'the file'}: ${message}`,
      {
        place,
        hint: 'Give a folder of the Hugging Face hub, such as a copy of google/t5-v1_1-small.',
      },
    );
  }
  const c = parsed.data;
  const [kind, gated] = c.feed_forward_proj.startsWith('gated-')
    ? [c.feed_forward_proj.slice('gated-'.length), true]
    : [c.feed_forward_proj, false];
  if (kind !== 'relu' && kind !== 'gelu') {
    throw new RecaptionError(
      'bad-model',
      `its feed-forward layers are of an unknown kind, "${c.feed_forward_proj}"`,
      {
        place,
      },
    );
  }
  return {
    vocabulary: c.vocab_size,
    width: c.d_model,
    layers: c.num_layers,
    heads: c.num_heads,
    headWidth: c.d_kv,
    hidden: c.d_ff,
    activation: kind,
    gated,
    buckets: c.relative_attention_num_buckets,
    maxDistance: c.relative_attention_max_distance,
    epsilon: c.layer_norm_epsilon,
  };
}

/**
 * The weights of the encoder under our names: matrices transposed, and those that are read together joined.
 * @throws RecaptionError `bad-weights` naming the first tensor that is missing or has another shape, and those of `readSafetensors`
 */
export async function readT5Weights(folder: string, c: T5Config): Promise<Weights> {
  const { tensors, place } = await readTensors(folder);
  const weights: Weights = new Map();
  const inner = c.heads * c.headWidth;
  const take = (name: string, shape: number[]): Float32Array<ArrayBuffer> => {
    const found = tensors.get(name);
    if (found?.shape.join() === shape.join()) return toFloat32(found, place);
    const what = found ? `has shape [${found.shape}], [${shape}] is wanted` : 'is missing';
    throw new RecaptionError('bad-weights', `the tensor "${name}" ${what}`, {
      place,
      hint: 'The weights belong to another configuration, or a shard is missing: copy the whole folder again.',
    });
  };
  const shared = tensors.has('shared.weight') ? 'shared.weight' : 'encoder.embed_tokens.weight';
  weights.set('tokens.weight', take(shared, [c.vocabulary, c.width]));
  for (let i = 0; i < c.layers; i++) {
    const [attention, mlp] = [0, 1].map((layer) => `encoder.block.${i}.layer.${layer}`);
    const projections = ['q', 'k', 'v'].map((name) =>
      take(`${attention}.SelfAttention.${name}.weight`, [inner, c.width]),
    );
    weights.set(`${i}.attention.qkv.weight`, transposed(projections, c.width));
    weights.set(
      `${i}.attention.out.weight`,
      transposed([take(`${attention}.SelfAttention.o.weight`, [c.width, inner])], inner),
    );
    weights.set(`${i}.norm1.weight`, take(`${attention}.layer_norm.weight`, [c.width]));
    const into = (c.gated ? ['wi_0', 'wi_1'] : ['wi']).map((name) =>
      take(`${mlp}.DenseReluDense.${name}.weight`, [c.hidden, c.width]),
    );
    weights.set(`${i}.mlp.in.weight`, transposed(into, c.width));
    weights.set(
      `${i}.mlp.out.weight`,
      transposed([take(`${mlp}.DenseReluDense.wo.weight`, [c.width, c.hidden])], c.hidden),
    );
    weights.set(`${i}.norm2.weight`, take(`${mlp}.layer_norm.weight`, [c.width]));
  }
  const bias = 'encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight';
  weights.set('positions.weight', take(bias, [c.buckets, c.heads]));
  weights.set('norm.weight', take('encoder.final_layer_norm.weight', [c.width]));
  return weights;
}

/** Matrices (out, in) one below the other, as one (in, sum of out). */
function transposed(matrices: readonly Float32Array[], width: number): Float32Array<ArrayBuffer> {
  const rows = matrices.map((matrix) => matrix.length / width);
  const total = rows.reduce((sum, n) => sum + n, 0);
  const out = new Float32Array(width * total);
  let before = 0;
  for (const [k, matrix] of matrices.entries()) {
    for (let row = 0; row < rows[k]; row++)
      for (let column = 0; column < width; column++)
        out[column * total + before + row] = matrix[row * width + column];
    before += rows[k];
  }
  return out;
}

const indexSchema = z.looseObject({
  weight_map: z.record(z.string(), z.string().regex(/^[\w.-]+\.safetensors$/)),
});

/** All tensors of the encoder, from one file or from the shards that an index names. */
async function readTensors(folder: string): Promise<{ tensors: Map<string, StoredTensor>; place: string }> {
  const [whole, index] = ['model.safetensors', 'model.safetensors.index.json'].map((name) =>
    join(folder, name),
  );
  if (await exists(whole)) return { tensors: (await readSafetensors(whole)).tensors, place: whole };
  if (!(await exists(index))) {
    throw new RecaptionError(
      'bad-model',
      'the model folder has no model.safetensors, nor shards with an index',
      {
        place: folder,
        hint: 'Weights in other forms (pytorch_model.bin) must be converted to safetensors first.',
      },
    );
  }
  const parsed = indexSchema.safeParse(await readJson(index));
  if (!parsed.success)
    throw new RecaptionError('bad-model', 'the index of the shards has no weight_map', { place: index });
  const isWanted = (name: string) => name === 'shared.weight' || name.startsWith('encoder.');
  const shards = new Set(
    Object.entries(parsed.data.weight_map)
      .filter(([name]) => isWanted(name))
      .map(([, shard]) => shard),
  );
  const tensors = new Map<string, StoredTensor>();
  for (const shard of shards) {
    const { tensors: found } = await readSafetensors(join(folder, shard));
    for (const [name, tensor] of found) if (isWanted(name)) tensors.set(name, tensor);
  }
  return { tensors, place: index };
}
