import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { random } from '../../src/random.ts';
import { fromFloat32, writeSafetensors } from '../../src/tensor/safetensors.ts';
import { trainBpe } from '../../src/text/bpe.ts';

const [VOCAB, WIDTH, HEADS, KV, FF] = [300, 24, 4, 6, 36];

/** A T5 folder as the hub has it, with random weights, one layer and a tokenizer. @returns its path */
export async function writeTinyT5(folder: string, seed = 1, { tokenizer = true } = {}): Promise<string> {
  await mkdir(folder, { recursive: true });
  const config = { model_type: 't5', vocab_size: VOCAB, d_model: WIDTH, d_kv: KV, d_ff: FF, num_layers: 1, num_heads: HEADS }; // biome-ignore format: one line
  await writeFile(
    join(folder, 'config.json'),
    JSON.stringify({ ...config, feed_forward_proj: 'gated-gelu' }),
  );
  const [attention, mlp] = ['encoder.block.0.layer.0', 'encoder.block.0.layer.1'];
  const shapes: Record<string, number[]> = {
    'shared.weight': [VOCAB, WIDTH],
    'encoder.final_layer_norm.weight': [WIDTH],
    [`${attention}.SelfAttention.relative_attention_bias.weight`]: [32, HEADS],
    [`${attention}.SelfAttention.q.weight`]: [HEADS * KV, WIDTH],
    [`${attention}.SelfAttention.k.weight`]: [HEADS * KV, WIDTH],
    [`${attention}.SelfAttention.v.weight`]: [HEADS * KV, WIDTH],
    [`${attention}.SelfAttention.o.weight`]: [WIDTH, HEADS * KV],
    [`${attention}.layer_norm.weight`]: [WIDTH],
    [`${mlp}.DenseReluDense.wi_0.weight`]: [FF, WIDTH],
    [`${mlp}.DenseReluDense.wi_1.weight`]: [FF, WIDTH],
    [`${mlp}.DenseReluDense.wo.weight`]: [WIDTH, FF],
    [`${mlp}.layer_norm.weight`]: [WIDTH],
  };
  const draw = random(seed, 'tiny-t5');
  const tensors = Object.entries(shapes).map(([name, shape]) => {
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => draw.normal() / (shape.length > 1 ? 4 : 1)); // biome-ignore format: one line
    return [name, fromFloat32(values, shape, 'F32')] as const;
  });
  await writeSafetensors(join(folder, 'model.safetensors'), new Map(tensors));
  if (tokenizer) await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(trainBpe(['a red circle'], { vocabSize: VOCAB }))); // biome-ignore format: one line
  return folder;
}
