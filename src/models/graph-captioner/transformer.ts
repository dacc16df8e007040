/** A transformer in place of the LSTMs, with the same nodes, the same two attentions and the same kinds of words. */
import {
  attend,
  attention,
  causalMask,
  embedding,
  HIDDEN,
  layerNorm,
  linear,
  mergeHeads,
  mlp,
  projectHeads,
} from '../../nn/index.ts';
import {
  add,
  constant,
  dropout,
  equal,
  greater,
  input,
  mul,
  type Params,
  sub,
  type Tensor,
  where,
} from '../../tensor/index.ts';
import { type DecoderBody, type Memory, steered } from './body.ts';
import type { GraphCaptionerConfig } from './config.ts';

type Sort = 'objects' | 'predicates';
const sortsOf = (c: GraphCaptionerConfig): Sort[] =>
  c.predicates > 0 ? ['objects', 'predicates'] : ['objects'];

export const transformerBody: DecoderBody = {
  memory(p, c, { objects, objectMask, predicates, predicateMask }) {
    const nodes = { objects, predicates };
    const masks = { objects: objectMask, predicates: predicateMask };
    const memory: Memory = {};
    for (const sort of sortsOf(c)) {
      const [b, , n] = masks[sort].shape;
      memory[`${sort}.mask`] = masks[sort].reshape([b, 1, 1, n]);
      for (let layer = 0; layer < c.depth; layer++) {
        const at = p.at(`layer.${layer}.${sort}.kv`);
        const [k, v] = projectHeads(at, nodes[sort], c.width, c.heads, 2);
        memory[`${sort}.${layer}.k`] = k;
        memory[`${sort}.${layer}.v`] = v;
      }
    }
    return memory;
  },

  say(p, c, memory, tokens, { captions }) {
    const [rows, length] = tokens.shape;
    const positions = embeddingOfPositions(p, c).slice(0, 0, length);
    let x = add(wordVectors(p, c, tokens), positions); // (R, T, C)
    const mask = causalMask(length);
    let kinds: Tensor | undefined;
    for (let layer = 0; layer < c.depth; layer++) {
      const at = p.at(`layer.${layer}`);
      x = add(x, dropout(attention(at.at('self'), layerNorm(at.at('norm1'), x), { heads: c.heads, mask }), c.dropout)); // biome-ignore format: one line
      if (c.kinds === 'steer') kinds ??= linear(p.at('kinds'), layerNorm(p.at('kinds.norm'), x), 3);
      x = crossAndMlp(at, c, memory, layer, x, kinds, captions);
    }
    const states = layerNorm(p.at('norm'), x);
    if (c.kinds === 'auxiliary') kinds = linear(p.at('kinds'), states, 3);
    return { states: states.reshape([rows, length, c.width]), ...(kinds && { kinds }) };
  },

  state: (c, rows) =>
    Object.fromEntries(
      Array.from({ length: c.depth }, (_, layer) => [`${layer}.k`, `${layer}.v`])
        .flat()
        .map((name) => [name, [rows, c.heads, c.maxTokens, c.width / c.heads]]),
    ),

  step(p, c, memory, tokens, state, { captions }) {
    const [rows] = tokens.shape;
    const position = input('position', [1], 'int32').cast('float32');
    const places = constant(Float32Array.from({ length: c.maxTokens }, (_, i) => i), [c.maxTokens], 'float32'); // biome-ignore format: one line
    const here = where(equal(places, position), 1, 0).reshape([1, 1, c.maxTokens, 1]);
    const unseen = where(greater(places, position), HIDDEN, 0).reshape([1, 1, 1, c.maxTokens]);
    const at0 = mul(embeddingOfPositions(p, c), here.reshape([c.maxTokens, 1])).sum([0], { keepDims: true });
    let x = add(wordVectors(p, c, tokens.reshape([rows, 1])), at0); // (R, 1, C)
    const next: Record<string, Tensor> = {};
    let kinds: Tensor | undefined;
    for (let layer = 0; layer < c.depth; layer++) {
      const at = p.at(`layer.${layer}`);
      const [q, k, v] = projectHeads(at.at('self').at('qkv'), layerNorm(at.at('norm1'), x), c.width, c.heads, 3); // biome-ignore format: one line
      const put = (name: string, fresh: Tensor) => {
        next[name] = add(mul(state[name], sub(1, here)), mul(fresh, here));
        return next[name];
      };
      const seen = attend(q, put(`${layer}.k`, k), put(`${layer}.v`, v), { mask: unseen });
      x = add(x, linear(at.at('self').at('out'), mergeHeads(seen), c.width));
      if (c.kinds === 'steer') kinds ??= linear(p.at('kinds'), layerNorm(p.at('kinds.norm'), x), 3);
      x = crossAndMlp(at, c, memory, layer, x, kinds, captions);
    }
    const out = layerNorm(p.at('norm'), x).reshape([rows, c.width]);
    if (c.kinds === 'auxiliary') kinds = linear(p.at('kinds'), out, 3);
    return { state: next, out, ...(kinds && { kind: kinds.reshape([rows, 3]) }) };
  },
};

const wordVectors = (p: Params, c: GraphCaptionerConfig, tokens: Tensor): Tensor =>
  dropout(linear(p.at('words.out'), embedding(p.at('words'), tokens, c.vocabulary, c.wordWidth, 0.1), c.width), c.dropout); // biome-ignore format: one line

const embeddingOfPositions = (p: Params, c: GraphCaptionerConfig): Tensor => embedding(p.at('positions'), allPlaces(c.maxTokens), c.maxTokens, c.width, 0.1); // biome-ignore format: one line
const allPlaces = (count: number): Tensor =>
  constant(Int32Array.from({ length: count }, (_, i) => i), [count], 'int32'); // biome-ignore format: one line

/** Looks at each sort of nodes, as the kind of the next word has it, and thinks about it: (R, T, C) to the same. */
function crossAndMlp(
  p: Params,
  c: GraphCaptionerConfig,
  memory: Memory,
  layer: number,
  x: Tensor,
  kinds: Tensor | undefined,
  captions: number,
): Tensor {
  const [rows, length] = x.shape;
  const asked = layerNorm(p.at('normCross'), x).reshape([rows / captions, captions * length, c.width]);
  const flat = kinds?.reshape([rows * length, 3]);
  for (const [kind, sort] of sortsOf(c).entries()) {
    const at = p.at(sort);
    const [q] = projectHeads(at.at('q'), asked, c.width, c.heads, 1);
    const found = attend(q, memory[`${sort}.${layer}.k`], memory[`${sort}.${layer}.v`], { mask: memory[`${sort}.mask`] }); // biome-ignore format: one line
    const answer = linear(at.at('out'), mergeHeads(found), c.width).reshape([rows * length, c.width]);
    x = add(x, dropout(steered(answer, flat, kind as 0 | 1).reshape([rows, length, c.width]), c.dropout));
  }
  return add(x, dropout(mlp(p.at('mlp'), layerNorm(p.at('norm2'), x)), c.dropout));
}
