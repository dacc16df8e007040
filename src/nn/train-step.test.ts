import { afterEach, describe, expect, it } from 'vitest';
import { random } from '../random.ts';
import { type Arrays, dropout, initialise, input, normal, params, type Weights } from '../tensor/index.ts';
import type { AdamWOptions } from './adamw.ts';
import { linear } from './layers.ts';
import { type TrainStep, type TrainStepOptions, trainStep } from './train-step.ts';

const open: TrainStep[] = [];
const make = async (options: TrainStepOptions) => {
  const step = await trainStep(options);
  open.push(step);
  return step;
};
afterEach(async () => {
  for (const step of open.splice(0)) await step.dispose();
});

const numbers = (count: number, ...path: (number | string)[]) => {
  const draw = random(1, ...path);
  return Float32Array.from({ length: count }, () => draw.normal());
};
/** Values that outlive the next step. */
const copy = (values: ReadonlyMap<string, Float32Array>) =>
  new Map([...values].map(([name, array]) => [name, array.slice()]));

/** A loss that is linear in its parameters, Σ W ∘ G + Σ b ∘ H: its gradients are what is fed. */
function linearLoss() {
  const tree = params();
  const w = tree.get('w', [3, 2], normal(1));
  const b = tree.get('b', [2], normal(1));
  const loss = w
    .mul(input('g.w', [3, 2]))
    .sum()
    .add(b.mul(input('g.b', [2])).sum());
  return { params: tree, loss };
}
const slopes = (t: number): Arrays => ({ 'g.w': numbers(6, 'w', t), 'g.b': numbers(2, 'b', t) });

/** AdamW in doubles, as Loshchilov & Hutter's Algorithm 2 has it, with clipping before and an average after. */
function reference(
  start: Weights,
  rates: number[],
  options: AdamWOptions,
): { weights: Weights; average: Weights } {
  const { betas: [b1, b2] = [0.9, 0.98], epsilon = 1e-8, weightDecay = 0.05, clip = 1, ema = 0 } = options;
  const weights = new Map([...start].map(([path, values]) => [path, Float64Array.from(values)]));
  const average = new Map([...start].map(([path, values]) => [path, Float64Array.from(values)]));
  const moments = new Map(
    [...start].map(([path, { length }]) => [path, [new Float64Array(length), new Float64Array(length)]]),
  );
  for (const [i, rate] of rates.entries()) {
    const t = i + 1;
    const grads = slopes(t);
    const all = [...weights.keys()].flatMap((path) => [...(grads[`g.${path}`] as Float32Array)]);
    const norm = Math.sqrt(all.reduce((sum, g) => sum + g * g, 0));
    const factor = clip > 0 && norm > clip ? clip / norm : 1;
    for (const [path, w] of weights) {
      const own = { rate: 1, weightDecay: path === 'b' ? 0 : weightDecay, ...groupOf(options, path) };
      const [m, v] = moments.get(path)!;
      for (let k = 0; k < w.length; k++) {
        const g = Number(grads[`g.${path}`][k]) * factor;
        m[k] = b1 * m[k] + (1 - b1) * g;
        v[k] = b2 * v[k] + (1 - b2) * g * g;
        const direction = m[k] / (1 - b1 ** t) / (Math.sqrt(v[k] / (1 - b2 ** t)) + epsilon);
        w[k] -= rate * own.rate * (direction + own.weightDecay * w[k]);
        const keep = Math.min(ema, (1 + t) / (10 + t));
        average.get(path)![k] = keep * average.get(path)![k] + (1 - keep) * w[k];
      }
    }
  }
  const narrow = (of: Map<string, Float64Array>): Weights =>
    new Map([...of].map(([path, values]) => [path, Float32Array.from(values)]));
  return { weights: narrow(weights), average: narrow(average) };
}
const groupOf = ({ group }: AdamWOptions, path: string) =>
  group?.([...linearLoss().params.all.values()].find((spec) => spec.path === path)!);

const RATES = [0.1, 0.2, 0.15, 0.05, 0.01];

