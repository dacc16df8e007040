import { createHash } from 'node:crypto';
import { RecaptionError, reason } from '../../errors.ts';
import type { Image } from '../../image/image.ts';
import {
  type FromPretrained,
  type HubModel,
  type HubProcessor,
  loadTransformers,
  locateModel,
  type Outputs,
  type RawImageClass,
  shortName,
} from '../../models/hub.ts';
import type { Device } from '../../tensor/device.ts';
import { clipped, type RegionProposer } from './proposer.ts';

/** The little of the package that is used here. */
interface Transformers {
  AutoProcessor: FromPretrained<HubProcessor & { image_processor: DetectionProcessor }>;
  AutoModelForObjectDetection: FromPretrained<HubModel & { config: { id2label?: Record<string, string> } }>;
  RawImage: RawImageClass;
}

interface DetectionProcessor {
  /** Boxes as shares of the picture: left, top, right, bottom. */
  post_process_object_detection(
    outputs: Outputs,
    threshold: number,
    sizes: null,
  ): { boxes: number[][]; classes: number[]; scores: number[] }[];
}

/** Regions of a picture at most, and the least score of one. */
const MOST = 20;
const THRESHOLD = 0.3;
/** Side of the picture that is looked at to know the weights by. */
const PROBE = 64;
/** Longest side of a picture that detectors of the hub can make use of, as most of them are configured. */
const RESOLUTION = 800;

/**
 * Any object detector of `@huggingface/transformers` (DETR, RT-DETR, YOLOS …), by hub id or local folder in the hub's layout.
 * @throws RecaptionError `missing-package`, `bad-model`.
 */
export async function transformersRegions(name: string, device: Device = 'cpu'): Promise<RegionProposer> {
  const library = await loadTransformers<Transformers>('object detectors');
  const { ref, local_files_only } = await locateModel(name);
  const { model, process, labels } = await open(library, ref, { device, local_files_only });
  const detect = async ({ data, width, height }: Image, threshold: number) => {
    const inputs = await process([new library.RawImage(data, width, height, 3)]);
    const outputs = await model(inputs);
    const [found] = process.image_processor.post_process_object_detection(outputs, threshold, null);
    return { outputs, found };
  };
  const grey = { width: PROBE, height: PROBE, data: new Uint8Array(PROBE * PROBE * 3).fill(128) };
  const digest = createHash('sha256').update(JSON.stringify(labels));
  const probe = await detect(grey, 1).catch(async (cause) => {
    await model.dispose();
    throw notADetector(ref, cause);
  });
  for (const { data } of Object.values(probe.outputs)) digest.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)); // biome-ignore format: one line
  return {
    // What it says about one grey picture stands for its weights: a hub model has no single file to hash.
    id: `${shortName(ref)}-${digest.digest('hex').slice(0, 12)}`,
    ref,
    labels,
    most: MOST,
    resolution: RESOLUTION,
    async propose(views) {
      const all = [];
      for (const { image } of views) {
        const { boxes, classes, scores } = (await detect(image, THRESHOLD)).found;
        const regions = boxes.flatMap(([left, top, right, bottom], i) => {
          const box = clipped({ x: left, y: top, width: right - left, height: bottom - top });
          return box ? [{ box, label: classes[i], score: scores[i] }] : [];
        });
        all.push(regions.sort((a, b) => b.score - a.score).slice(0, MOST));
      }
      return all;
    },
    async close() {
      await model.dispose();
    },
  };
}

async function open(
  { AutoModelForObjectDetection, AutoProcessor }: Transformers,
  ref: string,
  options: { device: Device; local_files_only: boolean },
) {
  try {
    const model = await AutoModelForObjectDetection.from_pretrained(ref, { ...options, dtype: 'fp32' });
    const process = await AutoProcessor.from_pretrained(ref, {
      local_files_only: options.local_files_only,
    });
    const names = model.config.id2label ?? {};
    const count = Math.max(-1, ...Object.keys(names).map(Number)) + 1;
    return { model, process, labels: Array.from({ length: count }, (_, i) => names[i] ?? '') };
  } catch (cause) {
    throw notADetector(ref, cause);
  }
}

const notADetector = (ref: string, cause: unknown): RecaptionError =>
  new RecaptionError('bad-model', `the detector cannot be loaded (${reason(cause)})`, {
    place: ref,
    hint: 'Give a hub id such as Xenova/detr-resnet-50, or a folder with config.json, preprocessor_config.json and onnx/.',
    cause,
  });
