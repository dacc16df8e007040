/** The generator that comes with the package, as a newcomer types it. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { evaluateScenes } from '../src/evaluate/scenes.ts';
import { decodeImage, readPngText } from '../src/image/index.ts';
import { random } from '../src/random.ts';
import { captionScene, PLAIN, sampleScene } from '../src/world/index.ts';
import { type Folder, temporaryFolder } from './helpers/collection.ts';
import { say } from './helpers/program.ts';

let folder: Folder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

test('draws at once, and is no larger than 15 MB', async () => {
  const out = join(folder.path, 'out');
  const prompt = 'three small red circles left of a blue square, white background';
  const { code, stdout } = await say('generate', prompt, '--out', out);
  expect(code).toBe(0);
  expect(stdout).toContain('To look at it, open');
  const { recaption } = readPngText(await readFile(join(out, '00000.png')));
  expect(JSON.parse(recaption)).toMatchObject({ prompt, seed: 0, model: 'world@0.1.0' });
  expect(await decodeImage(join(out, '00000.png'))).toMatchObject({ width: 48, height: 48 });
  const weights = join(import.meta.dirname, '../assets/generators/world/model.safetensors');
  expect((await stat(weights)).size).toBeLessThan(15e6);
});

test('draws most of what descriptions of unseen scenes ask for', { timeout: 60_000 }, async () => {
  const prompts = Array.from({ length: 16 }, (_, i) =>
    captionScene(
      sampleScene(90_003, i, { ...PLAIN, maxObjects: 3, grid: 6 }),
      'descriptive',
      random(90_003, i),
    ),
  );
  await folder.write({ 'prompts.txt': prompts.join('\n') });
  const out = join(folder.path, 'many');
  expect((await say('generate', '--prompts', join(folder.path, 'prompts.txt'), '--out', out)).code).toBe(0);
  const evaluation = evaluateScenes();
  for (const [i, prompt] of prompts.entries())
    evaluation.add(prompt, await decodeImage(join(out, `${String(i).padStart(5, '0')}.png`)));
  const { met, skills } = evaluation.scores();
  expect(met.rate).toBeGreaterThan(0.5); // 0.84 over many prompts
  expect(skills.background!.rate).toBeGreaterThan(0.9);
  expect(skills.object!.rate).toBeGreaterThan(0.8);
  expect(skills.place!.rate).toBeGreaterThan(0.8);
});
