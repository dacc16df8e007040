import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Folder, temporaryFolder } from '../../test/helpers/collection.ts';
import { sharedData } from '../../test/shared.ts';
import { trainBpe } from './bpe.ts';
import { createTokenizer, loadTokenizer } from './tokenizer.ts';

const json = trainBpe(['a dog runs', 'a dog sits', 'the dogs'], { vocabSize: 280 });

let folder: Folder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

describe('createTokenizer', () => {
  const tokenizer = createTokenizer(json);

  it('knows its size and its special tokens', () => {
    expect(tokenizer.vocabSize).toBe(Object.keys(json.model.vocab).length);
    expect(['<pad>', '<bos>', '<eos>', '<unk>'].map(tokenizer.specialId)).toEqual([0, 1, 2, 3]);
    expect(() => tokenizer.specialId('<mask>')).toThrow(expect.objectContaining({ code: 'bad-tokenizer' }));
  });

  it('leaves special tokens and unknown ids out of the text', () => {
    expect(tokenizer.decode([1, ...tokenizer.encode('a dog'), 2, 0, 0, 99_999])).toBe('a dog');
    expect(tokenizer.decode([1, 2])).toBe('');
    expect(tokenizer.encode('')).toEqual([]);
  });

  it('takes a special token spelled in a caption for text', () => {
    const ids = tokenizer.encode('a dog <eos> runs');
    expect(ids).not.toContain(tokenizer.specialId('<eos>'));
    expect(tokenizer.decode(ids)).toBe('a dog <eos> runs');
  });

  it('leaves the space before punctuation alone', () => {
    expect(tokenizer.decode(tokenizer.encode("a dog 's ball , red ."))).toBe("a dog 's ball , red .");
  });

  it('survives the way to a file and back', async () => {
    const path = join(folder.path, 'tokenizer.json');
    await writeFile(path, JSON.stringify(tokenizer));
    const loaded = await loadTokenizer(path);
    expect(loaded.toJSON()).toEqual(json);
    expect(loaded.encode('The dog is running')).toEqual(tokenizer.encode('the dog is running'));
  });

  it.each([
    ['a list', []],
    ['no model', { added_tokens: [] }],
    ['no vocabulary', { model: { type: 'BPE', merges: [] } }],
    ['an id given twice', { model: { type: 'BPE', vocab: { a: 0, b: 0 }, merges: [] } }],
    ['a negative id', { model: { type: 'BPE', vocab: { a: -1 }, merges: [] } }],
    ['an absurd id', { model: { type: 'BPE', vocab: { a: 1e12 }, merges: [] } }],
    ['merges that are no pairs', { model: { type: 'BPE', vocab: { a: 0 }, merges: [['a']] } }],
    ['an unknown normaliser', { ...json, normalizer: { type: 'Nonsense' } }],
    ['an unknown decoder', { ...json, decoder: { type: 'Nonsense' } }],
    ['an added token without content', { ...json, added_tokens: [{ id: 0 }] }],
  ])('rejects %s', (_, wrong) => {
    expect(() => createTokenizer(wrong, 'x.json')).toThrow(
      expect.objectContaining({ code: 'bad-tokenizer', place: 'x.json' }),
    );
  });
});

describe('loadTokenizer', () => {
  it('says of a missing file that it is missing, and of a broken one that it is broken', async () => {
    await expect(loadTokenizer(join(folder.path, 'none.json'))).rejects.toMatchObject({
      code: 'file-not-found',
    });
    await writeFile(join(folder.path, 'cut.json'), JSON.stringify(json).slice(0, 500));
    await expect(loadTokenizer(join(folder.path, 'cut.json'))).rejects.toMatchObject({
      code: 'bad-tokenizer',
    });
  });

  const t5 = sharedData('tokenizers/t5/tokenizer.json');
  it.skipIf(!t5)('gives the ids of T5 that the original programs give', async () => {
    const tokenizer = await loadTokenizer(t5!);
    const golden: { text: string; t5_ids: number[] }[] = JSON.parse(
      await readFile(sharedData('tokenizers/expected.json')!, 'utf8'),
    );
    expect(golden).toHaveLength(30);
    for (const { text, t5_ids } of golden) expect(tokenizer.encode(text), text).toEqual(t5_ids);
    expect(tokenizer.specialId('</s>')).toBe(1);
    expect(tokenizer.decode([...golden[1].t5_ids, 0])).toBe(golden[1].text);
  });
});
