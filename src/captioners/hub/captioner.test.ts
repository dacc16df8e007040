import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Folder, temporaryFolder } from '../../../test/helpers/collection.ts';
import { type Initialiser, onnxFile } from '../../../test/helpers/onnx.ts';
import { say } from '../../../test/helpers/program.ts';
import type { Image } from '../../image/image.ts';
import { loadCaptioner } from '../load.ts';

let folder: Folder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());
/** Nothing here may ask the network. */
const requests = vi.spyOn(globalThis, 'fetch').mockImplementation(async (url) => {
  throw new Error(`asked the network for ${url}`);
});
afterEach(() => expect(requests.mock.calls).toEqual([]));

const WORDS = [
  '<pad>',
  '<s>',
  '</s>',
  'a',
  'red',
  'blue',
  'square',
  'User:',
  '<image>',
  '<fake_token_around_image>',
  '<global-img>',
  'Describe',
  'caption',
  '<unk>',
  '.',
];
const id = (word: string) => WORDS.indexOf(word);
const [V, C] = [WORDS.length, 3];
/** Words follow one another as they stand; "red" or "blue" comes by what the picture looks like. */
const FOLLOWS: Record<string, string> = { '<s>': 'a', red: 'square', blue: 'square', square: '</s>' };
const table = (): Initialiser => {
  const values = Array(V * V).fill(0);
  for (const word of WORDS) {
    const next = FOLLOWS[word] ?? (word === 'a' ? undefined : 'a');
    if (next) values[id(word) * V + id(next)] = 20;
  }
  return { name: 'table', shape: [V, V], values };
};
/** After "a", the colour of the picture. */
const colours: Initialiser = {
  name: 'colours',
  shape: [C, V],
  values: Array.from({ length: C * V }, (_, i) => (i === id('red') || i === 2 * V + id('blue') ? 10 : 0)),
};

const tokenizer = JSON.stringify({
  version: '1.0',
  added_tokens: ['<pad>', '<s>', '</s>', '<image>', '<fake_token_around_image>', '<global-img>', '<unk>'].map(
    (content) => ({
      id: id(content),
      content,
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    }),
  ),
  normalizer: null,
  pre_tokenizer: { type: 'WhitespaceSplit' },
  post_processor: null,
  decoder: null,
  model: {
    type: 'WordLevel',
    vocab: Object.fromEntries(WORDS.map((word, i) => [word, i])),
    unk_token: '<unk>',
  },
});
const settings = (more: object = {}) =>
  JSON.stringify({
    tokenizer_class: 'PreTrainedTokenizer',
    model_max_length: 100,
    pad_token: '<pad>',
    bos_token: '<s>',
    eos_token: '</s>',
    unk_token: '<unk>',
    ...more,
  });
const preprocessor = (type: string, more: object = {}) =>
  JSON.stringify({
    image_processor_type: type,
    do_normalize: false,
    do_resize: true,
    do_rescale: true,
    rescale_factor: 1 / 255,
    size: { height: 8, width: 8 },
    ...more,
  });
const common = {
  'tokenizer.json': tokenizer,
  'tokenizer_config.json': settings(),
  'generation_config.json': JSON.stringify({
    eos_token_id: id('</s>'),
    pad_token_id: id('<pad>'),
    bos_token_id: id('<s>'),
    decoder_start_token_id: id('<s>'),
  }),
};

/** The mean colour of a picture as one vector: (N, 1, 3). */
const see = (output: string, pixels: (number | string)[], axes: number[]) =>
  onnxFile({
    inputs: [{ name: 'pixel_values', shape: pixels }],
    outputs: [{ name: output, shape: ['n', 1, C] }],
    nodes: [
      { op: 'ReduceMean', in: ['pixel_values'], out: 'mean', ints: { axes, keepdims: 0 } },
      { op: 'Unsqueeze', in: ['mean', 'one'], out: output },
    ],
    weights: [{ name: 'one', shape: [1], values: [1], int: true }],
  });
