import { RecaptionError } from '../errors.ts';
import {
  type Arrays,
  add,
  compile,
  constant,
  type Device,
  expand,
  gradients,
  initialise,
  input,
  mul,
  type ParameterSpec,
  type Params,
  type Program,
  type Tensor,
  type Weights,
} from '../tensor/index.ts';
import { type AdamWOptions, adamw } from './adamw.ts';

export interface TrainStepOptions {
  /** The tree in which tracing the loss declared its parameters. */
  params: Params;
  /** Scalar to minimise. */
  loss: Tensor;
  /** Further scalars to report. */
  metrics?: Record<string, Tensor>;
  optimiser?: AdamWOptions;
  /** Parameters to leave as they are. */
  frozen?: (path: string) => boolean;
  /** Batches whose gradients are averaged before each update. Default 1. */
  accumulate?: number;
  device?: Device;
  /** As in `compile`: kernel timings of the step. */
  profile?: string;
  /** Starting values; missing ones are drawn with `seed`. */
  weights?: Weights;
  seed?: number;
}

export interface StepResult {
  loss: number;
  /** Global norm before clipping. */
  gradientNorm: number;
  metrics: Record<string, number>;
}

export interface TrainStep {
  /** Updates done. */
  readonly step: number;
  /** Current values; the arrays change hands at every step, so copy what you keep. */
  weights(): Weights;
  /** Moving average of the weights, or the weights themselves if none is kept. */
  averaged(): Weights;
  /** Everything a run needs to go on, by name, the step included. */
  state(): Map<string, Float32Array>;
  /** @throws RecaptionError `bad-checkpoint` naming the first tensor that is missing or of another size. */
  restore(state: ReadonlyMap<string, Float32Array>): void;
  /**
   * One update from `accumulate` batches. `random` keys dropout and noise.
   * @throws RecaptionError `non-finite`; the state stays that of the step before.
   */
  run(batches: Arrays | Arrays[], rate: number, random: number): Promise<StepResult>;
  readonly size: { nodes: number; bytes: number };
  dispose(): Promise<void>;
}

/**
 * Compiles forward, backward, clipping, AdamW and averaging into one graph. Two sets of buffers take turns as input and
 * output, so that nothing is copied and a step that went wrong leaves the last good values in place.
 */
