/**
 * A language model over tokens: L(t) = Σ_j log P(t_j | t_{j−k} … t_{j−1}; Θ), the equation that paper A starts from (Betker et al. 2023,
 * section 2.1), as a transformer with causal attention.
 */
import { attend, block, causalMask, embedding, HIDDEN, layerNorm, linear, mergeHeads, mlp, projectHeads } from '../nn/index.ts'; // biome-ignore format: one line
import {
  type Arrays,
  add,
  allocate,
  compile,
  concat,
  constant,
  crossEntropy,
  type Device,
  expand,
  input,
  logSoftmax,
  normal,
  type Params,
  params,
  sizeOf,
  type Tensor,
  type Weights,
} from '../tensor/index.ts';

export interface LanguageModelConfig {
  vocabulary: number;
  width: number;
  layers: number;
  heads: number;
  /** Longest text that it can go on with, itself included. */
  maxTokens: number;
  dropout: number;
}

const embed = (p: Params, c: LanguageModelConfig, tokens: Tensor, places: Tensor): Tensor =>
  add(
    embedding(p.at('tokens'), tokens, c.vocabulary, c.width),
    embedding(p.at('positions'), places, c.maxTokens, c.width),
  );

const logitsOf = (p: Params, c: LanguageModelConfig, x: Tensor): Tensor =>
  linear(p.at('head'), layerNorm(p.at('norm'), x), c.vocabulary, { init: normal(0.02) });

/** Mean cross-entropy in nats. Inputs: `tokens` and `targets` (B, T) int32, `counts` (B, T): 1 where a target is to be learnt. */
export function languageLoss(p: Params, c: LanguageModelConfig, batch: number): Tensor {
  const t = c.maxTokens;
  const places = Int32Array.from({ length: batch * t }, (_, i) => i % t);
  let x = embed(p, c, input('tokens', [batch, t], 'int32'), constant(places, [batch, t], 'int32'));
  for (let i = 0; i < c.layers; i++)
    x = block(p.at(i), x, { heads: c.heads, mask: causalMask(t), dropout: c.dropout });
  const logits = logitsOf(p, c, x).reshape([batch * t, c.vocabulary]);
  const targets = input('targets', [batch, t], 'int32').reshape([batch * t]);
  return crossEntropy(logits, targets, { mask: input('counts', [batch, t]).reshape([batch * t]) });
}

/**
 * What comes next, with the keys and values of what was before. Inputs: `tokens` (B, 1) and `position` (1) int32; `seen` (1, 1, 1, T + 1)
 * additive, hiding what is yet to come; `cache.k.i`, `cache.v.i` (B, heads, T, d). Outputs: `logp` (B, V), and `fresh.k.i`, `fresh.v.i` for
 * the place `position` of the caches.
 */
export function languageStep(p: Params, c: LanguageModelConfig, batch: number): Record<string, Tensor> {
  const { width, heads, maxTokens: t } = c;
  const out: Record<string, Tensor> = {};
  const seen = input('seen', [1, 1, 1, t + 1]);
  const places = expand(input('position', [1], 'int32').reshape([1, 1]), [batch, 1]);
  let x = embed(p, c, input('tokens', [batch, 1], 'int32'), places);
  for (let i = 0; i < c.layers; i++) {
    const at = p.at(i);
    const attention = at.at('attention');
    const [q, k, v] = projectHeads(attention.at('qkv'), layerNorm(at.at('norm1'), x), width, heads, 3);
    const [keys, values] = [k, v].map((fresh, n) => {
      const name = `${'kv'[n]}.${i}`;
      out[`fresh.${name}`] = fresh;
      return concat([input(`cache.${name}`, [batch, heads, t, width / heads]), fresh], 2);
    });
    x = add(x, linear(attention.at('out'), mergeHeads(attend(q, keys, values, { mask: seen })), width));
    x = add(x, mlp(at.at('mlp'), layerNorm(at.at('norm2'), x)));
  }
  out.logp = logSoftmax(logitsOf(p, c, x).reshape([batch, c.vocabulary]));
  return out;
}

export interface LanguageModel {
  /** Texts gone on with at once. */
  batch: number;
  /**
   * Goes on with as many beginnings as there are, at most `batch`: `next` is told the log-probabilities of each text's next token and says
   * which it is to be, or undefined for a text that has ended.
   * @returns what was added to each
   */
  goOn(
    beginnings: readonly (readonly number[])[],
    next: (text: number, logp: Float32Array, added: readonly number[]) => number | undefined,
  ): Promise<number[][]>;
  dispose(): Promise<void>;
}

export async function languageModel(
  c: LanguageModelConfig,
  weights: Weights,
  { batch, device = 'cpu' }: { batch: number; device?: Device },
): Promise<LanguageModel> {
  const program = await compile({ outputs: languageStep(params(), c, batch), frozen: weights, device });
  const buffers: Arrays = Object.fromEntries([...program.feeds].map(([name, { shape, dtype }]) => [name, allocate(dtype, sizeOf(shape))])); // biome-ignore format: one line
  const caches = Object.keys(buffers).filter((name) => name.startsWith('cache.'));
  const size = c.width / c.heads;
  return {
    batch,
    async goOn(beginnings, next) {
      const seen = (buffers.seen as Float32Array).fill(HIDDEN);
      seen[c.maxTokens] = 0; // itself
      for (const name of caches) (buffers[name] as Float32Array).fill(0);
      const tokens = (buffers.tokens as Int32Array).fill(0);
      const added: number[][] = beginnings.map(() => []);
      const ended = beginnings.map(() => false);
      for (let position = 0; position < c.maxTokens && ended.includes(false); position++) {
        for (const [i, own] of beginnings.entries())
          tokens[i] = own[position] ?? added[i][position - own.length] ?? tokens[i];
        buffers.position[0] = position;
        const out = await program.run(buffers);
        for (const name of caches) {
          const fresh = out[name.replace('cache', 'fresh')] as Float32Array;
          const cache = buffers[name] as Float32Array;
          for (let g = 0; g < batch * c.heads; g++)
            cache.set(fresh.subarray(g * size, (g + 1) * size), (g * c.maxTokens + position) * size);
        }
        seen[position] = 0;
        for (const [i, own] of beginnings.entries()) {
          if (ended[i] || position < own.length - 1) continue;
          const logp = (out.logp as Float32Array).subarray(i * c.vocabulary, (i + 1) * c.vocabulary);
          const token = next(i, logp, added[i]);
          if (token === undefined) ended[i] = true;
          else added[i].push(token);
        }
      }
      return added;
    },
    dispose: () => program.dispose(),
  };
}
