import { describe, expect, it } from 'vitest';
import { random } from '../../random.ts';
import { type Arrays, compile, gradients, initialise, params } from '../../tensor/index.ts';
import { type RelationConfig, relationConfigSchema } from './config.ts';
import { PAIR_GEOMETRY } from './geometry.ts';
import { relationLogits, relationLoss } from './network.ts';

const map = {
  encoder: 'e',
  name: 'map',
  tokens: 5,
  width: 3,
  grid: { side: 2, lead: 1, fit: 'fill' as const },
};
const config: RelationConfig = relationConfigSchema.parse({
  regions: { most: 3, labels: 2, maps: [map] },
  predicates: 2,
  priors: 1,
  width: 6,
  labelWidth: 4,
  dropout: 0,
});
const [B, PAIRS, P] = [2, 9, 2];
const draw = random(1, 'relations');
const numbers = (count: number) => Float32Array.from({ length: count }, () => draw.normal());
const feeds: Arrays = {
  'features.map': new Uint16Array(B * 5 * 3).fill(0x3c00), // ones
  'regions.labels': Int32Array.from({ length: B * 3 }, (_, i) => i % 3),
  'regions.cells.map': numbers(B * 3 * 4),
  'pairs.geometry': numbers(B * PAIRS * PAIR_GEOMETRY),
  'pairs.cells.map': numbers(B * PAIRS * 4),
  'pairs.prior': Int32Array.from({ length: B * PAIRS }, (_, i) => i % 2),
};
const weights = (() => {
  const tree = params();
  relationLogits(tree, config, B);
  const all = initialise(tree.all, 3);
  all.get('prior.weight')!.set([0.5, -1, 2, -3]);
  return all;
})();
const run = async (single: boolean, bags: Uint8Array, others: Float32Array) => {
  const tree = params();
  const { loss, told, untold } = relationLoss(tree, config, { batch: B, single });
  const logits = relationLogits(params(), config, B);
  const program = await compile({ outputs: { loss, told, untold, logits }, frozen: weights });
  const out = await program.run({ ...feeds, bags, others });
  await program.dispose();
  return { loss: out.loss[0] as number, told: out.told[0] as number, untold: out.untold[0] as number, logits: out.logits as Float32Array }; // biome-ignore format: one line
};
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

describe('the loss of a relation graph', () => {
  const bags = new Uint8Array(B * PAIRS * P);
  const at = (b: number, pair: number, r: number) => (b * PAIRS + pair) * P + r;
  for (const pair of [1, 2, 5]) bags[at(0, pair, 0)] = 1; // one bag of three pairs
  bags[at(1, 3, 1)] = 1; // one of a single pair
  const others = Float32Array.from({ length: B * PAIRS * P }, (_, i) => (bags[i] === 1 ? 0 : (i % 3) / 2));

  it('asks that one pair of a bag stand in its predicate, by noisy-OR, and that the others do not', async () => {
    const { loss, told, untold, logits } = await run(false, bags, others);
    const none = [1, 2, 5].reduce((product, pair) => product * (1 - sigmoid(logits[at(0, pair, 0)])), 1);
    const wanted = (-Math.log(1 - none) - Math.log(sigmoid(logits[at(1, 3, 1)]))) / 2;
    expect(told).toBeCloseTo(wanted, 4);
    const rest = others.reduce((sum, weight, i) => sum - weight * Math.log(1 - sigmoid(logits[i])), 0) / 2;
    expect(untold).toBeCloseTo(rest, 3);
    expect(loss).toBeCloseTo(told + untold, 4);
  });

  it('asks it of every pair where the truth is known', async () => {
    const { told, logits } = await run(true, bags, others);
    const all = [at(0, 1, 0), at(0, 2, 0), at(0, 5, 0), at(1, 3, 1)];
    expect(told).toBeCloseTo(all.reduce((sum, i) => sum - Math.log(sigmoid(logits[i])), 0) / 4, 4);
  });

  it('is zero, and no NaN, where nothing is told and nothing counts', async () => {
    const nothing = await run(false, new Uint8Array(bags.length), new Float32Array(bags.length));
    expect([nothing.loss, nothing.told, nothing.untold].map((one) => one + 0)).toEqual([0, 0, 0]); // -0 is zero
  });

  it('still knows the way where a bag is all but impossible', async () => {
    const low = new Map(weights).set('prior.gain', new Float32Array([1]));
    low.set('prior.weight', weights.get('prior.weight')!.map(() => -40) as Float32Array<ArrayBuffer>);
    const tree = params();
    const { told } = relationLoss(tree, config, { batch: B });
    const logits = relationLogits(params(), config, B);
    const gain = tree.all.get('prior.gain')!.tensor;
    const [slope] = gradients(told, [gain]);
    const program = await compile({ outputs: { told, slope: slope!, logits } });
    const out = (await program.run({ ...feeds, bags, others, ...Object.fromEntries(low) })) as Record<string, Float32Array>; // biome-ignore format: one line
    await program.dispose();
    const any = Math.log([1, 2, 5].reduce((total, pair) => total + Math.exp(out.logits[at(0, pair, 0)]), 0));
    expect(out.told[0]).toBeCloseTo(-(any + out.logits[at(1, 3, 1)]) / 2, 3);
    expect(out.slope[0]).toBeCloseTo(40, 3); // a gain one smaller makes it e^40 times as likely
  });

  it('has gradients that agree with differences', async () => {
    const tree = params();
    const { loss } = relationLoss(tree, config, { batch: B });
    const specs = [...tree.all.values()].filter(({ path }) => path !== 'prior.weight');
    const slopes = gradients(loss, specs.map(({ tensor }) => tensor)); // biome-ignore format: one line
    const program = await compile({
      outputs: { loss, ...Object.fromEntries(specs.map(({ path }, i) => [`d.${path}`, slopes[i]!])) },
    });
    const given = { ...feeds, bags, others, ...Object.fromEntries(weights) };
    const out = await program.run(given);
    for (const { path } of specs) {
      const values = weights.get(path)!;
      const k = draw.int(values.length);
      const shifted = async (by: number) => {
        const moved = values.slice();
        moved[k] += by;
        return (await program.run({ ...given, [path]: moved })).loss[0] as number;
      };
      const difference = ((await shifted(0.01)) - (await shifted(-0.01))) / 0.02;
      expect((out as Record<string, Float32Array>)[`d.${path}`][k], path).toBeCloseTo(difference, 2);
    }
    await program.dispose();
  });
});

describe('the logits of a pair', () => {
  it('are those of its labels alone where all that is learnt is zero', async () => {
    const zero = new Map([...weights].map(([path, values]) => [path, path.startsWith('prior') ? values : values.map(() => 0)])); // biome-ignore format: one line
    const program = await compile({ outputs: { y: relationLogits(params(), config, B) }, frozen: zero });
    const { y } = await program.run(feeds);
    await program.dispose();
    expect([...(y as Float32Array).slice(0, 4)]).toEqual([0.5, -1, 2, -3]);
  });
});
