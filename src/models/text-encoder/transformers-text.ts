/** Text encoders of `@huggingface/transformers`: CLIP, T5, and any that gives a vector for each token. */
import { createHash } from 'node:crypto';
import { RecaptionError, reason } from '../../errors.ts';
import {
  type FromPretrained,
  type HubModel,
  type LoadOptions,
  loadTransformers,
  locateModel,
  shortName,
} from '../hub.ts';
import type { TextEncoder, TextEncoderOptions } from './encoder.ts';

type Tokens = { input_ids: { dims: number[] } } & Record<string, unknown>;
type HubTokenizer = ((
  texts: string[],
  options: { padding: boolean; truncation: boolean; max_length: number },
) => Promise<Tokens> | Tokens) & {
  encode(text: string): number[];
  model_max_length?: number;
};

interface Transformers {
  AutoTokenizer: FromPretrained<HubTokenizer>;
  AutoModel: FromPretrained<HubModel>;
  PreTrainedModel: FromPretrained<HubModel>;
  CLIPTextModel: FromPretrained<HubModel>;
  AutoConfig: FromPretrained<{ model_type?: string }>;
}

const PROBE = 'a photo of a red circle';

/** @throws RecaptionError `missing-package`, `bad-model` */
export async function openTransformersText(
  name: string,
  { device = 'cpu', maxTokens = 96 }: TextEncoderOptions = {},
): Promise<TextEncoder> {
  const library = await loadTransformers<Transformers>('text encoders');
  const { ref, local_files_only } = await locateModel(name);
  const { model, tokenizer } = await open(library, ref, { device, local_files_only });
  const longest = Math.min(maxTokens, tokenizer.model_max_length ?? maxTokens);
  const encodeOne = async (text: string): Promise<{ data: Float32Array; tokens: number; width: number }> => {
    const inputs = await tokenizer([text], { padding: false, truncation: true, max_length: longest });
    const { last_hidden_state: out } = await model(inputs);
    if (out?.dims.length !== 3)
      throw new RecaptionError('bad-model', 'the text encoder gives no vector for each token', {
        place: ref,
      });
    return { data: Float32Array.from(out.data), tokens: out.dims[1], width: out.dims[2] };
  };
  const probe = await encodeOne(PROBE);
  // What it says about one text stands for its weights: a hub model has no single file to hash.
  const digest = createHash('sha256').update(new Uint8Array(probe.data.buffer)).digest('hex').slice(0, 12);
  return {
    id: `${shortName(ref)}-${digest}`,
    ref,
    width: probe.width,
    maxTokens: longest,
    count: (text) => tokenizer.encode(text).length,
    async encode(texts) {
      const all = [];
      for (const text of texts) all.push((await encodeOne(text)).data); // alone: no padding, so no company changes a text
      return all;
    },
    async close() {
      await model.dispose();
    },
  };
}

async function open(library: Transformers, ref: string, { device, local_files_only }: LoadOptions) {
  try {
    const { model_type: type = '' } = await library.AutoConfig.from_pretrained(ref, { local_files_only });
    const options = { local_files_only, dtype: 'fp32', device };
    const isT5 = ['t5', 'mt5', 'umt5'].includes(type);
    const model = isT5
      ? await library.PreTrainedModel.from_pretrained(ref, {
          ...options,
          model_file_name: 'encoder_model',
        } as LoadOptions)
      : await (type.startsWith('clip') ? library.CLIPTextModel : library.AutoModel).from_pretrained(
          ref,
          options,
        );
    return { model, tokenizer: await library.AutoTokenizer.from_pretrained(ref, { local_files_only }) };
  } catch (cause) {
    throw new RecaptionError('bad-model', `the text encoder cannot be loaded (${reason(cause)})`, {
      place: ref,
      hint: 'Give a folder with a T5 (config.json, safetensors, tokenizer.json), or a hub id such as Xenova/clip-vit-base-patch32.',
      cause,
    });
  }
}
