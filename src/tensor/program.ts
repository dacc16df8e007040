import { RecaptionError, reason } from '../errors.ts';
import { fillDropout, fillNormal, fillUniform, streamKey } from '../random.ts';
import { type Device, deviceError, loadRuntime } from './device.ts';
import { allocate, arrayOf, type DType, sizeOf, type TensorData } from './dtype.ts';
import { emitOnnx, outputName } from './onnx/emit.ts';
import type { Distribution, Shape, Tensor } from './tensor.ts';

export interface CompileOptions<Name extends string> {
  outputs: Record<Name, Tensor>;
  /** Parameters to bake into the graph, by path: the runtime packs them once. All others are fed at every run. */
  frozen?: ReadonlyMap<string, Float32Array>;
  device?: Device;
  /** Threads of one operator; default: the runtime's choice (all cores). */
  threads?: number;
  /** Write a timing of every kernel to a file with this prefix. */
  profile?: string;
}

/** Arrays by name. Those given as outputs are written in place; feeds are read without a copy. */
export type Arrays = Record<string, TensorData>;

export interface Program<Name extends string = string> {
  /** What a run needs, by name: inputs and parameters that are not frozen. */
  readonly feeds: ReadonlyMap<string, { shape: Shape; dtype: DType }>;
  readonly outputs: Readonly<Record<Name, { shape: Shape; dtype: DType }>>;
  /** Number of ONNX nodes, and bytes of the model. */
  readonly size: { nodes: number; bytes: number };
  /**
   * Runs once. `random` keys the counter-based stream of every random leaf: same key, same numbers. Outputs that are not
   * in `into` are allocated.
   */
  run(feeds: Arrays, options?: { into?: Arrays; random?: number }): Promise<Record<Name, TensorData>>;
  dispose(): Promise<void>;
}

/** Emits the graph of `outputs` as ONNX and prepares it on a device. */
export async function compile<Name extends string>(options: CompileOptions<Name>): Promise<Program<Name>> {
  const { device = 'cpu' } = options;
  const emitted = emitOnnx(options.outputs, options.frozen);
  const { InferenceSession, Tensor: OrtTensor } = await loadRuntime();
  const session = await InferenceSession.create(emitted.model, {
    executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: options.threads ?? 0,
    executionMode: 'sequential',
    enableMemPattern: false,
    logSeverityLevel: 3,
    ...(options.profile ? { enableProfiling: true, profileFilePrefix: options.profile } : {}),
    extra: { session: { set_denormal_as_zero: '1' } },
  }).catch(async (cause) => {
    const refused = new RecaptionError('runtime', `ONNX Runtime refused the graph (${reason(cause)})`, {
      cause,
    });
    throw (await deviceError(device, cause)) ?? refused;
  });

  const randoms: { name: string; values: Float32Array; distribution: Distribution; tensor: OrtValue }[] = [];
  const feeds = new Map<string, { shape: Shape; dtype: DType }>();
  for (const { name, leaf, tensor } of emitted.feeds) {
    if (leaf.kind === 'random') {
      const values = new Float32Array(sizeOf(tensor.shape));
      const wrapped = new OrtTensor('float32', values, tensor.shape);
      randoms.push({ name, values, distribution: leaf.distribution, tensor: wrapped });
    } else {
      feeds.set(name, { shape: tensor.shape, dtype: tensor.dtype });
    }
  }
  const outputs = Object.fromEntries(
    Object.entries<Tensor>(options.outputs).map(([name, { shape, dtype }]) => [name, { shape, dtype }]),
  ) as Record<Name, { shape: Shape; dtype: DType }>;

  const wrap = (name: string, data: TensorData, spec: { shape: Shape; dtype: DType }): OrtValue => {
    if (data.length !== sizeOf(spec.shape)) {
      throw new RecaptionError('shape', `"${name}" has ${data.length} elements; [${spec.shape}] is wanted`);
    }
    if (data.constructor !== arrayOf(spec.dtype)) {
      const what = `"${name}" is given as ${data.constructor.name}; ${arrayOf(spec.dtype).name} is wanted`;
      throw new RecaptionError('shape', what);
    }
    const value = new OrtTensor(spec.dtype as 'float32', data as Float32Array, spec.shape);
    // Where Float16Array exists the library rewraps the bits in one, which its native half does not read.
    if (spec.dtype === 'float16') Object.assign(value, { cpuData: data });
    return value;
  };

  return {
    feeds,
    outputs,
    size: { nodes: emitted.nodes, bytes: emitted.model.length },
    async run(given, { into = {}, random } = {}) {
      const inputs: Record<string, OrtValue> = {};
      for (const [name, spec] of feeds) {
        if (!(name in given)) throw new RecaptionError('missing-feed', `the program was not given "${name}"`);
        inputs[name] = wrap(name, given[name], spec);
      }
      for (const [site, { name, values, distribution, tensor }] of randoms.entries()) {
        if (random === undefined)
          throw new RecaptionError('missing-feed', 'a program with randomness needs a random key');
        fill(values, distribution, streamKey(random, site));
        inputs[name] = tensor;
      }
      const results = {} as Record<Name, TensorData>;
      const fetches: Record<string, OrtValue> = {};
      for (const name of Object.keys(outputs) as Name[]) {
        results[name] = into[name] ?? allocate(outputs[name].dtype, sizeOf(outputs[name].shape));
        fetches[outputName(name)] = wrap(name, results[name], outputs[name]);
      }
      await session.run(inputs, fetches);
      return results;
    },
    async dispose() {
      if (options.profile) session.endProfiling();
      await session.release();
    },
  };
}

type OrtValue = import('onnxruntime-node').Tensor;

function fill(values: Float32Array, distribution: Distribution, key: number): void {
  if (distribution.kind === 'dropout') fillDropout(values, key, distribution.rate);
  else if (distribution.kind === 'uniform') fillUniform(values, key);
  else fillNormal(values, key);
}