describe('the update', () => {
  const cases: [string, AdamWOptions][] = [
    ['without clipping or decay', { clip: 0, weightDecay: 0 }],
    ['with decay of matrices alone', { clip: 0, weightDecay: 0.3 }],
    ['with gradients clipped by their global norm', { clip: 0.5 }],
    ['with a clip that is never reached', { clip: 1000 }],
    ['with other rates of decay and an epsilon that matters', { betas: [0.5, 0.7], epsilon: 0.3 }],
    [
      'with groups of parameters',
      { group: ({ path }) => (path === 'b' ? { rate: 0.1, weightDecay: 0.5 } : { weightDecay: 0.2 }) },
    ],
    ['with a moving average', { ema: 0.3 }],
  ];
  it.each(cases)('is that of AdamW %s', async (_, optimiser) => {
    const model = linearLoss();
    const start = initialise(model.params.all, 3);
    const network = await make({ ...model, optimiser, weights: start });
    for (const [i, rate] of RATES.entries()) await network.run(slopes(i + 1), rate, 0);
    const expected = reference(start, RATES, optimiser);
    for (const [path, values] of expected.weights) {
      for (const [k, value] of values.entries())
        expect(network.weights().get(path)![k]).toBeCloseTo(value, 4);
    }
    const average = optimiser.ema ? expected.average : expected.weights;
    for (const [path, values] of average) {
      for (const [k, value] of values.entries())
        expect(network.averaged().get(path)![k]).toBeCloseTo(value, 4);
    }
  });

  it('corrects the bias of the first moments: the first step has the length of the rate', async () => {
    const model = linearLoss();
    const start = initialise(model.params.all, 3);
    const network = await make({ ...model, weights: start, optimiser: { weightDecay: 0, clip: 0 } });
    await network.run(slopes(1), 0.1, 0);
    for (const [path, now] of network.weights()) {
      for (const [k, value] of now.entries())
        expect(Math.abs(value - start.get(path)![k])).toBeCloseTo(0.1, 4);
    }
  });

  it('reports the loss, the norm before clipping, and the metrics of the batch', async () => {
    const model = linearLoss();
    const network = await make({
      ...model,
      metrics: { twice: model.loss.mul(2) },
      optimiser: { clip: 0.01 },
    });
    const result = await network.run(slopes(1), 0.1, 0);
    const all = Object.values(slopes(1)).flatMap((array) => [...(array as Float32Array)]);
    expect(result.gradientNorm).toBeCloseTo(Math.hypot(...all), 4);
    expect(result.metrics.twice).toBeCloseTo(2 * result.loss, 4);
    expect(network.step).toBe(1);
  });

  it('leaves frozen parameters as they are, and keeps no state of them', async () => {
    const model = linearLoss();
    const start = initialise(model.params.all, 3);
    const network = await make({ ...model, weights: start, frozen: (path) => path === 'w' });
    for (const t of [1, 2]) await network.run(slopes(t), 0.1, 0);
    expect(network.weights().get('w')).toEqual(start.get('w'));
    expect(network.weights().get('b')).not.toEqual(start.get('b'));
    expect([...network.state().keys()].filter((name) => name.endsWith('w'))).toEqual([]);
  });
});

/** Two layers with dropout, squared error. */
function regression(batch: number, rate = 0) {
  const tree = params();
  const hidden = dropout(linear(tree.at('in'), input('x', [batch, 3]), 8), rate);
  const error = linear(tree.at('out'), hidden.mul(hidden), 1).sub(input('y', [batch, 1]));
  return { params: tree, loss: error.square().mean(), metrics: { error: error.mean() } };
}
const examples = (t: number, from = 0, to = 8): Arrays => ({
  x: numbers(24, 'x', t).slice(3 * from, 3 * to),
  y: numbers(8, 'y', t).slice(from, to),
});

