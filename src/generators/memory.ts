/** What a training step needs of memory, told before it is tried. */
import { totalmem } from 'node:os';
import { RecaptionError } from '../errors.ts';
import type { DiffusionConfig } from '../models/diffusion-transformer/config.ts';
import { diffuse } from '../models/diffusion-transformer/transformer.ts';
import { countParameters, input, params } from '../tensor/index.ts';
import { wordInputs } from './words.ts';

/** Of every weight: itself, two moments and the average, each read from one place and written to another, and its gradient. */
const COPIES = 9;
/** Numbers that a step holds of each token in each layer, in multiples of the width; measured on steps of 0.2 to 4 GB. */
const PER_TOKEN = 70;
/** And of each pair of tokens that attention looks at, in each head. */
const PER_PAIR = 6;
/** Share of the machine's memory that a step may take. */
const SHARE = 0.9;

/** Bytes of a step, about: it is right within a factor of two. */
export function stepBytes(
  { size, patch, width, layers, heads, text }: DiffusionConfig,
  parameters: number,
  batch: number,
): number {
  const patches = (size / patch) ** 2;
  const tokens = patches * layers * width + text.maxTokens * text.layers * text.width;
  const pairs = layers * heads * patches * (patches + text.maxTokens);
  return 4 * (COPIES * parameters + batch * (PER_TOKEN * tokens + PER_PAIR * pairs));
}

/** They are as many for a picture of one patch as for a large one, which would take long to trace. */
function parametersOf(c: DiffusionConfig): number {
  const tree = params();
  const small = { ...c, size: c.patch };
  const shape = [1, c.patch, c.patch, c.channels];
  diffuse(tree.at('net'), small, input('x', shape), input('t', [1]), wordInputs(tree, small, 1));
  return countParameters(tree.all);
}

/** @param draws noised forms of each picture. @throws RecaptionError `too-large` with the largest batch that would fit */
export function checkMemory(
  c: DiffusionConfig,
  batch: number,
  { draws = 1, memory = totalmem() }: { draws?: number; memory?: number } = {},
): void {
  const parameters = parametersOf(c);
  const need = stepBytes(c, parameters, batch * draws);
  if (need <= SHARE * memory) return;
  const gigabytes = (bytes: number) => Math.round(bytes / 1e9).toLocaleString('en');
  const one = stepBytes(c, parameters, 1);
  const each = stepBytes(c, parameters, 2) - one;
  const fits = Math.floor((Math.floor((SHARE * memory - one) / each) + 1) / draws);
  throw new RecaptionError(
    'too-large',
    `a step would need about ${gigabytes(need)} GB of memory, this machine has ${gigabytes(memory)}`,
    {
      place: `${c.size} × ${c.size} × ${c.channels} in patches of ${c.patch}, width ${c.width}, ${c.layers} layers, batch ${batch}`,
      hint:
        fits >= 1
          ? `training.batch ${fits} would fit; training.accumulate makes up for a smaller one.`
          : 'Not even a batch of 1 would fit: take fewer layers, a smaller width, or larger patches.',
    },
  );
}
