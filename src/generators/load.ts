import { basename } from 'node:path';
import { RecaptionError } from '../errors.ts';
import { fromSigned, type Image } from '../image/index.ts';
import { openCodec } from '../models/autoencoder/codec.ts';
import type { DiffusionConfig } from '../models/diffusion-transformer/config.ts';
import { guided } from '../models/diffusion-transformer/process.ts';
import { hashOfWeights, loadWeights, sameWeights } from '../models/model-folder.ts';
import { openTextEncoder } from '../models/text-encoder/encoder.ts';
import type { ConnectionOptions } from '../remote/connection.ts';
import { isServerRef } from '../remote/reference.ts';
import { type Device, input, params } from '../tensor/index.ts';
import { loadTokenizer } from '../text/tokenizer.ts';
import { type Drawing, drawing } from './draw.ts';
import { generatorFolder } from './folder.ts';
import type { GenerateRequest, Generator } from './generator.ts';
import { latentImages } from './pictures.ts';
import { openServerGenerator } from './server.ts';
import { checkPrompt, frozenWords, ownWords, type Words, wordInputs } from './words.ts';

export interface LoadGeneratorOptions {
  device?: Device;
  /** Pictures drawn at once. */
  batch?: number;
  /** Weights to draw with in place of the folder's best: a snapshot of its training. */
  weights?: string;
  /** Where its frozen text encoder and its autoencoder lie now; default: where they lay when it was trained. */
  text?: string;
  latent?: string;
  /** How a server is asked. */
  server?: ConnectionOptions;
}

/** More were no faster, and a kill would lose more work. */
const BATCH = 8;

/**
 * A generator by reference: a folder made by `recaption train generator`, or the name of one that comes with the package. Without a
 * reference it is the starter generator; `openai:MODEL@URL` is one of a server.
 * @throws RecaptionError `no-generator`, `bad-model`, `bad-weights`, `bad-config`, `no-device`.
 */
export async function loadGenerator(
  ref = 'world',
  { device = 'cpu', batch = BATCH, weights, text, latent, server }: LoadGeneratorOptions = {},
): Promise<Generator> {
  if (isServerRef(ref)) return openServerGenerator(ref, { ...server, ...(batch !== BATCH && { batch }) });
  const opened: { close(): Promise<void> }[] = [];
  const generator = open(ref, { device, batch, weights, text, latent }, opened);
  return generator.catch(async (error) => {
    await Promise.allSettled(opened.map((thing) => thing.close()));
    throw error;
  });
}

/** @param opened gets what must be closed, also where this fails */
async function open(
  ref: string,
  {
    device,
    batch,
    weights: place,
    text: textPlace,
    latent: latentPlace,
  }: LoadGeneratorOptions & { device: Device; batch: number },
  opened: { close(): Promise<void> }[],
): Promise<Generator> {
  const { folder, files, model, draw: defaults, id, text, latent } = await generatorFolder(ref);
  const words = text ? await frozen(text, { place: textPlace, device, maxTokens: model.text.maxTokens, opened }) : await own(folder, files.tokenizer, model); // biome-ignore format: one line
  const codec = latent && (await openCodec(latentPlace ?? latent.ref, { device }));
  if (codec) opened.push(codec);
  if (codec && latent) {
    const counts = [codec.channels, latent.mean.length, latent.deviation.length];
    if (counts.some((channels) => channels !== model.channels))
      throw new RecaptionError(
        'bad-model',
        `the generator draws latents of ${model.channels} channels, those of this autoencoder have ${codec.channels}`,
        { place: codec.ref, hint: 'Name its own autoencoder by --latent.' },
      );
    sameWeights('autoencoder', codec, latent.id);
  }
  const size = latent?.size ?? model.size;
  const asImages = async (values: Float32Array) =>
    codec && latent ? latentImages(codec, values, size, latent) : fromSigned(values, size);

  const tree = params();
  const shape = [1, model.size, model.size, model.channels];
  guided(tree.at('net'), model, input('xt', shape), input('t', [1]), input('guidance', [1]), wordInputs(tree, model, 2)); // biome-ignore format: one line
  const from = place ?? files.weights;
  const weights = await loadWeights(from, tree.all);
  const digest = await hashOfWeights(from, 10);
  let drawer: Promise<Drawing> | undefined;
  const check = (prompt: string) => checkPrompt(prompt, words, model.text.maxTokens);

  return {
    id: id ?? `${basename(folder)}-${digest}`,
    size,
    batch,
    defaults,
    check,
    async generate(
      prompts,
      { negative, seeds = prompts.map((_, i) => i), onStep, ...request }: GenerateRequest = {},
    ) {
      const away = negative?.trim() ? negative : undefined;
      for (const prompt of [...prompts, ...(away ? [away] : [])]) check(prompt);
      drawer ??= drawing(model, { batch, device, frozen: weights });
      const given = Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
      const asked = { ...defaults, ...given, negative: away ? (await words.read([away]))[0] : undefined };
      const images: Image[] = [];
      for (let first = 0; first < prompts.length; first += batch) {
        const rows = await words.read(prompts.slice(first, first + batch));
        const numbers = rows.length * model.size ** 2 * model.channels;
        const told = (step: number, values: Float32Array) =>
          onStep?.({ first, step, steps: asked.steps, images: () => asImages(values.slice(0, numbers)) });
        const drawn = await (await drawer).draw(rows, seeds.slice(first, first + batch), {
          ...asked,
          onStep: told,
        });
        images.push(...(await asImages(drawn)));
      }
      return images;
    },
    async close() {
      await (await drawer)?.close();
      for (const thing of opened) await thing.close();
    },
  };
}

/** @throws RecaptionError `bad-model` where the tokenizer is another's */
async function own(folder: string, place: string, { text }: DiffusionConfig): Promise<Words> {
  const tokenizer = await loadTokenizer(place);
  if (tokenizer.vocabSize === text.vocabulary) return ownWords(tokenizer);
  const what = `the tokenizer has ${tokenizer.vocabSize} tokens, the network ${text.vocabulary}`;
  throw new RecaptionError('bad-model', what, {
    place: folder,
    hint: 'tokenizer.json belongs to another model: copy the whole folder again.',
  });
}

/** @throws RecaptionError `bad-model` where the encoder is another */
async function frozen(
  { ref, id }: { ref: string; id: string },
  {
    place,
    device,
    maxTokens,
    opened,
  }: { place?: string; device: Device; maxTokens: number; opened: { close(): Promise<void> }[] },
): Promise<Words> {
  const encoder = await openTextEncoder(place ?? ref, { device, maxTokens });
  opened.push(encoder);
  sameWeights('text encoder', encoder, id);
  return frozenWords(encoder);
}
