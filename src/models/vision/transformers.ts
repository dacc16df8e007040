import { createHash } from 'node:crypto';
import { RecaptionError, reason } from '../../errors.ts';
import type { Image } from '../../image/index.ts';
import type { Device } from '../../tensor/device.ts';
import { toHalf } from '../../tensor/half.ts';
import {
  type FromPretrained,
  type HubModel,
  type HubProcessor,
  type LoadOptions,
  loadTransformers,
  locateModel,
  type RawImageClass,
  shortName,
} from '../hub.ts';
import type { FeatureGroup, MapGrid, VisionEncoder } from './encoder.ts';

/** The little of the package that is used here. */
interface Transformers {
  AutoProcessor: FromPretrained<HubProcessor>;
  AutoModel: FromPretrained<HubModel>;
  CLIPVisionModelWithProjection: FromPretrained<HubModel>;
  SiglipVisionModel: FromPretrained<HubModel>;
  AutoConfig: FromPretrained<{
    model_type?: string;
    image_size?: number;
    vision_config?: { image_size?: number };
  }>;
  RawImage: RawImageClass;
}

/** Outputs that hold one vector per patch, then those that hold one per image; the first that a model has is used. */
const GRID = ['last_hidden_state'];
const POOLED = ['image_embeds', 'pooler_output'];

/**
 * Any vision model of `@huggingface/transformers` (CLIP, SigLIP, DINOv2 …), by hub id or local folder in the hub's layout.
 * @throws RecaptionError `missing-package`, `bad-model`.
 */
export async function openTransformersVision(name: string, device: Device = 'cpu'): Promise<VisionEncoder> {
  const library = await loadTransformers<Transformers>('vision models');
  const { ref, local_files_only } = await locateModel(name);
  const { model, process, size } = await open(library, ref, { device, local_files_only });
  const encode = async (images: Image[]) => {
    const raw = images.map(({ data, width, height }) => new library.RawImage(data, width, height, 3));
    const outputs = await model(await process(raw));
    const grid = GRID.map((name) => outputs[name]).find((o) => o?.dims.length === 3);
    const pooled = POOLED.map((name) => outputs[name]).find((o) => o?.dims.length === 2);
    return [
      ...(grid ? [{ name: 'patches', tokens: grid.dims[1], width: grid.dims[2], data: grid.data }] : []),
      ...(pooled ? [{ name: 'pooled', tokens: 1, width: pooled.dims[1], data: pooled.data }] : []),
    ];
  };
  const probe = await encode([{ width: size, height: size, data: new Uint8Array(size * size * 3) }]);
  if (probe.length === 0) {
    throw new RecaptionError('bad-model', 'the model gives neither patch vectors nor an image embedding', {
      place: ref,
    });
  }
  const short = shortName(ref);
  const fit = crops(process) ? 'crop' : 'fill';
  const groups = probe.map(({ name, tokens, width }): FeatureGroup => {
    const side = Math.floor(Math.sqrt(tokens));
    const grid: MapGrid | undefined = name === 'patches' && side > 1 ? { side, lead: tokens - side * side, fit } : undefined; // biome-ignore format: one line
    return { name: `${short}-${name}`, tokens, width, ...(grid && { grid }) };
  });
  const shapes = groups.map(({ name, tokens, width }) => ({ name, tokens, width }));
  const digest = createHash('sha256').update(JSON.stringify(shapes));
  for (const { data } of probe) digest.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));

  return {
    // What it says about one black picture stands for its weights: a hub model has no single file to hash.
    id: `${short}-${digest.digest('hex').slice(0, 12)}`,
    ref,
    groups,
    resolution: Math.max(size, 384),
    async encode(images) {
      const outputs = await encode(images);
      return images.map((_, i) => {
        const parts = outputs.map(({ data, tokens, width }) =>
          data.subarray(i * tokens * width, (i + 1) * tokens * width),
        );
        const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
        let at = 0;
        for (const part of parts) {
          all.set(part, at);
          at += part.length;
        }
        return toHalf(all);
      });
    },
    async close() {
      await model.dispose();
    },
  };
}

/** Whether it shows the network the middle of a picture alone. */
const crops = (process: HubProcessor): boolean =>
  (process as { image_processor?: { do_center_crop?: boolean } }).image_processor?.do_center_crop === true;

async function open(
  { AutoConfig, AutoModel, AutoProcessor, CLIPVisionModelWithProjection, SiglipVisionModel }: Transformers,
  ref: string,
  { device, local_files_only }: LoadOptions,
) {
  try {
    const config = await AutoConfig.from_pretrained(ref, { local_files_only });
    const type = config.model_type ?? '';
    const kind = type.startsWith('clip')
      ? CLIPVisionModelWithProjection
      : type.startsWith('siglip')
        ? SiglipVisionModel
        : AutoModel;
    const model = await kind.from_pretrained(ref, { local_files_only, dtype: 'fp32', device });
    const process = await AutoProcessor.from_pretrained(ref, { local_files_only });
    return { model, process, size: config.vision_config?.image_size ?? config.image_size ?? 224 };
  } catch (cause) {
    throw new RecaptionError('bad-model', `the vision model cannot be loaded (${reason(cause)})`, {
      place: ref,
      hint: 'Give a hub id such as Xenova/clip-vit-base-patch32, or a folder with config.json, preprocessor_config.json and onnx/.',
      cause,
    });
  }
}
