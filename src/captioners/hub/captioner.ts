/** Captioners of the Hugging Face hub, run here by `@huggingface/transformers`: `hf:ID` or `hf:FOLDER`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CaptionKind } from '../../data/sample.ts';
import { RecaptionError } from '../../errors.ts';
import { exists } from '../../files.ts';
import type { Image } from '../../image/image.ts';
import {
  type FromPretrained,
  loadFailure,
  loadTransformers,
  locateModel,
  type RawImageClass,
  shortName,
} from '../../models/hub.ts';
import type { Device } from '../../tensor/device.ts';
import type { Captioner, CaptionRequest, CaptionResult, PictureContext } from '../captioner.ts';
import { captionIn, isBlind, isRefusal } from '../server/answer.ts';
import { loadRecipe, type PromptRecipe, promptFor, recipeDigest, refines } from '../server/recipe.ts';

const PREFIX = 'hf:';
export const isHubRef = (ref: string): boolean => ref.startsWith(PREFIX);

export interface HubCaptionerOptions {
  device?: Device;
  /** What a model that can be asked is asked: a recipe, by name or file. */
  recipe?: string;
}

/** The little of the package that is used here. */
interface Transformers {
  AutoConfig: FromPretrained<{ model_type?: string }>;
  AutoProcessor: FromPretrained<Processor>;
  AutoTokenizer: FromPretrained<Tokenizer>;
  AutoModelForVision2Seq: FromPretrained<Model>;
  AutoModelForImageTextToText: FromPretrained<Model>;
  RawImage: RawImageClass;
}
type Tensor = {
  dims: number[];
  slice(...ranges: (null | [number, number | null])[]): Tensor;
  tolist(): bigint[][];
};
interface Model {
  generate(inputs: Record<string, unknown>): Promise<Tensor>;
  dispose(): Promise<unknown>;
}
interface Tokenizer {
  batch_decode(ids: Tensor, options: { skip_special_tokens: boolean }): string[];
}
interface Processor {
  (...inputs: unknown[]): Promise<Record<string, unknown> & { input_ids?: Tensor }>;
  tokenizer?: Tokenizer;
  apply_chat_template?(messages: unknown, options: { add_generation_prompt: boolean }): string;
  construct_prompts?(task: string): string[];
  post_process_generation?(text: string, task: string, size: [number, number]): Record<string, unknown>;
}

/** A loaded model, asked in the way of its class. */
interface Writer {
  /** Kind of its captions, where nobody can ask for another. */
  kind?: CaptionKind;
  write(image: Image, prompt: string, kind: CaptionKind, limits: Record<string, unknown>): Promise<string>;
  close(): Promise<void>;
}

const RESOLUTION = 1024;
/** Florence-2's own names for what is wanted. */
const TASKS: Record<CaptionKind, string> = {
  alt: '<CAPTION>',
  human: '<CAPTION>',
  short: '<CAPTION>',
  descriptive: '<MORE_DETAILED_CAPTION>',
};

/** Which kind of captions comes of a reference: models that cannot be asked write short ones. @throws as `openHubCaptioner` */
export async function hubCaptions(ref: string, recipe?: string): Promise<CaptionKind> {
  const { ref: place } = await locateModel(ref.slice(PREFIX.length));
  const config = await readFile(join(place, 'config.json'), 'utf8').catch(() => '{}');
  return /"vision-encoder-decoder"/.test(config) ? 'short' : (await loadRecipe(recipe ?? 'descriptive')).kind;
}

/**
 * @throws RecaptionError `missing-package`; `bad-model` where it cannot be loaded, with what is missing; `no-recipe`, `bad-recipe`
 */
export async function openHubCaptioner(
  ref: string,
  { device = 'cpu', recipe: name = 'descriptive' }: HubCaptionerOptions = {},
): Promise<Captioner> {
  const recipe = await loadRecipe(name);
  const library = await loadTransformers<Transformers>('captioners');
  const { ref: place, local_files_only } = await locateModel(ref.slice(PREFIX.length));
  if (local_files_only) await mustBeWhole(place);
  const writer = await open(library, place, { device, local_files_only }).catch((cause) => {
    if (cause instanceof RecaptionError) throw cause;
    throw new RecaptionError('bad-model', `the captioner cannot be loaded (${loadFailure(cause)})`, {
      place,
      hint: 'Give a hub id such as Xenova/vit-gpt2-image-captioning, or a folder with config.json, tokenizer.json, preprocessor_config.json and onnx/. A hub id needs the network at first use.',
      cause,
    });
  });
  const kind = writer.kind ?? recipe.kind;
  const asked = writer.kind ? '' : `-${recipeDigest(recipe)}`;
  const fails = (code: string, message: string): CaptionResult => ({ text: '', failure: { code, message } });
  const one = async (image: Image, request: CaptionRequest, context?: PictureContext): Promise<CaptionResult> => {
    if (!writer.kind && refines(recipe) && (context?.captions.length ?? 0) === 0)
      return fails('nothing-to-refine', 'the picture has no caption that could be refined');
    const { prompt, system } = promptFor(recipe, context);
    // Templates of small models know nobody but the user.
    const content = await writer.write(image, system ? `${system}\n\n${prompt}` : prompt, kind, limitsOf(request, recipe)).catch((cause) => {
      throw new RecaptionError('bad-model', `the captioner fails at a picture (${loadFailure(cause).slice(0, 300)})`, { place, hint: 'Its files do not belong together, or it is of a class that is not known here.', cause });
    });
    const text = captionIn({ content });
    return isRefusal(text) || isBlind(text) ? fails('refused', `the model refuses: ${text.slice(0, 200)}`) : { text };
  };
  return {
    id: `${shortName(place)} ${kind}${asked}`,
    kind,
    resolution: RESOLUTION,
    batch: 1,
    async caption(images, request = {}, contexts = []) {
      const results = [];
      for (const [i, image] of images.entries()) results.push(await one(image, request, contexts[i]));
      return results;
    },
    close: () => writer.close(),
  };
} // biome-ignore format: one line

