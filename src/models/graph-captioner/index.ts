/**
 * The graph captioner (Shi et al. 2020): a picture's relationship graph, convolved, read by a decoder that knows of which kind the word is that
 * it is about to say.
 */
import {
  add,
  crossEntropy,
  div,
  input,
  logSoftmax,
  maximum,
  mul,
  type Params,
  softmax,
  sum,
  type Tensor,
} from '../../tensor/index.ts';
import type { SpecialTokens } from '../search.ts';
import { type DecoderBody, type Memory, wordLogits } from './body.ts';
import type { GraphCaptionerConfig } from './config.ts';
import { lstmBody } from './lstm.ts';
import { graphNodes } from './nodes.ts';
import { transformerBody } from './transformer.ts';

export {
  type GraphCaptionerConfig,
  graphCaptionerChoicesSchema,
  graphCaptionerConfigSchema,
  WORD_KINDS,
  type WordKind,
} from './config.ts';
export { BOX_NUMBERS } from './nodes.ts';

export const bodyOf = ({ body }: GraphCaptionerConfig): DecoderBody =>
  body === 'lstm' ? lstmBody : transformerBody;

export interface GraphLossShape {
  /** Pictures B, and captions of each. */
  batch: number;
  captions: number;
  /** Tokens T of a caption; default: as many as there may be. */
  length?: number;
  /** Reinforce captions by how much better than others they are: `weights` are advantages. They were drawn at this temperature. */
  reinforce?: { temperature: number };
  /** With the input `resampled`: some of the words before are what the decoder would have said, tokens that are never written left out. */
  scheduled?: Pick<SpecialTokens, 'never'>;
}

export interface GraphLosses {
  /** What is minimised. */
  loss: Tensor;
  /** Cross-entropy of words in nats a token; of reinforced captions the policy gradient's loss (Williams 1992). */
  words: Tensor;
  /** Cross-entropy of the kinds of words. */
  kinds?: Tensor;
}

/**
 * Training graph. Inputs beside those of `graphNodes`: `tokens` and `targets` (R, T) int32, R = B · captions; `weights` (R, T), 0 beyond a
 * caption's end; `kinds` (R, T) int32, the kind of each target; `resampled` (R, T).
 */
export function graphCaptionerLoss(p: Params, c: GraphCaptionerConfig, shape: GraphLossShape): GraphLosses {
  const { batch, captions, length = c.maxTokens, reinforce, scheduled } = shape;
  const rows = batch * captions;
  const body = bodyOf(c);
  const memory = body.memory(p, c, graphNodes(p, c, batch));
  const tokens = input('tokens', [rows, length], 'int32');
  const resampled = scheduled && { where: input('resampled', [rows, length]), never: scheduled.never };
  const { states, kinds } = body.say(p, c, memory, tokens, { captions, resampled });
  const logits = wordLogits(p, c, states);
  const flat = (name: string) => input(name, [rows, length], 'int32').reshape([rows * length]);
  const weights = input('weights', [rows, length]).reshape([rows * length]);
  const targets = flat('targets');
  const words = reinforce
    ? crossEntropy(div(logits, reinforce.temperature), targets, {
        mask: weights,
        over: maximum(sum(input('real', [rows, length])), 1),
      })
    : crossEntropy(logits, targets, { smoothing: c.labelSmoothing, mask: weights });
  if (!kinds || reinforce) return { loss: words, words };
  const ofKinds = crossEntropy(kinds.reshape([rows * length, 3]), flat('kinds'), { mask: weights });
  return { loss: add(words, mul(ofKinds, c.kindWeight)), words, kinds: ofKinds };
}

/** What decoding needs of pictures, outputs `memory.NAME`; the inputs are those of `graphNodes`. */
export function graphMemory(p: Params, c: GraphCaptionerConfig, batch: number): Memory {
  const memory = bodyOf(c).memory(p, c, graphNodes(p, c, batch));
  return Object.fromEntries(Object.entries(memory).map(([name, tensor]) => [`memory.${name}`, tensor]));
}

/**
 * One word more of each hypothesis. Inputs: `memory.NAME` as above, `tokens` (R) int32, `state.NAME`, for a transformer `position` (1) int32.
 * Outputs: `logp` (R, V), `kind` (R, 3) probabilities where kinds are asked for, `next.NAME` for each of the state.
 */
export function graphStep(
  p: Params,
  c: GraphCaptionerConfig,
  { images, beams }: { images: number; beams: number },
): Record<string, Tensor> {
  const rows = images * beams;
  const body = bodyOf(c);
  const probe = body.memory(p, c, graphNodes(p, c, images)); // for its shapes alone
  const memory = Object.fromEntries(
    Object.entries(probe).map(([name, { shape }]) => [name, input(`memory.${name}`, shape)]),
  );
  const state = Object.fromEntries(
    Object.entries(body.state(c, rows)).map(([name, shape]) => [name, input(`state.${name}`, shape)]),
  );
  const { state: next, out, kind } = body.step(p, c, memory, input('tokens', [rows], 'int32'), state, { captions: beams }); // biome-ignore format: one line
  return {
    logp: logSoftmax(wordLogits(p, c, out)),
    ...(kind && { kind: softmax(kind) }),
    ...Object.fromEntries(Object.entries(next).map(([name, tensor]) => [`next.${name}`, tensor])),
  };
}

/** Of captions that are known, tokens (B, T), the probabilities of the kind of each next word (B, T, 3); undefined without kinds. */
export function graphKinds(p: Params, config: GraphCaptionerConfig, batch: number): Tensor | undefined {
  const c = still(config);
  const memory = bodyOf(c).memory(p, c, graphNodes(p, c, batch));
  const tokens = input('tokens', [batch, c.maxTokens], 'int32');
  const { kinds } = bodyOf(c).say(p, c, memory, tokens, { captions: 1 });
  return kinds && softmax(kinds);
}

/** Nothing is dropped when nothing is learnt. */
export const still = (c: GraphCaptionerConfig): GraphCaptionerConfig => ({ ...c, dropout: 0 });
