/** `@huggingface/transformers`, an optional package: loaded when a model of the Hugging Face hub is first asked for. */
import { resolve } from 'node:path';
import { RecaptionError, reason, rootOf } from '../errors.ts';
import { exists } from '../files.ts';
import type { Device } from '../tensor/device.ts';

export interface LoadOptions {
  local_files_only: boolean;
  dtype?: string;
  device?: Device;
}

export interface FromPretrained<T> {
  from_pretrained(ref: string, options: LoadOptions): Promise<T>;
}

export type Outputs = Record<string, { dims: number[]; data: Float32Array }>;

export interface HubModel {
  (inputs: Record<string, unknown>): Promise<Outputs>;
  dispose(): Promise<unknown>;
}

export type HubProcessor = (images: unknown[]) => Promise<Record<string, unknown>>;
export type RawImageClass = new (
  data: Uint8Array,
  width: number,
  height: number,
  channels: number,
) => unknown;

/**
 * The package, as the little of it that `Library` says.
 * @param what is to be loaded, for the sentence: "vision models".
 * @throws RecaptionError `missing-package`.
 */
export async function loadTransformers<Library>(what: string): Promise<Library> {
  const name = '@huggingface/transformers';
  try {
    return (await import(name)) as Library;
  } catch (cause) {
    throw new RecaptionError(
      'missing-package',
      `${what} of the Hugging Face hub need a package that is not installed`,
      { hint: 'npm install @huggingface/transformers', cause },
    );
  }
}

/**
 * What to give the package for a hub id or a folder: it takes "models/clip" for a hub id, a full path it does not.
 * @throws RecaptionError `bad-model` for what is neither
 */
export async function locateModel(name: string): Promise<{ ref: string; local_files_only: boolean }> {
  const local = name !== '' && (await exists(name));
  if (!local && !/^[\w-][\w.-]*(\/[\w.-]+)?$/.test(name))
    throw new RecaptionError('bad-model', `there is no folder "${name}", and it is no id of the Hugging Face hub`, { hint: 'Ids look like Xenova/vit-gpt2-image-captioning.' }); // biome-ignore format: one line
  return { ref: local ? resolve(name) : name, local_files_only: local };
}

/** The last two parts of a hub id or path, as one name. */
export const shortName = (ref: string): string => ref.split(/[\\/]/).filter(Boolean).slice(-2).join('-');

/** What the package says of a model that it cannot load, in words for whoever named it. */
export function loadFailure(error: unknown): string {
  const root = rootOf(error);
  if (root.code === 'ENOTFOUND' || root.code === 'EAI_AGAIN') return 'the hub cannot be reached';
  const said = reason(root).replace(/\s+/g, ' ');
  if (/Unauthorized|\b401\b|\b404\b|Could not locate file/.test(said)) return `the hub has no such model, or not this file of it: ${said}`; // biome-ignore format: one line
  if (/local_files_only/.test(said)) return `a file is missing: ${/at "([^"]+)"/.exec(said)?.[1] ?? said}`;
  if (/Cannot read properties of/.test(said)) return `config.json or tokenizer_config.json does not say all that is needed: ${said}`; // biome-ignore format: one line
  return said;
}
