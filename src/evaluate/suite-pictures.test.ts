import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Folder, temporaryFolder } from '../../test/helpers/collection.ts';
import { sharedData } from '../../test/shared.ts';
import { findSuitePictures, suitePictureName } from './suite-pictures.ts';
import { readSuite, type Suite } from './suites.ts';

let folder: Folder;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

const suite = (name: Suite['name'], ids: string[], prompts = ids): Suite => ({ name, prompts: ids.map((id, i) => ({ id, prompt: prompts[i] })) }); // biome-ignore format: one line

async function found(suite: Suite, files: string[]) {
  for (const file of files) {
    await mkdir(dirname(join(folder.path, file)), { recursive: true });
    await writeFile(join(folder.path, file), '');
  }
  const { pictures, strange } = await findSuitePictures(suite, folder.path);
  return { pictures: pictures.map((own) => own.map((path) => relative(folder.path, path).replaceAll('\\', '/'))), strange }; // biome-ignore format: one line
}

describe('pictures of a suite', () => {
  test('are found by the number of the prompt and then of the picture, in order of numbers', async () => {
    const { pictures, strange } = await found(suite('drawbench', ['0', '1', '2']), ['0_10.png', '0_2.png', '1.jpg', 'logo.png', 'notes.txt', '7_0.png']); // biome-ignore format: one line
    expect(pictures).toEqual([['0_2.png', '0_10.png'], ['1.jpg'], []]);
    expect(strange).toEqual(['7_0.png', 'logo.png']);
  });
  test('may be padded with zeros, and lie in folders', async () => {
    const { pictures } = await found(suite('lines', ['0', '1']), ['run/00000.png', 'run/00001_3.png']);
    expect(pictures).toEqual([['run/00000.png'], ['run/00001_3.png']]);
  });
  test('are counted from 1 where the first is not 0 and the last is the number of prompts', async () => {
    const { pictures } = await found(suite('drawbench', ['0', '1', '2']), ['1_0.png', '2_0.png', '3_0.png']);
    expect(pictures).toEqual([['1_0.png'], ['2_0.png'], ['3_0.png']]);
  });
  test('of GenEval lie in a folder for each prompt', async () => {
    const files = [
      '00000/samples/0000.png',
      '00001/samples/0001.png',
      '00001/samples/0000.png',
      '00001/grid.png',
    ];
    const { pictures, strange } = await found(suite('geneval', ['00000', '00001']), files);
    expect(pictures).toEqual([[files[0]], [files[2], files[1]]]);
    expect(strange).toEqual(['00001/grid.png']);
  });
  test('of T2I-CompBench bear their prompt, whatever signs a file system would not take', async () => {
    const prompts = ['a green bench and a blue bowl', 'is it 1/2 full?'];
    const files = ['a green bench and a blue bowl_000001.png', 'is it 1_2 full_000000.png'];
    expect((await found(suite('t2i-compbench', ['0', '1'], prompts), files)).pictures).toEqual([[files[0]], [files[1]]]); // biome-ignore format: one line
  });
  test('of T2I-CompBench are told apart by their number where a prompt occurs twice', async () => {
    const twice = suite('t2i-compbench', ['0', '1', '2'], ['a red boat', 'a cup', 'a red boat']);
    const names = [0, 1, 2].flatMap((i) => [0, 1].map((k) => suitePictureName(twice, i, k, 2)));
    expect((await found(twice, names)).pictures).toEqual([
      names.slice(0, 2),
      names.slice(2, 4),
      names.slice(4),
    ]);
  });
  test('of T2I-CompBench are found under the names that we give them, however long the prompt', async () => {
    const long = suite('t2i-compbench', ['0'], [`the "very" long, ${'well-known '.repeat(20)}thing`]);
    const name = suitePictureName(long, 0, 0, 1);
    expect((await found(long, [name])).pictures).toEqual([[name]]);
  });
  test('that are numbers as names are not counted', async () => {
    const { pictures } = await found(suite('dpg', ['0', '1', '3']), ['1.jpg', '3.jpg']);
    expect(pictures).toEqual([[], ['1.jpg'], ['3.jpg']]);
  });
  test('of two systems in one folder are refused', async () => {
    await expect(found(suite('lines', ['0', '1']), ['a/0_0.jpg', 'b/0_0.jpg'])).rejects.toMatchObject({ code: 'same-picture' }); // biome-ignore format: one line
  });
  test('of named prompts bear that name, also where it ends in a number', async () => {
    const { pictures } = await found(suite('dsg', ['coco_1', 'coco_11']), ['coco_1.png', 'coco_11_2.png', 'coco_11.png']); // biome-ignore format: one line
    expect(pictures).toEqual([['coco_1.png'], ['coco_11.png', 'coco_11_2.png']]);
  });
  test('that are none, or of another suite, are one clear error', async () => {
    await expect(found(suite('lines', ['0']), [])).rejects.toMatchObject({ code: 'no-images' });
    await expect(found(suite('geneval', ['00000']), ['0_0.png'])).rejects.toThrow(
      /none of the 1 pictures .* "geneval"/,
    );
    await expect(findSuitePictures(suite('lines', ['0']), join(folder.path, 'none'))).rejects.toMatchObject({ code: 'file-not-found' }); // biome-ignore format: one line
  });
});

const published = sharedData('prompts');
describe.skipIf(published === undefined)('pictures that are drawn for a published suite', () => {
  test.each([
    ['drawbench', 'drawbench.csv'],
    ['parti', 'parti.tsv'],
    ['t2i-compbench', 't2i-compbench/color_val.txt'],
    ['geneval', 'geneval.jsonl'],
    ['dsg', 'dsg-1k.csv'],
    ['dpg', 'dpg'],
  ] as const)('%s are found again by their names', async (name, file) => {
    const whole = await readSuite(name, join(published!, file));
    const suite = { ...whole, prompts: whole.prompts.slice(0, 40) };
    const names = suite.prompts.map((_, i) => [0, 1].map((k) => suitePictureName(suite, i, k, 2)));
    const { pictures, strange } = await found(suite, names.flat());
    expect(strange).toEqual([]);
    expect(pictures).toEqual(names);
  });
});
