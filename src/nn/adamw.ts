import {
  add,
  concat,
  div,
  input,
  minimum,
  mul,
  type ParameterSpec,
  reshape,
  sqrt,
  sub,
  sumSquares,
  type Tensor,
} from '../tensor/index.ts';

export interface AdamWOptions {
  /** Decay rates of the first and second moments. */
  betas?: [number, number];
  epsilon?: number;
  /** Decoupled weight decay, per unit of learning rate (Loshchilov & Hutter 2019). */
  weightDecay?: number;
  /** Gradients are scaled down so that their global norm is at most this; 0 never. */
  clip?: number;
  /** Decay of the exponential moving average of the weights; 0 keeps none. */
  ema?: number;
  /** Overrides per parameter, by path. Default: no decay for vectors (norms, biases). */
  group?: (spec: ParameterSpec) => { rate?: number; weightDecay?: number };
}

export interface Update {
  /** Names of the moment and average tensors, beside the parameters: `adam.m.PATH`, `adam.v.PATH`, `ema.PATH`. */
  state: { name: string; path: string; average: boolean }[];
  /** New parameters and state, by the names of the old; and `gradient.squares` (P), one per parameter. */
  outputs: Record<string, Tensor>;
  /** Scalars to feed at step `t` (from 1) with the scheduled `rate`. */
  scalars(t: number, rate: number): Record<string, Float32Array>;
}

/**
 * One AdamW step as part of the graph, fused in the form of Kingma & Ba's section 2 remark: the bias corrections sit in two
 * scalars that the host computes, the clip factor in two more.
 */
export function adamw(
  specs: readonly ParameterSpec[],
  grads: readonly Tensor[],
  options: AdamWOptions = {},
): Update {
  const { betas = [0.9, 0.98], epsilon = 1e-8, weightDecay = 0.05, clip = 1, ema = 0, group } = options;
  const [b1, b2] = betas;
  const squares = concat(
    grads.map((g) => reshape(sumSquares(g), [1])),
    0,
  );
  const norm = sqrt(squares.sum());
  const factor = clip > 0 ? minimum(div(clip, add(norm, 1e-6)), 1) : undefined;
  const gain1 = factor ? mul(factor, 1 - b1) : undefined;
  const gain2 = factor ? mul(mul(factor, factor), 1 - b2) : undefined;

  const outputs: Record<string, Tensor> = { 'gradient.squares': squares };
  const state: Update['state'] = [];
  const groups = new Map<string, { rate: number; weightDecay: number; step: Tensor; keep: Tensor }>();
  const epsilonHat = input('adam.epsilon', []);
  const averageKeep = ema > 0 ? input('ema.keep', []) : undefined;

  for (const [i, spec] of specs.entries()) {
    const { path, tensor: p } = spec;
    const g = grads[i];
    const own = { rate: 1, weightDecay: p.rank < 2 ? 0 : weightDecay, ...group?.(spec) };
    const key = `${own.rate}/${own.weightDecay}`;
    if (!groups.has(key)) {
      const step = input(`adam.step.${groups.size}`, []);
      groups.set(key, { ...own, step, keep: input(`adam.keep.${groups.size}`, []) });
    }
    const { step, keep } = groups.get(key)!;

    const m = add(mul(input(`adam.m.${path}`, p.shape), b1), mul(g, gain1 ?? 1 - b1));
    const v = add(mul(input(`adam.v.${path}`, p.shape), b2), mul(mul(g, g), gain2 ?? 1 - b2));
    const decayed = own.weightDecay > 0 ? mul(p, keep) : p;
    const next = sub(decayed, mul(div(m, add(sqrt(v), epsilonHat)), step));
    outputs[path] = next;
    outputs[`adam.m.${path}`] = m;
    outputs[`adam.v.${path}`] = v;
    state.push(
      { name: `adam.m.${path}`, path, average: false },
      { name: `adam.v.${path}`, path, average: false },
    );
    if (averageKeep) {
      const old = input(`ema.${path}`, p.shape);
      outputs[`ema.${path}`] = add(next, mul(sub(old, next), averageKeep));
      state.push({ name: `ema.${path}`, path, average: true });
    }
  }

  return {
    state,
    outputs,
    scalars(t, rate) {
      const correction = Math.sqrt(1 - b2 ** t);
      const out: Record<string, Float32Array> = { 'adam.epsilon': Float32Array.of(epsilon * correction) };
      let index = 0;
      for (const { rate: scale, weightDecay: decay } of groups.values()) {
        out[`adam.step.${index}`] = Float32Array.of((rate * scale * correction) / (1 - b1 ** t));
        out[`adam.keep.${index}`] = Float32Array.of(1 - rate * scale * decay);
        index++;
      }
      // The average follows quickly at first, so that it is never dominated by the random start.
      if (ema > 0) out['ema.keep'] = Float32Array.of(Math.min(ema, (1 + t) / (10 + t)));
      return out;
    },
  };
}
