import type { Image } from '../image/image.ts';
import type { Sampler } from '../models/diffusion-transformer/solve.ts';

/** How to draw. Every field has a default of the generator's own. */
export interface GenerateRequest {
  /** Times that the network is asked, or that it moves: 1 and more. */
  steps?: number;
  /** Classifier-free guidance: 1 draws what the words say, more goes further away from what is drawn without them. */
  guidance?: number;
  sampler?: Sampler;
  /** Where the steps lie: above 1 more of them near the noise. */
  shift?: number;
  /** What to draw away from, in place of no words. */
  negative?: string;
  /** Of the noise that each picture begins as, one for each prompt: the same seed and prompt give the same picture. Default: 0, 1, 2 … */
  seeds?: readonly number[];
  /** Told after each step of a batch what its pictures are expected to be; `first` is the place of the first among the prompts. */
  onStep?: (state: {
    first: number;
    step: number;
    steps: number;
    images: () => Promise<Image[]>;
  }) => void | Promise<void>;
}

/** Somebody who draws. The same prompts and request give the same pictures, however they are batched. */
export interface Generator {
  /** Names the model well enough to find it again: a folder's name and a hash of its weights. */
  id: string;
  /** Width and height of what it draws, in pixels; 0 where that is not known before. */
  size: number;
  /** Pictures that it draws at once: hand it so many at a time. */
  batch: number;
  /** What it does where a request says nothing, as far as it is known. */
  defaults: { steps?: number; guidance?: number; sampler?: Sampler; shift?: number };
  /** Whether it can read a prompt. @throws RecaptionError `prompt-too-long`, `prompt-empty` */
  check(prompt: string): void;
  generate(prompts: readonly string[], request?: GenerateRequest): Promise<Image[]>;
  close(): Promise<void>;
}