const folderOf = async (name: string, files: Record<string, string | Uint8Array>) => {
  await folder.write(
    Object.fromEntries(
      Object.entries({ ...common, ...files }).map(([file, content]) => [`${name}/${file}`, content]),
    ),
  );
  return join(folder.path, name);
};

/** ViT and GPT-2, or what is left of them. */
const visionEncoderDecoder = (name: string) =>
  folderOf(name, {
    'config.json': JSON.stringify({
      model_type: 'vision-encoder-decoder',
      architectures: ['VisionEncoderDecoderModel'],
      is_encoder_decoder: true,
      decoder_start_token_id: id('<s>'),
      eos_token_id: id('</s>'),
      pad_token_id: 0,
      decoder: { model_type: 'gpt2', n_embd: C, n_head: 1, n_layer: 1, vocab_size: V },
      encoder: { model_type: 'vit', hidden_size: C },
    }),
    'preprocessor_config.json': preprocessor('ViTImageProcessor'),
    'onnx/encoder_model.onnx': see('last_hidden_state', ['n', 3, 8, 8], [2, 3]),
    'onnx/decoder_model_merged.onnx': onnxFile({
      inputs: [
        { name: 'input_ids', type: 'int64', shape: ['n', 't'] },
        { name: 'encoder_hidden_states', shape: ['n', 1, C] },
      ],
      outputs: [{ name: 'logits', shape: ['n', 't', V] }],
      nodes: [
        { op: 'Gather', in: ['table', 'input_ids'], out: 'next' },
        { op: 'MatMul', in: ['encoder_hidden_states', 'colours'], out: 'seen' },
        { op: 'Add', in: ['next', 'seen'], out: 'logits' },
      ],
      weights: [table(), colours],
    }),
  });

/** Words as their number among V, then what is seen: so that both fit into one sequence. */
const H = V + C;
const embed = onnxFile({
  inputs: [{ name: 'input_ids', type: 'int64', shape: ['n', 't'] }],
  outputs: [{ name: 'inputs_embeds', shape: ['n', 't', H] }],
  nodes: [{ op: 'Gather', in: ['words', 'input_ids'], out: 'inputs_embeds' }],
  weights: [
    {
      name: 'words',
      shape: [V, H],
      values: Array.from({ length: V * H }, (_, i) => Number(i % H === Math.floor(i / H))),
    },
  ],
});
const looks = (pixels: (number | string)[], axes: number[]) =>
  onnxFile({
    inputs: [{ name: 'pixel_values', shape: pixels }],
    outputs: [{ name: 'image_features', shape: ['n', 1, H] }],
    nodes: [
      { op: 'ReduceMean', in: ['pixel_values'], out: 'mean', ints: { axes, keepdims: 0 } },
      { op: 'MatMul', in: ['mean', 'place'], out: 'placed' },
      { op: 'Unsqueeze', in: ['placed', 'one'], out: 'image_features' },
    ],
    weights: [
      { name: 'one', shape: [1], values: [1], int: true },
      {
        name: 'place',
        shape: [C, H],
        values: Array.from({ length: C * H }, (_, i) => Number(i % H === V + Math.floor(i / H))),
      },
    ],
  });
const toWords = (name: string, rows: number[], from: number): Initialiser => ({
  name,
  shape: [H, V],
  values: [...Array(from * V).fill(0), ...rows, ...Array(H * V).fill(0)].slice(0, H * V),
});
/** Next words from the last, and from what is seen anywhere in `seen`. */
const speaks = (seen: string, inputs: string[]) =>
  onnxFile({
    inputs: inputs.map((name) => ({ name, shape: ['n', name === seen && inputs.length > 1 ? 's' : 't', H] })),
    outputs: [{ name: 'logits', shape: ['n', 't', V] }],
    nodes: [
      { op: 'MatMul', in: ['inputs_embeds', 'follow'], out: 'next' },
      { op: 'ReduceMean', in: [seen], out: 'all', ints: { axes: [1], keepdims: 1 } },
      { op: 'MatMul', in: ['all', 'look'], out: 'colour' },
      { op: 'Add', in: ['next', 'colour'], out: 'logits' },
    ],
    weights: [toWords('follow', table().values, 0), toWords('look', colours.values, V)],
  });

