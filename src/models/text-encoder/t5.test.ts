import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Folder, temporaryFolder } from '../../../test/helpers/collection.ts';
import { compile, input, params } from '../../tensor/index.ts';
import { fromFloat32, writeSafetensors } from '../../tensor/safetensors.ts';
import { bucketOf, t5Encode } from './t5.ts';
import { readT5Config, readT5Weights } from './t5-folder.ts';

/** Made by bench/peers/t5_golden.py: the same network in PyTorch. */
const golden = JSON.parse(readFileSync(join(import.meta.dirname, 't5-golden.json'), 'utf8'));
const [VOCAB, WIDTH, KV, FF, LAYERS, HEADS] = [40, 24, 5, 36, 3, 4];

/** The formula of the script. */
function weight(name: string, ...shape: number[]): Float32Array<ArrayBuffer> {
  const start = crc32(name) % 1000;
  const scale = name === 'shared.weight' ? 4 : 1;
  const fan = shape.at(-1)!;
  return Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => {
    const value = Math.sin(i * 1.7 + start);
    return scale * (shape.length > 1 ? value / Math.sqrt(fan) : 1 + 0.1 * value);
  });
}

let folder: Folder;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

/** A model folder as the hub has it, of one file or of shards. */
async function writeModel(gated: boolean, shards = 1): Promise<void> {
  const config = {
    model_type: 't5',
    vocab_size: VOCAB,
    d_model: WIDTH,
    d_kv: KV,
    d_ff: FF,
    num_layers: LAYERS,
    num_heads: HEADS,
    feed_forward_proj: gated ? 'gated-gelu' : 'relu',
  };
  await writeFile(join(folder.path, 'config.json'), JSON.stringify(config));
  const names: [string, ...number[]][] = [
    ['shared.weight', VOCAB, WIDTH],
    ['encoder.final_layer_norm.weight', WIDTH],
  ];
  for (let i = 0; i < LAYERS; i++) {
    const base = `encoder.block.${i}.layer`;
    for (const name of 'qkv') names.push([`${base}.0.SelfAttention.${name}.weight`, HEADS * KV, WIDTH]);
    names.push(
      [`${base}.0.SelfAttention.o.weight`, WIDTH, HEADS * KV],
      [`${base}.0.layer_norm.weight`, WIDTH],
    );
    for (const name of gated ? ['wi_0', 'wi_1'] : ['wi'])
      names.push([`${base}.1.DenseReluDense.${name}.weight`, FF, WIDTH]);
    names.push([`${base}.1.DenseReluDense.wo.weight`, WIDTH, FF], [`${base}.1.layer_norm.weight`, WIDTH]);
  }
  names.push(['encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight', 32, HEADS]);
  const tensors = names.map(
    ([name, ...shape]) => [name, fromFloat32(weight(name, ...shape), shape, 'F32')] as const,
  );
  if (shards === 1) {
    await writeSafetensors(join(folder.path, 'model.safetensors'), new Map(tensors));
    return;
  }
  const map: Record<string, string> = {
    'decoder.final_layer_norm.weight': 'model-of-the-decoder.safetensors',
  };
  for (let k = 0; k < shards; k++) {
    const file = `model-0000${k + 1}-of-0000${shards}.safetensors`;
    const own = tensors.filter((_, i) => i % shards === k);
    for (const [name] of own) map[name] = file;
    await writeSafetensors(join(folder.path, file), new Map(own));
  }
  await writeFile(join(folder.path, 'model.safetensors.index.json'), JSON.stringify({ weight_map: map }));
}

/** The encoder's answer to the script's tokens: (2, 150, C). */
async function encode(): Promise<Float32Array> {
  const t = 150;
  const config = await readT5Config(folder.path);
  const weights = await readT5Weights(folder.path, config);
  const tree = params();
  const out = t5Encode(tree, config, input('tokens', [2, t], 'int32'), input('valid', [2, t]));
  const program = await compile({ outputs: { out }, frozen: weights });
  const tokens = Int32Array.from({ length: 2 * t }, (_, i) => (i * 7) % VOCAB);
  const valid = Float32Array.from({ length: 2 * t }, (_, i) => (i < t + 90 ? 1 : 0));
  const { out: values } = await program.run({ tokens, valid });
  await program.dispose();
  return values as Float32Array;
}

describe.each([
  ['t5', false, 1],
  ['t5-v1.1', true, 1],
  ['t5-v1.1', true, 3],
])('%s (gated: %j, %i files)', (name, gated, files) => {
  test('says what the network in PyTorch says, within 1e-4', async () => {
    await writeModel(gated, files);
    const values = await encode();
    const at = (batch: number, place: number) =>
      values.slice((batch * 150 + place) * WIDTH, (batch * 150 + place + 1) * WIDTH);
    for (const [expected, found] of [
      [golden[name].first, at(0, 0)],
      [golden[name].last, at(0, 149)],
      [golden[name].masked, at(1, 89)],
    ])
      for (let i = 0; i < WIDTH; i++) expect(Math.abs(found[i] - expected[i])).toBeLessThan(1e-4);
    const mean = values.slice(0, 150 * WIDTH).reduce((sum, v) => sum + Math.abs(v), 0) / (150 * WIDTH);
    expect(mean).toBeCloseTo(golden[name].mean, 4);
  });
});

test('distances fall into the same buckets as in PyTorch', () => {
  const found = Array.from({ length: 401 }, (_, i) => bucketOf(i - 200, { buckets: 32, maxDistance: 128 }));
  expect(found).toEqual(golden.buckets);
});

describe('a folder that is no T5', () => {
  test('without a key of the configuration names it', async () => {
    await writeFile(join(folder.path, 'config.json'), JSON.stringify({ model_type: 't5', vocab_size: 10 }));
    await expect(readT5Config(folder.path)).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining('d_model'),
    });
  });

  test('of another model says so', async () => {
    await writeFile(join(folder.path, 'config.json'), JSON.stringify({ model_type: 'llama' }));
    await expect(readT5Config(folder.path)).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining('model_type'),
    });
  });

  test('without weights, with a shard missing, or with weights of another size, names what is wrong', async () => {
    await writeModel(true, 2);
    await rm(join(folder.path, 'model-00002-of-00002.safetensors'));
    const config = await readT5Config(folder.path);
    await expect(readT5Weights(folder.path, config)).rejects.toMatchObject({ code: 'file-not-found' });
    await rm(join(folder.path, 'model.safetensors.index.json'));
    await expect(readT5Weights(folder.path, config)).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining('model.safetensors'),
    });
    await writeModel(true);
    await expect(readT5Weights(folder.path, { ...config, hidden: 35 })).rejects.toMatchObject({
      code: 'bad-weights',
      message: expect.stringContaining('DenseReluDense.wi_0.weight" has shape [36,24], [35,24] is wanted'),
    });
  });
});
