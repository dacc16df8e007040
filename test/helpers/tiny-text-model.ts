/** The text half of a CLIP as small as can be: the sum of its tokens' vectors. */
import { bytes, type Chunk, concatenate, integer } from '../../src/tensor/onnx/protobuf.ts';

const [FLOAT, INT64] = [1, 7];

/**
 * `input_ids` and `attention_mask` (N, L) to `last_hidden_state` (N, L, width), the table's rows where the mask is 1, and to
 * `text_embeds` (N, width), their sum.
 */
export function tinyTextModel(table: readonly (readonly number[])[]): Uint8Array {
  const width = table[0].length;
  const node = (op: string, inputs: string[], output: string, attributes: Chunk[] = []) =>
    bytes(1, [
      ...inputs.map((name) => bytes(1, name)),
      bytes(2, output),
      bytes(4, op),
      ...attributes.map((attribute) => bytes(5, attribute)),
    ]);
  const number = (name: string, value: number) =>
    concatenate([bytes(1, name), integer(3, value), integer(20, 2)]);
  const constant = (name: string, type: number, dims: number[], data: Float32Array | BigInt64Array) =>
    bytes(5, [
      ...dims.map((dim) => integer(1, dim)),
      integer(2, type),
      bytes(8, name),
      bytes(9, new Uint8Array(data.buffer)),
    ]);
  const value = (field: number, name: string, type: number, dims: (string | number)[]) => {
    const shape = dims.map((dim) => bytes(1, [typeof dim === 'string' ? bytes(2, dim) : integer(1, dim)]));
    return bytes(field, [bytes(1, name), bytes(2, [bytes(1, [integer(1, type), bytes(2, shape)])])]);
  };
  const graph = [
    node('Gather', ['table', 'input_ids'], 'vectors', [number('axis', 0)]),
    node('Cast', ['attention_mask'], 'mask', [number('to', FLOAT)]),
    node('Unsqueeze', ['mask', 'last'], 'column'),
    node('Mul', ['vectors', 'column'], 'last_hidden_state'),
    node('ReduceSum', ['last_hidden_state', 'middle'], 'text_embeds', [number('keepdims', 0)]),
    bytes(2, 'tiny-text'),
    constant('table', FLOAT, [table.length, width], Float32Array.from(table.flat())),
    constant('last', INT64, [1], BigInt64Array.of(2n)),
    constant('middle', INT64, [1], BigInt64Array.of(1n)),
    value(11, 'input_ids', INT64, ['N', 'L']),
    value(11, 'attention_mask', INT64, ['N', 'L']),
    value(12, 'text_embeds', FLOAT, ['N', width]),
    value(12, 'last_hidden_state', FLOAT, ['N', 'L', width]),
  ];
  return concatenate([integer(1, 9), bytes(7, graph), bytes(8, [bytes(1, ''), integer(2, 20)])]);
}

/** A `tokenizer.json` of whole words between a start and an end token; `words[i]` has the id i, and `words[0]` stands for all others. */
export function wordTokenizer(words: readonly string[], [start, end]: [string, string]): object {
  const special = (content: string) => ({ id: words.indexOf(content), content, special: true });
  const token = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
  return {
    version: '1.0',
    added_tokens: [start, end].map(special),
    normalizer: { type: 'Lowercase' },
    pre_tokenizer: { type: 'WhitespaceSplit' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [token(start), { Sequence: { id: 'A', type_id: 0 } }, token(end)],
      pair: [token(start), { Sequence: { id: 'A', type_id: 0 } }, token(end)],
      special_tokens: Object.fromEntries(
        [start, end].map((id) => [id, { id, ids: [words.indexOf(id)], tokens: [id] }]),
      ),
    },
    decoder: null,
    model: {
      type: 'WordPiece',
      unk_token: words[0],
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(words.map((word, i) => [word, i])),
    },
  };
}