/** The same, where only the last word comes in and all before it is in the cache. */
const remembers = onnxFile({
  inputs: [
    { name: 'inputs_embeds', shape: ['batch_size', 't', H] },
    ...['key', 'value'].map((name) => ({
      name: `past_key_values.0.${name}`,
      shape: ['batch_size', 1, 'past_sequence_length', H],
    })),
  ],
  outputs: [
    { name: 'logits', shape: ['batch_size', 't', V] },
    ...['key', 'value'].map((name) => ({ name: `present.0.${name}`, shape: ['batch_size', 1, 'total', H] })),
  ],
  nodes: [
    { op: 'Unsqueeze', in: ['inputs_embeds', 'one'], out: 'fresh' },
    ...['key', 'value'].map((name) => ({
      op: 'Concat',
      in: [`past_key_values.0.${name}`, 'fresh'],
      out: `present.0.${name}`,
      ints: { axis: 2 },
    })),
    { op: 'ReduceMean', in: ['present.0.key'], out: 'all', ints: { axes: [1, 2], keepdims: 0 } },
    { op: 'MatMul', in: ['all', 'look'], out: 'seen' },
    { op: 'Unsqueeze', in: ['seen', 'one'], out: 'colour' },
    { op: 'MatMul', in: ['inputs_embeds', 'follow'], out: 'next' },
    { op: 'Add', in: ['next', 'colour'], out: 'logits' },
  ],
  weights: [
    { name: 'one', shape: [1], values: [1], int: true },
    toWords('follow', table().values, 0),
    toWords('look', colours.values, V),
  ],
});

const florence = (name: string) =>
  folderOf(name, {
    'config.json': JSON.stringify({
      model_type: 'florence2',
      architectures: ['Florence2ForConditionalGeneration'],
      is_encoder_decoder: true,
      decoder_start_token_id: id('<s>'),
      eos_token_id: id('</s>'),
      pad_token_id: 0,
      text_config: {
        model_type: 'bart',
        d_model: H,
        decoder_layers: 1,
        encoder_layers: 1,
        decoder_attention_heads: 1,
        encoder_attention_heads: 1,
        vocab_size: V,
      },
    }),
    'preprocessor_config.json': preprocessor('CLIPImageProcessor', {
      processor_class: 'Florence2Processor',
      tasks_answer_post_processing_type: { '<CAPTION>': 'pure_text', '<MORE_DETAILED_CAPTION>': 'pure_text' },
      task_prompts_without_inputs: { '<CAPTION>': 'caption', '<MORE_DETAILED_CAPTION>': 'Describe' },
    }),
    'onnx/embed_tokens.onnx': embed,
    'onnx/vision_encoder.onnx': looks(['n', 3, 8, 8], [2, 3]),
    'onnx/encoder_model.onnx': onnxFile({
      inputs: [{ name: 'inputs_embeds', shape: ['n', 's', H] }],
      outputs: [{ name: 'last_hidden_state', shape: ['n', 's', H] }],
      nodes: [{ op: 'Identity', in: ['inputs_embeds'], out: 'last_hidden_state' }],
      weights: [],
    }),
    'onnx/decoder_model_merged.onnx': speaks('encoder_hidden_states', [
      'inputs_embeds',
      'encoder_hidden_states',
    ]),
  });

