import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { random } from '../src/random.ts';
import { temporaryFolder } from './helpers/collection.ts';
import { numberedPicture } from './helpers/fake-captioner.ts';
import { endOf, startChild } from './helpers/kill.ts';

const PICTURES = 120;
const BATCH = 4;
const KILLS = 10;

test('killed at ten random instants and run again, a job captions every picture exactly once', async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder.remove());
  const photos = join(folder.path, 'photos');
  const [out, shown] = [join(folder.path, 'out', 'captions.jsonl'), join(folder.path, 'shown.txt')];
  await mkdir(photos);
  for (let n = 0; n < PICTURES; n++) {
    await writeFile(join(photos, `${String(n).padStart(4, '0')}.png`), await numberedPicture(n));
  }

  const instants = random(7, 'kill');
  let killed = 0;
  for (let i = 0; i < KILLS; i++) {
    const child = await startChild('caption-kill-child.ts', photos, out, shown);
    await setTimeout(instants.int(120));
    child.kill('SIGKILL');
    if ((await endOf(child)) === null) killed++;
  }
  expect(killed).toBeGreaterThanOrEqual(5);
  expect(await endOf(await startChild('caption-kill-child.ts', photos, out, shown))).toBe(0);

  const text = await readFile(out, 'utf8');
  expect(text.endsWith('\n')).toBe(true);
  const rows = text.trimEnd().split('\n').map((line) => JSON.parse(line)); // biome-ignore format: one line
  const numbers = Array.from({ length: PICTURES }, (_, n) => n);
  expect(rows.map(({ caption }) => caption)).toEqual(numbers.map((n) => `picture number ${n}`));
  expect(new Set(rows.map(({ key }) => key)).size).toBe(PICTURES);

  // Only a batch that was under way when the kill came is done again.
  const times = (await readFile(shown, 'utf8')).trimEnd().split('\n').length;
  expect(times).toBeLessThanOrEqual(PICTURES + killed * BATCH);
  expect((await readdir(join(folder.path, 'out'))).sort()).toEqual([
    'captions.jsonl',
    'captions.jsonl.recipe.json',
  ]);

  // A run that was never killed gives the same file.
  const smooth = join(folder.path, 'smooth', 'captions.jsonl');
  expect(await endOf(await startChild('caption-kill-child.ts', photos, smooth, shown))).toBe(0);
  expect(await readFile(smooth, 'utf8')).toBe(text);
});
