/** What both decoders of a graph captioner have in common. */
import { linear } from '../../nn/index.ts';
import {
  dropout,
  expand,
  matmul,
  mul,
  normal,
  type Params,
  softmax,
  type Tensor,
} from '../../tensor/index.ts';
import type { GraphCaptionerConfig } from './config.ts';
import type { GraphNodes } from './nodes.ts';

/** What a decoder reads of pictures, made once for all their captions: (B, …) each. */
export type Memory = Record<string, Tensor>;

export interface Said {
  /** What the next word is told by: (R, T, C). */
  states: Tensor;
  /** Logits of the kind of the next word, (R, T, 3), where it is asked for. */
  kinds?: Tensor;
}

export interface StepResult {
  state: Record<string, Tensor>;
  /** (R, C). */
  out: Tensor;
  /** (R, 3). */
  kind?: Tensor;
}

/** Rows R are B · `captions`: the captions of a picture, or its hypotheses, one after the other. */
export interface DecoderBody {
  memory(p: Params, c: GraphCaptionerConfig, nodes: GraphNodes): Memory;
  /**
   * Whole captions that are known: tokens (R, T). `resampled.where` (R, T): 1 where the word before is what the decoder itself would have said
   * (scheduled sampling; Bengio et al. 2015), with decoders that say one word after the other; `never` are tokens that it does not write.
   */
  say(
    p: Params,
    c: GraphCaptionerConfig,
    memory: Memory,
    tokens: Tensor,
    options: { captions: number; resampled?: { where: Tensor; never: readonly number[] } },
  ): Said;
  /** Shapes of what is remembered from word to word; zero at the beginning, unless the memory has `start.NAME`. */
  state(c: GraphCaptionerConfig, rows: number): Record<string, number[]>;
  /** One word more: tokens (R). Input `position` (1) int32 where it matters. */
  step(
    p: Params,
    c: GraphCaptionerConfig,
    memory: Memory,
    tokens: Tensor,
    state: Record<string, Tensor>,
    options: { captions: number },
  ): StepResult;
}

/** Logits of the next word from (…, C): (rows, V). */
export function wordLogits(p: Params, c: GraphCaptionerConfig, states: Tensor): Tensor {
  const rows = states.shape.slice(0, -1).reduce((a, b) => a * b, 1);
  const init = normal(1 / Math.sqrt(c.width));
  return linear(p.at('speak'), dropout(states.reshape([rows, c.width]), c.dropout), c.vocabulary, { init });
}

/** Every row of (B, …) `times` times: (B · times, …). */
export function repeated(x: Tensor, times: number): Tensor {
  const [b, ...rest] = x.shape;
  return expand(x.reshape([b, 1, ...rest]), [b, times, ...rest]).reshape([b * times, ...rest]);
}

/** What a sort of nodes says, (rows, C), as loud as the next word is likely to be of its kind; `kinds` are logits (rows, 3). */
export function steered(answer: Tensor, kinds: Tensor | undefined, kind: 0 | 1): Tensor {
  return kinds ? mul(answer, softmax(kinds).slice(1, kind, kind + 1)) : answer;
}

/** The mean of a picture's object nodes: (B, C). */
export function meanNode({ objects, objectMask }: GraphNodes): Tensor {
  const [b, , c] = objects.shape;
  return matmul(softmax(objectMask), objects).reshape([b, c]); // of a mask of zeros, all shares are the same
}
