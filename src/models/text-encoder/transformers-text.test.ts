import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Folder, temporaryFolder } from '../../../test/helpers/collection.ts';
import { tinyTextModel, wordTokenizer } from '../../../test/helpers/tiny-text-model.ts';
import { openTextEncoder } from './encoder.ts';

let folder: Folder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

/** Nothing here may ask the network: every request fails the test. */
const requests = vi.spyOn(globalThis, 'fetch').mockImplementation(async (url) => {
  throw new Error(`asked the network for ${url}`);
});
afterEach(() => expect(requests.mock.calls).toEqual([]));

const WORDS = ['?', '<s>', '</s>', 'red', 'circle', 'blue'];
const TABLE = WORDS.map((_, i) => [i, i * i, -i]);

async function model(
  name: string,
  type: string,
  architecture: string,
  file: string,
  table = TABLE,
): Promise<string> {
  await folder.write({
    [`${name}/config.json`]: JSON.stringify({
      model_type: type,
      architectures: [architecture],
      is_encoder_decoder: type === 't5',
    }),
    [`${name}/tokenizer.json`]: JSON.stringify(wordTokenizer(WORDS, ['<s>', '</s>'])),
    [`${name}/tokenizer_config.json`]: JSON.stringify({
      tokenizer_class: 'PreTrainedTokenizerFast',
      pad_token: '</s>',
      model_max_length: 5,
    }),
    [`${name}/onnx/${file}`]: tinyTextModel(table),
  });
  return join(folder.path, name);
}

describe('a text encoder in the layout of the Hugging Face hub', () => {
  it.each([
    ['a T5', 't5', 'T5ForConditionalGeneration', 'encoder_model.onnx'],
    ['the text half of a CLIP', 'clip', 'CLIPModel', 'text_model.onnx'],
    ['any other encoder', 'bert', 'BertModel', 'model.onnx'],
  ])(
    '%s gives a vector for each token, the same alone or in company',
    async (name, type, architecture, file) => {
      const encoder = await openTextEncoder(await model(name.replaceAll(' ', '-'), type, architecture, file));
      expect(encoder).toMatchObject({ width: 3, maxTokens: 5 });
      const rows = (ids: number[]) => Float32Array.from(ids.flatMap((id) => TABLE[id]));
      const [short, long] = await encoder.encode(['red', 'Blue circle']);
      expect(short).toEqual(rows([1, 3, 2]));
      expect(long).toEqual(rows([1, 5, 4, 2]));
      expect(await encoder.encode(['red'])).toEqual([short]);
      await encoder.close();
    },
  );

  it('counts the tokens of a text that is too long, and reads as many as it can', async () => {
    const encoder = await openTextEncoder(await model('long', 'bert', 'BertModel', 'model.onnx'));
    expect(encoder.count('red red red red red')).toBe(7);
    expect((await encoder.encode(['red red red red red']))[0]).toHaveLength(5 * 3);
    await encoder.close();
  });

  it('has another id with other weights', async () => {
    const ids = [];
    for (const [name, table] of [
      ['one', TABLE],
      ['two', TABLE.map((row) => row.map((v) => v + 1))],
    ] as const) {
      const encoder = await openTextEncoder(
        await model(`same-${name}`, 'bert', 'BertModel', 'model.onnx', table),
      );
      ids.push(encoder.id.split('-').at(-1));
      await encoder.close();
    }
    expect(ids[0]).not.toBe(ids[1]);
  });

  it('that is not there is told with a hint', async () => {
    await folder.write({ 'nothing/config.json': JSON.stringify({ model_type: 'bert' }) });
    await expect(openTextEncoder(join(folder.path, 'nothing'))).rejects.toMatchObject({
      code: 'bad-model',
      place: join(folder.path, 'nothing'),
    });
  });
});