const smolvlm = (name: string) =>
  folderOf(name, {
    'config.json': JSON.stringify({
      model_type: 'smolvlm',
      architectures: ['SmolVLMForConditionalGeneration'],
      image_token_id: id('<image>'),
      eos_token_id: id('</s>'),
      pad_token_id: 0,
      text_config: {
        model_type: 'llama',
        hidden_size: H,
        num_hidden_layers: 1,
        num_attention_heads: 1,
        num_key_value_heads: 1,
        vocab_size: V,
      },
      vision_config: {},
    }),
    'tokenizer_config.json': settings({
      chat_template:
        "<s> {% for message in messages %}User: {% for part in message.content %}{% if part.type == 'image' %}<image> {% else %}{{ part.text }} {% endif %}{% endfor %}{% endfor %}",
    }),
    'preprocessor_config.json': preprocessor('Idefics3ImageProcessor', {
      processor_class: 'Idefics3Processor',
      size: { longest_edge: 8 },
      max_image_size: { longest_edge: 8 },
      do_image_splitting: false,
      do_pad: false,
    }),
    'processor_config.json': JSON.stringify({ processor_class: 'Idefics3Processor', image_seq_len: 1 }),
    'onnx/embed_tokens.onnx': embed,
    'onnx/vision_encoder.onnx': looks(['b', 'n', 3, 8, 8], [1, 3, 4]),
    'onnx/decoder_model_merged.onnx': remembers,
  });

const square = (r: number, g: number, b: number): Image => ({
  width: 8,
  height: 8,
  data: Uint8Array.from({ length: 192 }, (_, i) => [r, g, b][i % 3]),
});
const captions = async (ref: string, options: Parameters<typeof loadCaptioner>[1] = {}) => {
  const captioner = await loadCaptioner(ref, options);
  const results = await captioner.caption([square(255, 0, 0), square(0, 0, 255)]);
  await captioner.close();
  return { captioner, texts: results.map(({ text }) => text) };
};

describe('a captioner of the hub', () => {
  it('of the class of ViT-GPT2 writes short captions of what it sees', async () => {
    const { captioner, texts } = await captions(`hf:${await visionEncoderDecoder('vit-gpt2')}`);
    expect(texts).toEqual(['a red square', 'a blue square']);
    expect(captioner.kind).toBe('short');
    expect(captioner.id).toMatch(/vit-gpt2 short$/);
  });

  it('of the class of Florence-2 is asked by its own task', async () => {
    const place = `hf:${await florence('florence')}`;
    const { captioner, texts } = await captions(place, { server: { recipe: 'short' } });
    expect(texts).toEqual(['a red square', 'a blue square']);
    expect(captioner.kind).toBe('short');
    expect((await captions(place)).captioner.kind).toBe('descriptive');
  });

  it('of the class of chat models is asked by a recipe', async () => {
    const { captioner, texts } = await captions(`hf:${await smolvlm('smolvlm')}`);
    expect(texts).toEqual(['a red square', 'a blue square']);
    expect(captioner.id).toMatch(/smolvlm descriptive-[0-9a-f]{8}$/);
  });

  it('captions a folder like any other captioner', async () => {
    await say('world', '--count', '2', '--size', '32', '--out', join(folder.path, 'scenes'));
    const { code, stderr } = await say(
      'caption',
      join(folder.path, 'scenes'),
      '--captioner',
      `hf:${join(folder.path, 'vit-gpt2')}`,
      '--out',
      join(folder.path, 'captions.jsonl'),
    );
    expect(code, stderr).toBe(0);
  });
});

describe('a folder that is no captioner of the hub', () => {
  it.each(['tokenizer.json', 'preprocessor_config.json', 'onnx', 'config.json'])(
    'is told of when it has no %s',
    async (file) => {
      const place = await visionEncoderDecoder(`without-${file.replace(/\W/g, '')}`);
      const { rm } = await import('node:fs/promises');
      await rm(join(place, file), { recursive: true });
      await expect(loadCaptioner(`hf:${place}`)).rejects.toMatchObject({
        code: 'bad-model',
        message: expect.stringContaining(file),
      });
    },
  );
});
