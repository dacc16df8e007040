import { createHash } from 'node:crypto';
import { RecaptionError, reason } from '../errors.ts';
import type { Image } from '../image/image.ts';
import type { ClipEncoder } from '../metrics/clip-score.ts';
import type { Device } from '../tensor/device.ts';
import {
  type FromPretrained,
  type HubModel,
  type HubProcessor,
  type LoadOptions,
  loadTransformers,
  locateModel,
  type RawImageClass,
  shortName,
} from './hub.ts';

/** The little of the package that is used here. */
interface Transformers {
  AutoProcessor: FromPretrained<HubProcessor>;
  AutoTokenizer: FromPretrained<Tokenizer>;
  AutoConfig: FromPretrained<{
    model_type?: string;
    text_config?: { max_position_embeddings?: number };
    vision_config?: { image_size?: number };
  }>;
  CLIPTextModelWithProjection: FromPretrained<HubModel>;
  CLIPVisionModelWithProjection: FromPretrained<HubModel>;
  RawImage: RawImageClass;
  Tensor: new (type: 'int64', data: BigInt64Array, dims: number[]) => unknown;
}
interface Tokenizer {
  (
    texts: string[],
    options: { padding: false; truncation: false; return_tensor: false },
  ): { input_ids: number[][] };
  pad_token_id?: number;
}

/** What a published CLIP has been trained on, where its configuration does not say. */
const CONTEXT = 77;

/**
 * A CLIP of `@huggingface/transformers`, by hub id or local folder in the hub's layout (`onnx/text_model.onnx` and
 * `onnx/vision_model.onnx`), to score captions with.
 * @throws RecaptionError `missing-package`, `bad-model`.
 */
export async function openTransformersClip(name: string, device: Device = 'cpu'): Promise<ClipEncoder> {
  const library = await loadTransformers<Transformers>('CLIP models');
  const { ref, local_files_only } = await locateModel(name);
  const { text, vision, tokenizer, process, context, size } = await open(library, ref, {
    device,
    local_files_only,
  });

  const integers = (rows: number[][]) =>
    new library.Tensor('int64', BigInt64Array.from(rows.flat(), BigInt), [rows.length, rows[0].length]);
  const embedImages = async (images: readonly Image[]) => {
    const raw = images.map(({ data, width, height }) => new library.RawImage(data, width, height, 3));
    return vectors(await vision(await process(raw)), 'image_embeds', ref);
  };
  const embedTexts = async (texts: readonly string[]) => {
    const { input_ids: ids } = tokenizer([...texts], {
      padding: false,
      truncation: false,
      return_tensor: false,
    });
    const fitting = ids.map((all) => cutToContext(all, context));
    const longest = Math.max(...fitting.map(({ length }) => length));
    const padded = fitting.map((all) => {
      const pad = tokenizer.pad_token_id ?? all[all.length - 1];
      return [...all, ...new Array<number>(longest - all.length).fill(pad)];
    });
    const mask = fitting.map((all) => Array.from({ length: longest }, (_, i) => +(i < all.length)));
    const outputs = await text({ input_ids: integers(padded), attention_mask: integers(mask) });
    return {
      embeddings: vectors(outputs, 'text_embeds', ref),
      cut: ids.filter(({ length }) => length > context).length,
    };
  };

  const black = { width: size, height: size, data: new Uint8Array(size * size * 3) };
  const digest = createHash('sha256');
  for (const { buffer, byteOffset, byteLength } of [
    ...(await embedImages([black])),
    ...(await embedTexts(['black'])).embeddings,
  ])
    digest.update(new Uint8Array(buffer, byteOffset, byteLength));
  return {
    // What it says about one picture and one word stands for its weights: a hub model has no single file to hash.
    id: `${shortName(ref)}-${digest.digest('hex').slice(0, 12)}`,
    resolution: 2 * size, // the shorter side fills its square
    embedImages,
    embedTexts,
    async close() {
      await Promise.all([text.dispose(), vision.dispose()]);
    },
  };
}

/**
 * The first tokens of a text that is too long, and its end token. The package's own truncation cuts the end token off, and
 * with it the place from which CLIP reads the embedding.
 */
export function cutToContext(ids: readonly number[], context: number): number[] {
  return ids.length <= context ? [...ids] : [...ids.slice(0, context - 1), ids[ids.length - 1]];
}

/** @throws RecaptionError `bad-model` when the model has no such output. */
function vectors(outputs: Awaited<ReturnType<HubModel>>, name: string, place: string): Float32Array[] {
  const output = outputs[name];
  if (output?.dims.length !== 2)
    throw new RecaptionError('bad-model', `the model gives no ${name}, so it is no CLIP with projections`, {
      place,
    });
  const [count, width] = output.dims;
  return Array.from({ length: count }, (_, i) => output.data.slice(i * width, (i + 1) * width));
}

async function open(library: Transformers, ref: string, options: LoadOptions) {
  const { local_files_only } = options;
  const weights = { ...options, dtype: 'fp32' };
  try {
    const config = await library.AutoConfig.from_pretrained(ref, { local_files_only });
    if (config.model_type !== 'clip') throw new Error(`its type is "${config.model_type}", not "clip"`);
    return {
      text: await library.CLIPTextModelWithProjection.from_pretrained(ref, weights),
      vision: await library.CLIPVisionModelWithProjection.from_pretrained(ref, weights),
      tokenizer: await library.AutoTokenizer.from_pretrained(ref, { local_files_only }),
      process: await library.AutoProcessor.from_pretrained(ref, { local_files_only }),
      context: config.text_config?.max_position_embeddings ?? CONTEXT,
      size: config.vision_config?.image_size ?? 224,
    };
  } catch (cause) {
    throw new RecaptionError('bad-model', `the CLIP cannot be loaded (${reason(cause)})`, {
      place: ref,
      hint: 'Give a hub id such as Xenova/clip-vit-base-patch32, or a folder with config.json, tokenizer.json, preprocessor_config.json and onnx/.',
      cause,
    });
  }
}
