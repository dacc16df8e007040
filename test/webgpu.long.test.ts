/** The same training on a GPU, or under a software driver where there is none. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { writeDataset } from '../src/data/index.ts';
import { worldDataset } from '../src/world/index.ts';
import { temporaryFolder } from './helpers/collection.ts';
import { jsonLines, PROGRAM, runProgram } from './helpers/program.ts';

/** Comes with Debian's chromium. */
const SOFTWARE = '/usr/lib/chromium/vk_swiftshader_icd.json';
const CONFIG = {
  model: {
    size: 32,
    patch: 8,
    width: 64,
    layers: 2,
    heads: 4,
    text: { width: 32, layers: 1, heads: 2, vocabulary: 300, maxTokens: 48 },
  },
  training: { batch: 8, warmup: 5, validateEvery: 1000, previews: 0 },
};

test('a generator trained on WebGPU has the losses of one trained on the processor, within 1e-3 over 20 steps', async ({
  skip,
}) => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder.remove());
  const [data, config] = ['scenes', 'config.json'].map((name) => join(folder.path, name));
  await writeDataset(worldDataset({ count: 32, size: 32, seed: 1 }), { to: data, format: 'webdataset' });
  await writeFile(config, JSON.stringify(CONFIG));
  const env = {
    RECAPTION_CACHE: join(folder.path, 'cache'),
    ...(existsSync(SOFTWARE) && !process.env.VK_ICD_FILENAMES && { VK_ICD_FILENAMES: SOFTWARE }),
  };
  const losses = async (device: string): Promise<number[] | undefined> => {
    const out = join(folder.path, device);
    const words = ['train', 'generator', '--data', data, '--captions', 'descriptive', '--config', config, '--steps', '20', '--device', device, '--out', out]; // biome-ignore format: one line
    const { code, stderr } = await runProgram(process.execPath, [PROGRAM, ...words], { env });
    if (code !== 0 && device === 'webgpu') {
      skip(`there is no WebGPU device here: ${stderr.slice(0, 200)}`);
      return undefined;
    }
    expect(code, stderr).toBe(0);
    return jsonLines(await readFile(join(out, 'metrics.jsonl'), 'utf8')).filter(({ kind }) => kind === 'step').map(({ loss }) => loss); // biome-ignore format: one line
  };
  const there = await losses('webgpu');
  const here = await losses('cpu');
  expect(here).toHaveLength(20);
  for (const [i, loss] of here!.entries())
    expect(Math.abs(there![i] - loss), `step ${i + 1}`).toBeLessThan(1e-3);
});