/** A folder without weights or words is told of by what it lacks. */
async function mustBeWhole(place: string): Promise<void> {
  for (const file of [
    'config.json',
    'preprocessor_config.json',
    'tokenizer.json',
    'tokenizer_config.json',
    'onnx',
  ]) {
    if (await exists(join(place, file))) continue;
    throw new RecaptionError('bad-model', `the model folder has no ${file}`, {
      place,
      hint: 'A captioner in the layout of the hub has config.json, tokenizer.json, preprocessor_config.json and its weights in onnx/: copy the whole folder again.',
    });
  }
}

function limitsOf(
  { temperature, topP, maxTokens, beam }: CaptionRequest,
  recipe: PromptRecipe,
): Record<string, unknown> {
  const warmth = temperature ?? 0;
  return {
    max_new_tokens: maxTokens ?? recipe.maxTokens,
    ...(warmth > 0 ? { do_sample: true, temperature: warmth, top_p: topP ?? 1 } : { do_sample: false, num_beams: beam ?? 1 }), // biome-ignore format: one line
  };
}

async function open(
  library: Transformers,
  place: string,
  options: { device: Device; local_files_only: boolean },
): Promise<Writer> {
  const { AutoConfig, AutoModelForImageTextToText, AutoModelForVision2Seq, AutoProcessor, AutoTokenizer, RawImage } = library; // biome-ignore format: one line
  const files = { local_files_only: options.local_files_only };
  const { model_type: type } = await AutoConfig.from_pretrained(place, files);
  const raw = ({ data, width, height }: Image) => new RawImage(data, width, height, 3);
  if (type === 'vision-encoder-decoder') {
    const model = await AutoModelForVision2Seq.from_pretrained(place, { ...options, dtype: 'fp32' });
    const [process, tokenizer] = [await AutoProcessor.from_pretrained(place, files), await AutoTokenizer.from_pretrained(place, files)]; // biome-ignore format: one line
    return {
      kind: 'short',
      async write(image, _, __, limits) {
        const { pixel_values } = await process(raw(image));
        return tokenizer.batch_decode(await model.generate({ inputs: pixel_values, ...limits }), { skip_special_tokens: true })[0]; // biome-ignore format: one line
      },
      close: async () => void (await model.dispose()),
    };
  }
  const model = await AutoModelForImageTextToText.from_pretrained(place, { ...options, dtype: 'fp32' });
  const process = await AutoProcessor.from_pretrained(place, files);
  const tokenizer = process.tokenizer ?? (await AutoTokenizer.from_pretrained(place, files));
  const close = async () => void (await model.dispose());
  const instruct = (prompt: string) => process.apply_chat_template!([{ role: 'user', content: [{ type: 'image' }, { type: 'text', text: prompt }] }], { add_generation_prompt: true }); // biome-ignore format: one line
  if (type === 'florence2') {
    return {
      async write(image, _, kind, limits) {
        const task = TASKS[kind];
        const inputs = await process(raw(image), process.construct_prompts!(task));
        const [text] = tokenizer.batch_decode(await model.generate({ ...inputs, ...limits }), { skip_special_tokens: false }); // biome-ignore format: one line
        return String(process.post_process_generation!(text, task, [image.width, image.height])[task] ?? '');
      },
      close,
    };
  }
  instruct('Describe this picture.'); // without a template nobody can ask it
  return {
    async write(image, prompt, _, limits) {
      const inputs = await process(instruct(prompt), [raw(image)]);
      const all = await model.generate({ ...inputs, ...limits });
      const answer = all.slice(null, [inputs.input_ids!.dims.at(-1)!, null]);
      return tokenizer.batch_decode(answer, { skip_special_tokens: true })[0];
    },
    close,
  };
}
