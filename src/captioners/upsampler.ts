import type { Device } from '../tensor/device.ts';
import { loadSceneGraphParser } from '../text/scene-graph/index.ts';
import { upsample } from '../text/upsample/index.ts';
import { loadPromptWriter } from './prompt-writer.ts';

/** Somebody who makes prompts longer, with nothing to be asked before. */
export interface Upsampler {
  /** Of the language model. */
  id: string;
  upsample(prompts: readonly string[]): Promise<string[]>;
  close(): Promise<void>;
}

/** A prompt writer under the rules of `upsample`. @throws RecaptionError those of `loadPromptWriter` */
export async function openUpsampler(
  ref?: string,
  { device, seed = 0, signal }: { device?: Device; seed?: number; signal?: AbortSignal } = {},
): Promise<Upsampler> {
  const writer = await loadPromptWriter(ref, { device, server: { signal } });
  const parser = await loadSceneGraphParser();
  return {
    id: writer.id,
    upsample: async (prompts) =>
      (await upsample(prompts, { writer, parser, seed })).map(({ upsampled }) => upsampled),
    close: () => writer.close(),
  };
}
