/**
 * The Up-Down decoder (Anderson et al. 2018) over two sorts of nodes (paper B, section on the decoder): the first LSTM looks at what was said
 * and asks; objects and predicates answer, each sort by an attention of its own; the second LSTM speaks.
 */
import { embedding, HIDDEN, type LstmState, linear, lstmCell } from '../../nn/index.ts';
import {
  add,
  argmax,
  concat,
  constant,
  dropout,
  matmul,
  mul,
  normal,
  type Params,
  softmax,
  split,
  sub,
  type Tensor,
  tanh,
} from '../../tensor/index.ts';
import { type DecoderBody, type Memory, meanNode, repeated, steered, wordLogits } from './body.ts';
import type { GraphCaptionerConfig } from './config.ts';

export const lstmBody: DecoderBody = {
  memory(p, c, nodes) {
    const { objects, objectMask, predicates, predicateMask, gist } = nodes;
    const b = objects.shape[0];
    const mean = meanNode(nodes); // (B, C)
    const memory: Memory = {
      objects,
      'objects.mask': objectMask,
      'objects.keys': linear(p.at('attend.objects.key'), objects, c.attentionWidth, { bias: false }),
      mean: linear(p.at('lstm1.mean'), mean, 4 * c.width, { bias: false }),
    };
    const start = tanh(linear(p.at('start'), concat([gist, mean], 1), 4 * c.width)).reshape([b, 4, c.width]);
    for (const [i, name] of STATE.entries()) memory[`start.${name}`] = start.slice(1, i, i + 1).reshape([b, c.width]); // biome-ignore format: one line
    if (c.predicates === 0) return memory;
    return {
      ...memory,
      predicates,
      'predicates.mask': predicateMask,
      'predicates.keys': linear(p.at('attend.predicates.key'), predicates, c.attentionWidth, { bias: false }),
    };
  },

  say(p, c, memory, tokens, { captions, resampled }) {
    const [rows, length] = tokens.shape;
    let state = Object.fromEntries(STATE.map((name) => [name, repeated(memory[`start.${name}`], captions)]));
    const known = split(wordGates(p, c, memory, tokens, captions), 1, Array(length).fill(1)); // of each word (R, 1, 4H)
    const outs: Tensor[] = [];
    const kinds: Tensor[] = [];
    let guess: Tensor | undefined; // what it would have said itself
    for (let t = 0; t < length; t++) {
      let gates = known[t].reshape([rows, 4 * c.width]);
      if (resampled && guess) {
        const own = wordGates(p, c, memory, guess, captions).reshape([rows, 4 * c.width]);
        const share = resampled.where.slice(1, t, t + 1); // (R, 1)
        gates = add(mul(gates, sub(1, share)), mul(own, share));
      }
      const step = lstmStep(p, c, memory, gates, state, captions);
      state = step.state;
      outs.push(step.out.reshape([rows, 1, c.width]));
      if (step.kind) kinds.push(step.kind.reshape([rows, 1, step.kind.shape[1]]));
      if (resampled && t + 1 < length)
        guess = argmax(add(wordLogits(p, c, step.out), unwritten(resampled.never, c.vocabulary)), 1)
          .cast('int32')
          .reshape([rows, 1]);
    }
    return { states: concat(outs, 1), ...(kinds.length > 0 && { kinds: concat(kinds, 1) }) };
  },

  state: (c, rows) => Object.fromEntries(STATE.map((name) => [name, [rows, c.width]])),

  step(p, c, memory, tokens, state, { captions }) {
    const [rows] = tokens.shape;
    const gates = wordGates(p, c, memory, tokens.reshape([rows, 1]), captions).reshape([rows, 4 * c.width]);
    return lstmStep(p, c, memory, gates, state, captions);
  },
};

/** (1, V): far below any logit at the tokens that are never written. */
function unwritten(never: readonly number[], vocabulary: number): Tensor {
  const mask = new Float32Array(vocabulary);
  for (const token of never) mask[token] = HIDDEN;
  return constant(mask, [1, vocabulary], 'float32');
}

const STATE = ['h1', 'c1', 'h2', 'c2'] as const;
type State = Record<string, Tensor>;

/** What a word and the picture's mean node say to the first LSTM: (R, T, 4H). */
function wordGates(
  p: Params,
  c: GraphCaptionerConfig,
  memory: Memory,
  tokens: Tensor,
  captions: number,
): Tensor {
  const [rows, length] = tokens.shape;
  const words = dropout(embedding(p.at('words'), tokens, c.vocabulary, c.wordWidth, 0.1), c.dropout);
  const gates = linear(p.at('lstm1.word'), words.reshape([rows * length, c.wordWidth]), 4 * c.width);
  const mean = memory.mean.reshape([rows / captions, 1, 4 * c.width]);
  return add(gates.reshape([rows / captions, captions * length, 4 * c.width]), mean).reshape([rows, length, 4 * c.width]); // biome-ignore format: one line
}

function lstmStep(
  p: Params,
  c: GraphCaptionerConfig,
  memory: Memory,
  gates: Tensor,
  { h1, c1, h2, c2 }: State,
  captions: number,
): { state: State; out: Tensor; kind?: Tensor } {
  const before = linear(p.at('lstm1.state'), concat([h2, h1], 1), 4 * c.width, { bias: false });
  const first: LstmState = lstmCell(add(gates, before), { c: c1 });
  const asked = c.kinds === 'steer' ? linear(p.at('kinds'), first.h, 3) : undefined;
  const objects = attend(p.at('attend.objects'), c, memory, 'objects', first.h, captions);
  const seen = [steered(objects, asked, 0)];
  if (c.predicates > 0) seen.push(steered(attend(p.at('attend.predicates'), c, memory, 'predicates', first.h, captions), asked, 1)); // biome-ignore format: one line
  const inputs = concat([first.h, ...seen, h2], 1);
  const second: LstmState = lstmCell(linear(p.at('lstm2'), inputs, 4 * c.width), { c: c2 });
  const kind = c.kinds === 'auxiliary' ? linear(p.at('kinds'), second.h, 3) : asked;
  return { state: { h1: first.h, c1: first.c, h2: second.h, c2: second.c }, out: second.h, kind };
}

/** Additive attention (Bahdanau et al. 2015) of queries (R, H) to the nodes of their picture: (R, C). */
function attend(
  p: Params,
  c: GraphCaptionerConfig,
  memory: Memory,
  sort: 'objects' | 'predicates',
  query: Tensor,
  captions: number,
): Tensor {
  const keys = memory[`${sort}.keys`];
  const [b, n, a] = keys.shape;
  const asked = linear(p.at('query'), query, a).reshape([b, captions, 1, a]);
  const agree = tanh(add(keys.reshape([b, 1, n, a]), asked)).reshape([b * captions * n, a]);
  const scores = matmul(agree, p.get('score.weight', [a, 1], normal(1 / Math.sqrt(a)))).reshape([b, captions, n]); // biome-ignore format: one line
  const weights = softmax(add(scores, memory[`${sort}.mask`]));
  return matmul(weights, memory[sort]).reshape([b * captions, c.width]);
}
