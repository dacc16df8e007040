import { block, causalMask, embedding, layerNorm, linear } from '../src/nn/index.ts';
import { crossEntropy, input, type Params, type Tensor } from '../src/tensor/index.ts';

/** The network of `bench/train-step`, here and in PyTorch: a pre-norm language model, learnt positions, exact GELU. */
export const LM = { vocabulary: 1024, width: 256, layers: 6, heads: 4, batch: 32, length: 64 };

export function languageModel(p: Params, { vocabulary, width, layers, heads, batch, length } = LM): Tensor {
  const tokens = input('tokens', [batch, length], 'int32');
  const targets = input('targets', [batch * length], 'int32');
  const positions = p.get('positions', [length, width], { kind: 'normal', std: 0.02 });
  let x = embedding(p.at('embedding'), tokens, vocabulary, width).add(positions);
  for (let i = 0; i < layers; i++) x = block(p.at(`blocks.${i}`), x, { heads, mask: causalMask(length) });
  const logits = linear(p.at('head'), layerNorm(p.at('norm'), x), vocabulary).reshape([
    batch * length,
    vocabulary,
  ]);
  return crossEntropy(logits, targets);
}

/** The network of `bench/generator-step` and `bench/sample`: the default generator, with texts as those of the world. */
export const GENERATOR = {
  size: 48,
  channels: 3,
  patch: 8,
  width: 192,
  layers: 6,
  heads: 4,
  text: { vocabulary: 520, width: 128, layers: 2, heads: 4, window: 3 },
  /** Pictures in a training step, tokens of a text; steps of drawing, pictures drawn at once. */
  batch: 32,
  length: 72,
  steps: 30,
  drawn: 8,
};

/** The default graph captioner on a detector's regions and a 7 × 7 map, five captions a picture. */
export const GRAPH = {
  batch: 32,
  captions: 5,
  regions: 12,
  side: 7,
  channels: 1280,
  edges: 24,
  labels: 80,
  predicates: 100,
  vocabulary: 3000,
  length: 17,
  width: 384,
  wordWidth: 256,
  attentionWidth: 128,
  dropout: 0.5,
};
