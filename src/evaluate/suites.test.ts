import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Folder, temporaryFolder } from '../../test/helpers/collection.ts';
import { sharedData } from '../../test/shared.ts';
import { readSuite, type SuiteName } from './suites.ts';

let folder: Folder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const prompts = sharedData('prompts');
describe.skipIf(prompts === undefined)('a suite as it is published', () => {
  it.each([
    ['drawbench', 'drawbench.csv', 200, 'A red colored car.', 'Colors'],
    ['lines', 'drawbench_upsampled.txt', 200, undefined, undefined],
    ['lines', 'dalle3_eval.txt', 170, undefined, undefined],
    ['parti', 'parti.tsv', 1632, 'bond', 'Abstract'],
    ['geneval', 'geneval.jsonl', 553, 'a photo of a bench', 'single_object'],
    ['dsg', 'dsg-1k.csv', 1060, 'A rubix cube with ten squares of purple', 'whoops'],
    ['dpg', 'dpg', 100, undefined, undefined],
    ['t2i-compbench', 't2i-compbench/color_val.txt', 300, 'a green bench and a blue bowl', 'color'],
  ] as [SuiteName, string, number, string | undefined, string | undefined][])('%s, %s: %i prompts', async (name, file, count, first, category) => {
    const suite = await readSuite(name, join(prompts!, file));
    expect(suite.prompts).toHaveLength(count);
    if (first) expect(suite.prompts.map(({ prompt }) => prompt)).toContain(first);
    if (category) expect(suite.prompts.find(({ prompt }) => prompt === first)!.category).toBe(category);
    expect(new Set(suite.prompts.map(({ id }) => id)).size).toBe(count);
    expect(suite.prompts.every(({ prompt }) => prompt.trim() === prompt && prompt !== '')).toBe(true);
  }); // biome-ignore format: one line

  it('that is a folder of lists takes the full ones', async () => {
    const { prompts: all } = await readSuite('t2i-compbench', join(prompts!, 't2i-compbench'));
    expect([...new Set(all.map(({ category }) => category))].sort()).toEqual(['3d_spatial', 'color', 'complex', 'new_objects', 'non_spatial', 'numeracy', 'shape', 'spatial', 'texture']); // biome-ignore format: one line
  });

  it('knows what is asked of pictures', async () => {
    const geneval = await readSuite('geneval', join(prompts!, 'geneval.jsonl'));
    const right = geneval.prompts.find(({ prompt }) => prompt === 'a photo of a dog right of a teddy bear')!;
    expect(right.geneval!.include[1]).toMatchObject({ class: 'dog', position: ['right of', 0] });
    const dsg = await readSuite('dsg', join(prompts!, 'dsg-1k.csv'));
    const cube = dsg.prompts.find(({ id }) => id === 'whoops_5')!;
    expect(cube.questions![1]).toEqual({ id: 2, parents: [1], category: 'attribute', text: 'Is the rubix cube purple?' }); // biome-ignore format: one line
  });
});

describe('a file that is no suite', () => {
  it.each([
    ['geneval', 'cut.jsonl', '{"tag": "colors", "include": [{"class": "be', /no JSON object/],
    ['geneval', 'other.jsonl', '{"prompt": "a dog"}\n', /not the suite "geneval"/],
    ['parti', 'list.txt', 'a dog\n', /Prompt and Category/],
    ['drawbench', 'empty.csv', 'prompt,category\n', /no rows/],
    ['dsg', 'drawbench.csv', 'prompt,category\na,b\n', /no column "item_id"/],
    ['lines', 'nothing.txt', '\n\n', /no prompts/],
    ['lines', 'noprompt.jsonl', '{"text": "a"}\n', /no "prompt"/],
  ] as [SuiteName, string, string, RegExp][])('%s, %s: is told of', async (name, file, content, message) => {
    const place = await folder.write({ [file]: content });
    const error = await readSuite(name, place).catch((thrown) => thrown);
    expect(error.message).toMatch(message);
    expect(['bad-suite', 'bad-csv']).toContain(error.code);
    expect(error.place).toContain(place);
  });

  it('and one that is not there', async () => {
    for (const name of ['drawbench', 'dpg', 't2i-compbench'] as const) await expect(readSuite(name, join(folder.path, 'nowhere.csv'))).rejects.toMatchObject({ code: 'file-not-found' }); // biome-ignore format: one line
  });
});
