import { describe, expect, it } from 'vitest';
import { random } from '../../random.ts';
import {
  type Arrays,
  compile,
  gradients,
  initialise,
  logSoftmax,
  params,
  softmax,
} from '../../tensor/index.ts';
import { input } from '../../tensor/tensor.ts';
import { wordLogits } from './body.ts';
import {
  BOX_NUMBERS,
  bodyOf,
  type GraphCaptionerConfig,
  graphCaptionerConfigSchema,
  graphCaptionerLoss,
  graphMemory,
  graphStep,
} from './index.ts';
import { graphNodes } from './nodes.ts';

const [B, K, T] = [2, 3, 4];
const N = 3;
const E = 4;
const config = (changes: object = {}): GraphCaptionerConfig =>
  graphCaptionerConfigSchema.parse({
    regions: { most: N, labels: 3, maps: [{ encoder: 'e', name: 'map', tokens: 4, width: 3, grid: { side: 2, lead: 0, fit: 'fill' } }] },
    predicates: 5,
    edges: E,
    width: 8,
    wordWidth: 6,
    attentionWidth: 4,
    heads: 2,
    depth: 2,
    vocabulary: 11,
    maxTokens: T,
    dropout: 0,
    ...changes,
  }); // biome-ignore format: one line
const draw = random(1, 'graph captioner');
const numbers = (count: number) => Float32Array.from({ length: count }, () => draw.normal());
const ints = (count: number, below: number) => Int32Array.from({ length: count }, () => draw.int(below));
/** The second picture has one region and no edge. */
const pictures = (): Arrays => {
  const present = Float32Array.of(1, 1, 1, 1, 0, 0);
  const [subjects, objects] = [new Float32Array(B * E * N), new Float32Array(B * E * N)];
  for (const [e, [i, j]] of [[0, 1], [1, 0], [2, 1]].entries()) [subjects[e * N + i], objects[e * N + j]] = [1, 1]; // biome-ignore format: one line
  return {
    'features.map': new Uint16Array(B * 4 * 3).map(() => 0x3800 + draw.int(1024)),
    'regions.cells.map': numbers(B * N * 4).map(Math.abs),
    'regions.labels': ints(B * N, 4),
    'regions.boxes': numbers(B * N * BOX_NUMBERS),
    'regions.present': present,
    'edges.predicates': Int32Array.of(1, 4, 2, 0, 0, 0, 0, 0),
    'edges.subjects': subjects,
    'edges.objects': objects,
  };
};
const seen = pictures();
const captions = (): Arrays => ({
  tokens: ints(B * K * T, 11),
  targets: ints(B * K * T, 11),
  weights: Float32Array.from({ length: B * K * T }, (_, i) => Number(i % T < 3)),
  kinds: ints(B * K * T, 3),
});
const said = captions();
const weightsOf = (c: GraphCaptionerConfig) => {
  const tree = params();
  graphCaptionerLoss(tree, c, { batch: B, captions: K });
  return initialise(tree.all, 5);
};
const run = async (
  outputs: Parameters<typeof compile>[0]['outputs'],
  c: GraphCaptionerConfig,
  feeds: Arrays,
) => {
  const program = await compile({ outputs, frozen: weightsOf(c) });
  const out = await program.run(feeds);
  await program.dispose();
  return out as Record<string, Float32Array>;
};

describe.each([
  ['an LSTM', { body: 'lstm' }],
  ['an LSTM that learns kinds beside', { body: 'lstm', kinds: 'auxiliary' }],
  ['an LSTM without a graph', { body: 'lstm', predicates: 0, kinds: 'none' }],
  ['a transformer', { body: 'transformer' }],
  ['a transformer that learns kinds beside', { body: 'transformer', kinds: 'auxiliary' }],
])('%s', (_, changes) => {
  const c = config(changes);

  it('says word by word what it says of a whole caption', async () => {
    const tree = params();
    const memory = bodyOf(c).memory(tree, c, graphNodes(tree, c, B));
    const { states, kinds } = bodyOf(c).say(tree, c, memory, input('tokens', [B * K, T], 'int32'), { captions: K }); // biome-ignore format: one line
    const whole = await run({ logp: logSoftmax(wordLogits(tree, c, states)), ...(kinds && { kind: softmax(kinds) }) }, c, { ...seen, ...said }); // biome-ignore format: one line
    const remembered = await run(graphMemory(params(), c, B), c, seen);
    const step = await compile({ outputs: graphStep(params(), c, { images: B, beams: K }), frozen: weightsOf(c) }); // biome-ignore format: one line
    const state: Record<string, Float32Array> = {};
    for (const [name, shape] of Object.entries(bodyOf(c).state(c, B * K))) {
      const size = shape.slice(1).reduce((a, b) => a * b, 1);
      const start = remembered[`memory.start.${name}`];
      state[`state.${name}`] = Float32Array.from({ length: B * K * size }, (_, i) => (start ? start[Math.floor(i / size / K) * size + (i % size)] : 0)); // biome-ignore format: one line
    }
    for (let t = 0; t < T; t++) {
      const tokens = Int32Array.from({ length: B * K }, (_, row) => Number(said.tokens[row * T + t]));
      const out = (await step.run({ ...remembered, ...state, tokens, position: Int32Array.of(t) })) as Record<string, Float32Array>; // biome-ignore format: one line
      for (let row = 0; row < B * K; row++) {
        for (let v = 0; v < 11; v++) expect(out.logp[row * 11 + v]).toBeCloseTo(whole.logp[(row * T + t) * 11 + v], 4);
        if (kinds) for (let k = 0; k < 3; k++) expect(out.kind[row * 3 + k]).toBeCloseTo(whole.kind[(row * T + t) * 3 + k], 4); // biome-ignore format: one line
      }
      for (const name of Object.keys(state)) state[name] = out[name.replace('state', 'next')];
    }
    await step.dispose();
  }); // biome-ignore format: one line

  it('has gradients that agree with differences', async () => {
    const tree = params();
    const { loss } = graphCaptionerLoss(tree, c, { batch: B, captions: K });
    const specs = [...tree.all.values()];
    const slopes = gradients(loss, specs.map(({ tensor }) => tensor)); // biome-ignore format: one line
    const program = await compile({ outputs: { loss, ...Object.fromEntries(specs.flatMap(({ path }, i) => (slopes[i] ? [[`d.${path}`, slopes[i]!]] : []))) } }); // biome-ignore format: one line
    const weights = weightsOf(c);
    const given = { ...seen, ...said, ...Object.fromEntries(weights) };
    const out = (await program.run(given)) as Record<string, Float32Array>;
    for (const { path } of specs) {
      const values = weights.get(path)!;
      const k = draw.int(values.length);
      const shifted = async (by: number) => {
        const moved = values.slice();
        moved[k] += by;
        return (await program.run({ ...given, [path]: moved })).loss[0] as number;
      };
      const difference = ((await shifted(0.01)) - (await shifted(-0.01))) / 0.02;
      expect(out[`d.${path}`]?.[k] ?? 0, path).toBeCloseTo(difference, 2);
    }
    await program.dispose();
  });
});
