import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RecaptionError, reason } from '../errors.ts';
import { exists, writeFileAtomic } from '../files.ts';
import type { ParameterSpec, Weights } from '../tensor/index.ts';
import { fromFloat32, readSafetensors, toFloat32, writeSafetensors } from '../tensor/safetensors.ts';

/** Writes weights with their shapes. @param dtype F16 halves the size, for models that are only run. */
export async function saveWeights(
  path: string,
  weights: ReadonlyMap<string, Float32Array>,
  specs: ReadonlyMap<string, ParameterSpec>,
  { dtype = 'F32' as 'F32' | 'F16', metadata = {} as Record<string, string> } = {},
): Promise<void> {
  const tensors = new Map(
    [...weights].map(([name, values]) => {
      const shape = specs.get(name)?.tensor.shape ?? [values.length];
      return [name, fromFloat32(values, [...shape], dtype)] as const;
    }),
  );
  await writeSafetensors(path, tensors, { format: 'recaption', ...metadata });
}

/** So many digits of the hash of a file of weights: a name that changes with them. */
export const hashOfWeights = async (path: string, digits: number): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
    .slice(0, digits);

/**
 * Reads the weights that a network declares.
 * @param longer a tensor that may have more rows than the file has; those beyond are like the file's last
 * @throws RecaptionError `bad-weights` naming the first tensor that is missing or has another shape.
 */
export async function loadWeights(
  path: string,
  specs: ReadonlyMap<string, ParameterSpec>,
  longer?: string,
): Promise<Weights> {
  const { tensors } = await readSafetensors(path);
  const weights: Weights = new Map();
  for (const [name, { tensor }] of specs) {
    const found = tensors.get(name);
    const rows = found && name === longer ? Math.min(found.shape[0], tensor.shape[0]) : tensor.shape[0];
    if (!found || found.shape.join() !== [rows, ...tensor.shape.slice(1)].join()) {
      const what = found ? `has shape [${found.shape}], [${tensor.shape}] is wanted` : 'is missing';
      throw new RecaptionError('bad-weights', `the tensor "${name}" ${what}`, {
        place: path,
        hint: 'The weights belong to another configuration, or the file is incomplete: copy the whole folder again.',
      });
    }
    const values = toFloat32(found);
    if (!values.every(Number.isFinite)) {
      throw new RecaptionError('bad-weights', `the tensor "${name}" holds numbers that are not finite`, {
        place: path,
        hint: 'The file is damaged, or the training went wrong: take an earlier copy.',
      });
    }
    weights.set(name, withRows(values, rows, tensor.shape[0]));
  }
  return weights;
}

/** A matrix of `rows` rows with the last of them repeated until there are `wanted`. */
function withRows(
  values: Float32Array<ArrayBuffer>,
  rows: number,
  wanted: number,
): Float32Array<ArrayBuffer> {
  if (rows >= wanted) return values;
  const width = values.length / rows;
  const all = new Float32Array(wanted * width);
  all.set(values);
  for (let row = rows; row < wanted; row++) all.copyWithin(row * width, (rows - 1) * width, rows * width);
  return all;
}

/** Arrays by name, without shapes: the state of an optimiser. */
export async function saveState(
  path: string,
  state: ReadonlyMap<string, Float32Array>,
  metadata: Record<string, string>,
): Promise<void> {
  await writeSafetensors(
    path,
    new Map([...state].map(([name, values]) => [name, fromFloat32(values, [values.length], 'F32')])),
    metadata,
  );
}

export async function loadState(
  path: string,
): Promise<{ state: Map<string, Float32Array>; metadata: Record<string, string> }> {
  const { tensors, metadata } = await readSafetensors(path);
  return { state: new Map([...tensors].map(([name, tensor]) => [name, toFloat32(tensor)])), metadata };
}

const FILES = ['config.json', 'model.safetensors', 'tokenizer.json'] as const;

/** Where the files of a model folder lie. @throws RecaptionError `bad-model` naming the first that is not there. */
export async function modelFiles(folder: string): Promise<Record<(typeof FILES)[number], string>> {
  for (const name of FILES) {
    if (await exists(join(folder, name))) continue;
    throw new RecaptionError('bad-model', `the model folder has no ${name}`, {
      place: folder,
      hint: `A model is a folder with ${FILES.join(', ')}: copy the whole folder again.`,
    });
  }
  return Object.fromEntries(FILES.map((name) => [name, join(folder, name)])) as Record<
    (typeof FILES)[number],
    string
  >;
}

/** What the folders are that commands make, by the `type` of their config.json. */
const KINDS: Record<string, string> = {
  'recaption-captioner': 'a captioner',
  'recaption-graph-captioner': 'a graph captioner',
  'recaption-relations': 'a relation graph',
  'recaption-prompt-writer': 'a prompt writer',
  'recaption-generator': 'a generator',
  'recaption-autoencoder': 'an autoencoder',
  'recaption-decoder': 'a decoder',
};

/** Refuses a folder that holds a model of another kind. @param code of a model that is not there @throws RecaptionError `code`, `bad-model` */
export async function refuseOtherKind(folder: string, type: string, code: string): Promise<void> {
  const place = join(folder, 'config.json');
  const found = (await exists(place)) ? ((await readJson(place)) as { type?: unknown } | null)?.type : undefined;
  if (typeof found !== 'string' || found === type || !(found in KINDS)) return;
  throw new RecaptionError(code, `this is ${KINDS[found]}, and ${KINDS[type]} is wanted`, {
    place: folder,
    hint: `Name a folder made by \`recaption train ${type.replace('recaption-', '')}\`.`,
  });
} // biome-ignore format: one line

/** Parses a JSON file of a model folder. @throws RecaptionError `bad-model` */
export async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new RecaptionError('bad-model', `this file of a model cannot be read (${reason(cause)})`, {
      place: path,
      hint: 'Copy the whole model folder again.',
      cause,
    });
  }
}

export async function writeJson(folder: string, name: string, value: unknown): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFileAtomic(join(folder, name), `${JSON.stringify(value, undefined, 2)}\n`);
}

/**
 * Refuses weights that are not those that a model was trained with. Ids end in a hash of the weights; what is before it depends on where the
 * folder lies.
 * @param what they are, for the error. @throws RecaptionError `bad-model`
 */
export function sameWeights(what: string, found: { id: string; ref: string }, id: string): void {
  const hash = (name: string) => /-([0-9a-f]{12})$/.exec(name)?.[1] ?? name;
  if (hash(found.id) === hash(id)) return;
  throw new RecaptionError('bad-model', `the model was trained with the ${what} ${id}, this is ${found.id}`, {
    place: found.ref,
    hint: what === 'autoencoder' ? 'Name its own by --latent.' : 'Name its own by --text.',
  });
}
