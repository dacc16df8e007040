import { RecaptionError } from '../errors.ts';
import { fillNormal, fillUniform, streamKey } from '../random.ts';
import { sizeOf } from './dtype.ts';
import { parameter, type Shape, type Tensor } from './tensor.ts';

/** How a parameter starts. `normal` is truncated nowhere; `uniform` is symmetric about zero. */
export type Init =
  | { kind: 'zeros' }
  | { kind: 'ones' }
  | { kind: 'constant'; value: number }
  | { kind: 'normal'; std: number }
  | { kind: 'uniform'; bound: number };

export const zeros: Init = { kind: 'zeros' };
export const ones: Init = { kind: 'ones' };
export const normal = (std: number): Init => ({ kind: 'normal', std });
export const uniform = (bound: number): Init => ({ kind: 'uniform', bound });

export interface ParameterSpec {
  path: string;
  tensor: Tensor;
  init: Init;
}

/**
 * A place in the tree of parameters. Tracing a model declares its parameters; the path of one is its name in a safetensors
 * file. Asking twice for a path gives the same tensor: that is how weights are shared.
 */
export interface Params {
  /** The subtree at `name` (which may itself be a path). */
  at(name: string | number): Params;
  /** Declares or finds a parameter. @throws RecaptionError `shape` if it was declared with another shape. */
  get(name: string, shape: Shape, init: Init): Tensor;
  readonly path: string;
  /** Everything declared so far under the root, in order of declaration. */
  readonly all: ReadonlyMap<string, ParameterSpec>;
}

/** An empty tree. */
export function params(): Params {
  const all = new Map<string, ParameterSpec>();
  const scope = (path: string): Params => ({
    path,
    all,
    at: (name) => scope(path ? `${path}.${name}` : `${name}`),
    get(name, shape, init) {
      const full = path ? `${path}.${name}` : name;
      const known = all.get(full);
      if (known) {
        if (known.tensor.shape.join() !== shape.join()) {
          throw new RecaptionError('shape', `declared as [${known.tensor.shape}] and as [${shape}]`, {
            place: full,
          });
        }
        return known.tensor;
      }
      const tensor = parameter(full, shape);
      all.set(full, { path: full, tensor, init });
      return tensor;
    },
  });
  return scope('');
}

/** Values of parameters, by path. */
export type Weights = Map<string, Float32Array>;

/** Starting values; each depends on the seed and its path alone, so adding a layer changes no other. */
export function initialise(specs: ReadonlyMap<string, ParameterSpec>, seed: number): Weights {
  const weights: Weights = new Map();
  for (const { path, tensor, init } of specs.values()) {
    const values = new Float32Array(sizeOf(tensor.shape));
    const key = streamKey(seed, 'init', path);
    if (init.kind === 'ones') values.fill(1);
    else if (init.kind === 'constant') values.fill(init.value);
    else if (init.kind === 'normal') {
      fillNormal(values, key);
      for (let i = 0; i < values.length; i++) values[i] *= init.std;
    } else if (init.kind === 'uniform') {
      fillUniform(values, key);
      for (let i = 0; i < values.length; i++) values[i] = (2 * values[i] - 1) * init.bound;
    }
    weights.set(path, values);
  }
  return weights;
}

/** Number of trained values. */
export function countParameters(specs: ReadonlyMap<string, ParameterSpec>): number {
  let count = 0;
  for (const { tensor } of specs.values()) count += sizeOf(tensor.shape);
  return count;
}
