import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { RecaptionError } from '../errors.ts';
import type { Image } from '../image/image.ts';
import { guided } from '../models/diffusion-transformer/process.ts';
import { loadWeights } from '../models/model-folder.ts';
import { type Device, input, params } from '../tensor/index.ts';
import { loadTokenizer } from '../text/tokenizer.ts';
import { type Drawing, drawing, toImages } from './draw.ts';
import { generatorFolder } from './folder.ts';
import type { GenerateRequest, Generator } from './generator.ts';
import { promptTokens, wordInputs } from './texts.ts';

export interface LoadGeneratorOptions {
  device?: Device;
  /** Pictures drawn at once. */
  batch?: number;
  /** Weights to draw with in place of the folder's best: a snapshot of its training. */
  weights?: string;
}

/** More were no faster, and a kill would lose more work. */
const BATCH = 8;

/**
 * A generator by reference: a folder made by `recaption train generator`, or the name of one that comes with the package. Without a
 * reference it is the starter generator.
 * @throws RecaptionError `no-generator`, `bad-model`, `bad-weights`, `bad-config`, `no-device`.
 */
export async function loadGenerator(
  ref = 'world',
  { device = 'cpu', batch = BATCH, weights: place }: LoadGeneratorOptions = {},
): Promise<Generator> {
  const { folder, files, model, draw: defaults, id } = await generatorFolder(ref);
  const tokenizer = await loadTokenizer(files['tokenizer.json']);
  if (tokenizer.vocabSize !== model.text.vocabulary) {
    const what = `the tokenizer has ${tokenizer.vocabSize} tokens, the network ${model.text.vocabulary}`;
    throw new RecaptionError('bad-model', what, {
      place: folder,
      hint: 'tokenizer.json belongs to another model: copy the whole folder again.',
    });
  }
  const tree = params();
  const shape = [1, model.size, model.size, model.channels];
  guided(tree.at('net'), model, input('xt', shape), input('t', [1]), input('guidance', [1]), wordInputs(tree, model, 2)); // biome-ignore format: one line
  const from = place ?? files['model.safetensors'];
  const weights = await loadWeights(from, tree.all);
  const digest = createHash('sha256').update(await readFile(from)).digest('hex').slice(0, 10); // biome-ignore format: one line
  let drawer: Promise<Drawing> | undefined;
  const tokensOf = (prompt: string) => promptTokens(prompt, tokenizer, model.text.maxTokens);

  return {
    id: id ?? `${basename(folder)}-${digest}`,
    size: model.size,
    batch,
    defaults,
    check: (prompt) => void tokensOf(prompt),
    async generate(
      prompts,
      { negative, seeds = prompts.map((_, i) => i), onStep, ...request }: GenerateRequest = {},
    ) {
      const rows = prompts.map(tokensOf);
      const away = negative === undefined || negative.trim() === '' ? [] : tokensOf(negative);
      drawer ??= drawing(model, { batch, device, frozen: weights });
      const given = Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
      const asked = { ...defaults, ...given, negative: away };
      const images: Image[] = [];
      for (let first = 0; first < rows.length; first += batch) {
        const part = rows.slice(first, first + batch);
        const told = (step: number, values: Float32Array) =>
          onStep?.({
            first,
            step,
            steps: asked.steps,
            images: async () => toImages(values.slice(0, part.length * model.size ** 2 * 3), model.size),
          });
        const drawn = await (await drawer).draw(part, seeds.slice(first, first + batch), {
          ...asked,
          onStep: told,
        });
        images.push(...toImages(drawn, model.size));
      }
      return images;
    },
    close: async () => (await drawer)?.close(),
  };
}
