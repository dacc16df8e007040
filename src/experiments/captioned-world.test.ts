import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Folder, temporaryFolder } from '../../test/helpers/collection.ts';
import { openDataset } from '../data/index.ts';
import { checkScene } from '../evaluate/scene-check.ts';
import { readClaims, type Scene } from '../world/index.ts';
import { captionedWorld } from './captioned-world.ts';
import { CAPTIONERS, WORLD } from './experiments.ts';

let folder: Folder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

test('what our captioners say of the scenes is nearly always true, in many ways of saying it', async () => {
  const scenes = captionedWorld({
    out: join(folder.path, 'data'),
    scenes: 60,
    prompts: 3,
    world: WORLD,
    seed: 5,
    captioners: CAPTIONERS,
    device: 'cpu',
    signal: new AbortController().signal,
  });
  let step = await scenes.next();
  while (!step.done) step = await scenes.next();
  const said = { short: [] as boolean[], descriptive: [] as boolean[] };
  const openings = new Set<string>();
  for await (const { captions, meta } of await openDataset(step.value?.data ?? '')) {
    for (const { kind, text } of captions) {
      if (kind !== 'short' && kind !== 'descriptive') continue;
      const { met } = checkScene(readClaims(text), meta?.scene as Scene);
      said[kind].push(met);
      if (kind === 'descriptive') openings.add(text.split(' ').slice(0, 2).join(' '));
    }
  }
  for (const kind of ['short', 'descriptive'] as const) {
    expect(said[kind].length).toBe(60);
    expect(said[kind].filter(Boolean).length, `${kind}: true of 60`).toBeGreaterThanOrEqual(54);
  }
  expect(openings.size).toBeGreaterThan(10);
});