export async function trainStep(options: TrainStepOptions): Promise<TrainStep> {
  const { params, loss, metrics = {}, frozen = () => false, accumulate = 1, device = 'cpu' } = options;
  const trained = [...params.all.values()].filter(({ path }) => !frozen(path));
  const grads = gradients(
    loss,
    trained.map(({ tensor }) => tensor),
  ).map((g, i) => g ?? expand(constant(0), trained[i].tensor.shape));
  const start = initialise(params.all, options.seed ?? 0);
  for (const [path, values] of options.weights ?? []) if (start.has(path)) start.set(path, values);
  const fixed = new Map([...start].filter(([path]) => frozen(path)));

  const scalars = { loss, ...prefixed('metric.', metrics) };
  const sums = accumulate > 1 ? trained.map(({ path, tensor }) => input(`sum.${path}`, tensor.shape)) : [];
  const update = adamw(trained, accumulate > 1 ? sums : grads, options.optimiser);
  const program: Program = await compile({
    outputs: accumulate > 1 ? update.outputs : { ...scalars, ...update.outputs },
    frozen: fixed,
    device,
    profile: options.profile,
  });
  const collect =
    accumulate > 1
      ? await compile(accumulation(trained, grads, sums, accumulate, scalars, fixed, device))
      : undefined;

  const size = (name: string) => program.outputs[name].shape.reduce((a, b) => a * b, 1);
  let now: Arrays = {};
  for (const { path } of trained) now[path] = Float32Array.from(start.get(path)!);
  for (const { name, path, average } of update.state) {
    now[name] = average ? Float32Array.from(start.get(path)!) : new Float32Array(size(name));
  }
  let next: Arrays = Object.fromEntries(
    Object.keys(now).map((name) => [name, new Float32Array(now[name].length)]),
  );
  const small: Arrays = Object.fromEntries(
    ['gradient.squares', ...Object.keys(scalars)].map((name) => [
      name,
      new Float32Array(name === 'gradient.squares' ? trained.length : 1),
    ]),
  );
  let step = 0;

  const subset = (prefix: string) => {
    const out: Weights = new Map(fixed);
    for (const { path } of trained) out.set(path, now[prefix + path] as Float32Array);
    return out;
  };

  return {
    get step() {
      return step;
    },
    size: program.size,
    weights: () => subset(''),
    averaged: () => subset(update.state.some(({ average }) => average) ? 'ema.' : ''),
    state: () =>
      new Map([['step', Float32Array.of(step)], ...(Object.entries(now) as [string, Float32Array][])]),
    restore(state) {
      for (const name of ['step', ...Object.keys(now)]) {
        const values = state.get(name);
        if (!values || (name !== 'step' && values.length !== now[name].length)) {
          throw new RecaptionError(
            'bad-checkpoint',
            `the training state ${values ? 'has another size for' : 'lacks'} "${name}"`,
            {
              hint: 'It belongs to another model or configuration; start a new run in another folder.',
            },
          );
        }
      }
      for (const name of Object.keys(now)) (now[name] as Float32Array).set(state.get(name)!);
      step = state.get('step')![0];
    },
    async run(batches, rate, random) {
      const list = Array.isArray(batches) ? batches : [batches];
      if (list.length !== accumulate)
        throw new RecaptionError('shape', `an update takes ${accumulate} batches here, not ${list.length}`);
      let given: Arrays = list[0];
      let reported: Arrays = {};
      if (collect) {
        given = Object.fromEntries(
          trained.map(({ path, tensor }) => [
            `sum.${path}`,
            new Float32Array(tensor.shape.reduce((a, b) => a * b, 1)),
          ]),
        );
        for (const [i, batch] of list.entries()) {
          const out = await collect.run({ ...now, ...batch, ...given }, { random: random + i });
          for (const name of Object.keys(scalars)) {
            const value = (reported[name]?.[0] ?? 0) as number;
            reported[name] = Float32Array.of(value + (out[name][0] as number) / list.length);
          }
          given = Object.fromEntries(trained.map(({ path }) => [`sum.${path}`, out[`sum.${path}`]]));
        }
      }
      const out = await program.run(
        { ...now, ...given, ...update.scalars(step + 1, rate) },
        { into: { ...next, ...small }, random },
      );
      reported = { ...out, ...reported };
      const squares = out['gradient.squares'] as Float32Array;
      const gradientNorm = Math.sqrt(squares.reduce((a, b) => a + b, 0));
      const lossValue = reported.loss[0] as number;
      if (!Number.isFinite(lossValue) || !Number.isFinite(gradientNorm)) {
        throw nonFinite(step + 1, lossValue, trained, squares);
      }
      [now, next] = [next, now];
      step++;
      return {
        loss: lossValue,
        gradientNorm,
        metrics: Object.fromEntries(
          Object.keys(metrics).map((name) => [name, reported[`metric.${name}`][0] as number]),
        ),
      };
    },
    async dispose() {
      await program.dispose();
      await collect?.dispose();
    },
  };
}

function accumulation(
  trained: ParameterSpec[],
  grads: Tensor[],
  sums: Tensor[],
  accumulate: number,
  scalars: Record<string, Tensor>,
  frozen: Weights,
  device: Device,
) {
  const outputs: Record<string, Tensor> = { ...scalars };
  for (const [i, { path }] of trained.entries())
    outputs[`sum.${path}`] = add(sums[i], mul(grads[i], 1 / accumulate));
  return { outputs, frozen, device };
}

function nonFinite(
  step: number,
  loss: number,
  trained: ParameterSpec[],
  squares: Float32Array,
): RecaptionError {
  const worst = trained
    .map(({ path }, i) => ({ path, norm: Math.sqrt(squares[i]) }))
    .sort(
      (a, b) =>
        (Number.isFinite(b.norm) ? b.norm : Infinity) - (Number.isFinite(a.norm) ? a.norm : Infinity) || 0,
    )
    .slice(0, 3)
    .map(({ path, norm }) => `${path} (${norm.toPrecision(3)})`);
  return new RecaptionError(
    'non-finite',
    `the loss became ${loss} at step ${step}; largest gradients: ${worst.join(', ')}`,
    {
      place: `step ${step}`,
      hint: 'What was saved before is kept. Lower the learning rate or the gradient clip, and start again.',
    },
  );
}

function prefixed(prefix: string, tensors: Record<string, Tensor>): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [prefix + name, tensor]));
}
