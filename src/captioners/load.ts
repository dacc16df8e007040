import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { RecaptionError } from '../errors.ts';
import { type Image, resizeImage } from '../image/index.ts';
import { captionerLoss } from '../models/captioner.ts';
import { loadWeights } from '../models/model-folder.ts';
import type { FeatureGroup, VisionEncoder } from '../models/vision/encoder.ts';
import { streamKey } from '../random.ts';
import { type Arrays, type Device, params } from '../tensor/index.ts';
import { loadTokenizer } from '../text/tokenizer.ts';
import { CAPTION_BATCH, type Captioner, type CaptionRequest } from './captioner.ts';
import { captionerFolder } from './folder.ts';
import { type CaptionNetwork, captionNetwork } from './network.ts';
import { openVisions } from './vision.ts';

export interface LoadOptions {
  device?: Device;
  /** Pictures captioned at once. */
  batch?: number;
  /** Where its frozen encoders lie now, in any order; default: where they lay when it was trained. */
  vision?: string[];
}

/**
 * A captioner by reference: a folder made by `recaption train captioner`, or the name of one that comes with the package.
 * Without a reference it is the starter captioner.
 * @throws RecaptionError `no-captioner`, `bad-model`, `bad-weights`, `bad-config`, `no-device`.
 */
export async function loadCaptioner(
  ref = 'starter',
  { device = 'cpu', batch = CAPTION_BATCH, vision: places }: LoadOptions = {},
): Promise<Captioner> {
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
    .digest('hex')
    .slice(0, 10);
  const prepare = vision.kind === 'frozen' ? frozenInputs(encoders) : pixelInputs(vision.size);

  // Graphs have a fixed number of pictures. The first call decides between a smaller one and the full one, so that a
  // collection of five does not pay for sixteen.
  const networks = new Map<number, Promise<CaptionNetwork>>();
  let small = batch;
  const networkFor = (count: number): Promise<CaptionNetwork> => {
    if (networks.size === 0) small = count;
    const size = count <= small ? small : batch;
    const network = networks.get(size) ?? captionNetwork(config, weights, tokenizer, { device, batch: size });
    networks.set(size, network);
    return network;
  };
  if (device !== 'cpu') await networkFor(batch); // a device that is not there is told of now

  return {
    id: id ?? `${basename(folder)}-${digest}`,
    kind: config.kind,
    resolution:
      vision.kind === 'frozen' ? Math.max(...encoders.map((e) => e.resolution)) : Math.max(256, vision.size),
    batch,
    async caption(images: Image[], request: CaptionRequest = {}) {
      const results = [];
      for (let at = 0; at < images.length; at += batch) {
        const part = images.slice(at, at + batch);
        const network = await networkFor(part.length);
        const inputs = await prepare(part, network.batch);
        const seeds = part.map((image) => drawKey(image, request.seed));
        results.push(...(await network.write(inputs, part.length, request, seeds)));
      }
      return results;
    },
    async close() {
      for (const network of networks.values()) await (await network).dispose();
      for (const encoder of opened) await encoder.close();
    },
  };
}

/** What a drawn caption depends on: the seed and the picture, not its place in a batch. */
function drawKey({ width, height, data }: Image, seed = 0): number {
  let key = streamKey(seed, width, height);
  const stride = Math.max(1, Math.floor(data.length / 997));
  for (let i = 0; i < data.length; i += stride) key = Math.imul(key ^ data[i], 0x01000193);
  return key >>> 0;
}

type Inputs = (images: Image[], batch: number) => Promise<Arrays>;

const pixelInputs =
  (size: number): Inputs =>
  async (images, batch) => {
    const pixels = new Uint8Array(batch * size * size * 3);
    const resized = await Promise.all(
      images.map((image) => resizeImage(image, { width: size, height: size })),
    );
    for (const [i, { data }] of resized.entries()) pixels.set(data, i * size * size * 3);
    return { pixels };
  };

const frozenInputs =
  (encoders: VisionEncoder[]): Inputs =>
  async (images, batch) => {
    const arrays: Arrays = {};
    for (const encoder of encoders) {
      const features = await encoder.encode(images);
      let from = 0;
      for (const { name, tokens, width } of encoder.groups satisfies FeatureGroup[]) {
        const size = tokens * width;
        const all = new Uint16Array(batch * size);
        for (const [i, values] of features.entries()) all.set(values.subarray(from, from + size), i * size);
        arrays[`features.${name}`] = all;
        from += size;
      }
    }
    return arrays;
  };
