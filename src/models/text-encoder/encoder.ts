import { join } from 'node:path';
import { exists } from '../../files.ts';
import type { Device } from '../../tensor/device.ts';
import { readJson } from '../model-folder.ts';

/** A frozen network that reads texts: a vector for each token. */
export interface TextEncoder {
  /** Names the encoder and its weights. */
  id: string;
  /** Where it was found: a folder or hub id. */
  ref: string;
  /** Numbers of each vector. */
  width: number;
  /** Longest text in tokens, its end included. */
  maxTokens: number;
  /** Tokens of a text, its end included. */
  count(text: string): number;
  /** (tokens · width) of each text; what is beyond `maxTokens` is not read. */
  encode(texts: readonly string[]): Promise<Float32Array[]>;
  close(): Promise<void>;
}

export interface TextEncoderOptions {
  device?: Device;
  /** Longest text in tokens. Default 96; no more than the encoder can read. */
  maxTokens?: number;
}

/**
 * A text encoder by reference: a folder with a T5 in safetensors runs on our engine; any other folder, or a hub id, through
 * `@huggingface/transformers`.
 * @throws RecaptionError `bad-model`, `bad-weights`, `bad-tokenizer`, `missing-package`
 */
export async function openTextEncoder(ref: string, options: TextEncoderOptions = {}): Promise<TextEncoder> {
  if (await isOurT5(ref)) return (await import('./t5-encoder.ts')).openT5(ref, options);
  return (await import('./transformers-text.ts')).openTransformersText(ref, options);
}

async function isOurT5(folder: string): Promise<boolean> {
  const weights = ['model.safetensors', 'model.safetensors.index.json'].map((name) =>
    exists(join(folder, name)),
  );
  if (!(await Promise.all(weights)).some(Boolean) || !(await exists(join(folder, 'config.json'))))
    return false;
  const { model_type: type } = ((await readJson(join(folder, 'config.json'))) ?? {}) as {
    model_type?: unknown;
  };
  return type === 't5' || type === 'mt5'; // UMT5 has positions of its own in each layer
}
