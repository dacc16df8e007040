/** What a captioner's folder holds, ready to be computed with. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { RecaptionError } from '../errors.ts';
import { type Image, resizeImage } from '../image/index.ts';
import { type CaptionDecoder, captionDecoder } from '../models/caption-decoder.ts';
import { captionerLoss } from '../models/captioner.ts';
import type { CaptionerConfig } from '../models/captioner-config.ts';
import { loadWeights } from '../models/model-folder.ts';
import { type Arrays, type Device, params, type Weights } from '../tensor/index.ts';
import { loadTokenizer, type Tokenizer } from '../text/tokenizer.ts';
import type { Explanation, PictureContext } from './captioner.ts';
import { captionerFolder } from './folder.ts';
import { specialTokens } from './network.ts';
import { encodedFeatures, openVisions } from './vision.ts';

/** What captions pictures, of whatever architecture. */
export interface OpenNetwork {
  /** Names the captioner and its weights. */
  id: string;
  /** The kind of its captions, and how it is asked where a request says nothing else. */
  asked: Pick<CaptionerConfig, 'kind' | 'decode'>;
  tokenizer: Tokenizer;
  /** Longest side of a picture that it can make use of. */
  resolution: number;
  /** The network's image inputs for at most `batch` pictures; rows beyond them hold anything. @param contexts what samples say of them */
  inputs(images: readonly Image[], batch: number, contexts?: readonly PictureContext[]): Promise<Arrays>;
  decoder(batch: number): Promise<CaptionDecoder>;
  /** What captions were made from, where it can tell: the captions as tokens. */
  explain?(
    images: readonly Image[],
    batch: number,
    tokens: number[][],
    contexts?: readonly PictureContext[],
  ): Promise<Explanation[]>;
  /** Of its frozen vision encoders. */
  close(): Promise<void>;
}

export interface OpenCaptioner extends OpenNetwork {
  config: CaptionerConfig;
  weights: Weights;
}

/**
 * Opens a captioner by reference, and checks that its files belong together.
 * @param places where its frozen encoders lie now, in any order; default: where they lay when it was trained.
 * @throws RecaptionError `no-captioner`, `bad-model`, `bad-weights`, `bad-config`.
 */
export async function openCaptioner(ref: string, device: Device, places?: string[]): Promise<OpenCaptioner> {
  const { folder, files, model: config, vision: seen, id } = await captionerFolder(ref);
  const tree = params();
  captionerLoss(tree, config, { batch: 1, length: config.maxTokens, captions: 1 }); // declares every tensor it must have
  const weights = await loadWeights(files['model.safetensors'], tree.all);
  const tokenizer = await loadTokenizer(files['tokenizer.json']);
  if (tokenizer.vocabSize !== config.vocabulary) {
    throw new RecaptionError(
      'bad-model',
      `the tokenizer has ${tokenizer.vocabSize} tokens, the network ${config.vocabulary}`,
      {
        place: folder,
        hint: 'tokenizer.json belongs to another model: copy the whole folder again.',
      },
    );
  }
  const opened = await openVisions(places ?? seen.map(({ ref }) => ref), device);
  const encoders = seen.map(({ id }) => {
    const found = opened.find((encoder) => encoder.id === id);
    if (found) return found;
    throw new RecaptionError('bad-model', `the captioner was trained on the vision encoder ${id}`, {
      place: opened.map((encoder) => `${encoder.ref} is ${encoder.id}`).join(', ') || folder,
      hint: 'Name its model file, with the same description, by --vision.',
    });
  });
  const { vision } = config;
  const given = encoders.flatMap(({ groups }) => groups);
  const missing = (vision.kind === 'frozen' ? vision.groups : []).find(
    ({ name, tokens, width }) =>
      !given.some((g) => g.name === name && g.tokens === tokens && g.width === width),
  );
  if (missing) {
    const { name, tokens, width } = missing;
    throw new RecaptionError('bad-model', `no vision encoder gives "${name}" (${tokens} × ${width})`, {
      place: files['config.json'],
      hint: 'The file was changed: copy the whole model folder again.',
    });
  }
  const digest = createHash('sha256')
    .update(await readFile(files['model.safetensors']))
    .update(Object.keys(config.decode).length > 0 ? JSON.stringify(config.decode) : '')
    .digest('hex')
    .slice(0, 10);
  return {
    id: id ?? `${basename(folder)}-${digest}`,
    asked: config,
    config,
    weights,
    tokenizer,
    decoder: (batch) => captionDecoder(config, weights, specialTokens(tokenizer), { batch, device }),
    resolution:
      vision.kind === 'frozen' ? Math.max(...encoders.map((e) => e.resolution)) : Math.max(256, vision.size),
    inputs:
      vision.kind === 'frozen'
        ? (images, batch) => encodedFeatures(encoders, images, batch)
        : pixelInputs(vision.size),
    async close() {
      for (const encoder of opened) await encoder.close();
    },
  };
}

const pixelInputs =
  (size: number): OpenCaptioner['inputs'] =>
  async (images, batch) => {
    const pixels = new Uint8Array(batch * size * size * 3);
    const resized = await Promise.all(
      images.map((image) => resizeImage(image, { width: size, height: size })),
    );
    for (const [i, { data }] of resized.entries()) pixels.set(data, i * size * size * 3);
    return { pixels };
  };