describe('accumulation', () => {
  it('of k batches equals one batch of all their examples', async () => {
    const whole = await make({ ...regression(8), seed: 5, optimiser: { ema: 0.5 } });
    const parts = await make({ ...regression(2), seed: 5, optimiser: { ema: 0.5 }, accumulate: 4 });
    for (let t = 0; t < 4; t++) {
      const one = await whole.run(examples(t), 0.02, t);
      const many = await parts.run(
        [0, 2, 4, 6].map((i) => examples(t, i, i + 2)),
        0.02,
        t,
      );
      expect(many.loss).toBeCloseTo(one.loss, 4);
      expect(many.metrics.error).toBeCloseTo(one.metrics.error, 4);
      expect(many.gradientNorm).toBeCloseTo(one.gradientNorm, 3);
    }
    for (const [path, values] of whole.averaged()) {
      for (const [k, value] of values.entries()) expect(parts.averaged().get(path)![k]).toBeCloseTo(value, 4);
    }
  });

  it('refuses another number of batches, whose average would be wrong', async () => {
    const network = await make({ ...regression(2), accumulate: 4 });
    await expect(network.run([examples(0, 0, 2)], 0.1, 0)).rejects.toThrow(/4 batches .*not 1/);
  });
});

describe('a loss that is no number', () => {
  it.each([Number.NaN, Number.POSITIVE_INFINITY])(
    '(%f) stops with the step and the largest gradients',
    async (bad) => {
      for (const accumulate of [1, 2]) {
        const model = linearLoss();
        const network = await make({ ...model, accumulate, optimiser: { ema: 0.9 } });
        const run = (t: number, spoilt = false) => {
          const batches = Array.from({ length: accumulate }, (_, i) => slopes(10 * t + i));
          if (spoilt) batches[accumulate - 1]['g.b'][1] = bad;
          return network.run(batches, 0.1, t);
        };
        await run(1);
        await run(2);
        const before = copy(network.state());
        const error = await run(3, true).catch((thrown) => thrown);
        expect(error).toMatchObject({ name: 'RecaptionError', code: 'non-finite', place: 'step 3' });
        expect(error.message).toMatch(/at step 3; largest gradients: b \((NaN|Infinity)\)/);
        expect(copy(network.state())).toEqual(before);
        expect(network.step).toBe(2);

        await run(3); // and it can go on as if nothing had happened
        const other = await make({ ...linearLoss(), accumulate, optimiser: { ema: 0.9 } });
        for (const t of [1, 2, 3]) {
          await other.run(
            Array.from({ length: accumulate }, (_, i) => slopes(10 * t + i)),
            0.1,
            t,
          );
        }
        expect(copy(network.state())).toEqual(copy(other.state()));
      }
    },
  );
});

describe('restoring', () => {
  it('goes on to the bit, dropout included', async () => {
    const options = { ...regression(8, 0.3), optimiser: { ema: 0.9 } };
    const one = await make({ ...options, seed: 1 });
    for (let t = 0; t < 3; t++) await one.run(examples(t), 0.05, 100 + t);
    const state = copy(one.state());
    for (let t = 3; t < 6; t++) await one.run(examples(t), 0.05, 100 + t);

    const other = await make({ ...options, seed: 2 });
    await other.run(examples(9), 0.05, 9);
    other.restore(state);
    expect(other.step).toBe(3);
    for (let t = 3; t < 6; t++) await other.run(examples(t), 0.05, 100 + t);
    expect(copy(other.state())).toEqual(copy(one.state()));
  });

  it('depends on the key of the step: other dropout, other weights', async () => {
    const results: Weights[] = [];
    for (const key of [1, 1, 2]) {
      const network = await make({ ...regression(8, 0.5), seed: 1 });
      await network.run(examples(0), 0.05, key);
      results.push(copy(network.weights()));
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).not.toEqual(results[0]);
  });

  it('refuses a state that lacks a tensor or has one of another size, and changes nothing', async () => {
    const network = await make(linearLoss());
    await network.run(slopes(1), 0.1, 0);
    const before = copy(network.state());
    const fails = (state: Map<string, Float32Array>, words: RegExp) => {
      expect(() => network.restore(state)).toThrow(
        expect.objectContaining({ code: 'bad-checkpoint', message: expect.stringMatching(words) }),
      );
      expect(copy(network.state())).toEqual(before);
    };
    const lacking = copy(before);
    lacking.delete('adam.v.w');
    fails(lacking, /lacks "adam\.v\.w"/);
    fails(copy(before).set('b', new Float32Array(3)), /another size for "b"/);
    fails(new Map(), /lacks "step"/);
  });
});
