import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { openCatalog, statusOf } from '../src/data/catalog/index.ts';
import { random } from '../src/random.ts';
import { temporaryFolder } from './helpers/collection.ts';
import { numberedPicture } from './helpers/fake-captioner.ts';
import { endOf, startChild } from './helpers/kill.ts';
import { integrity } from './helpers/workspace.ts';

const PICTURES = 300;
const KILLS = 100;
/** Pictures that are under way when a kill comes: two batches of two, and one that waits. */
const UNDER_WAY = 6;

test('killed a hundred times at random instants, import and captioning lose nothing and do nothing twice', async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder.remove());
  const [photos, workspace, shown] = ['photos', 'work', 'shown.txt'].map((name) => join(folder.path, name));
  await mkdir(photos);
  await mkdir(workspace);
  for (let n = 0; n < PICTURES; n++)
    await writeFile(join(photos, `${String(n).padStart(4, '0')}.png`), await numberedPicture(n));

  const instants = random(11, 'kill');
  let killed = 0;
  for (let i = 0; i < KILLS; i++) {
    const child = await startChild('workspace-kill-child.ts', photos, workspace, shown);
    await setTimeout(instants.int(100));
    child.kill('SIGKILL');
    if ((await endOf(child)) === null) killed++;
  }
  expect(killed).toBeGreaterThan(KILLS / 4); // the last may come when all is done
  expect(await endOf(await startChild('workspace-kill-child.ts', photos, workspace, shown))).toBe(0);

  const catalog = await openCatalog(workspace);
  onTestFinished(() => catalog.close());
  expect(integrity(catalog)).toBe('ok');
  const { images, kinds, failures } = statusOf(catalog);
  expect({ images, failures }).toEqual({ images: PICTURES, failures: [] });
  expect(kinds.map(({ kind, captions, images }) => [kind, captions, images])).toEqual([
    ['descriptive', PICTURES, PICTURES],
    ['short', PICTURES, PICTURES],
  ]);
  const rows = catalog.db.all<{ key: string; text: string; state: number }>(
    'SELECT key, text, state FROM captions JOIN images ON images.id = image',
  );
  expect(rows).toHaveLength(2 * PICTURES);
  for (const { key, text, state } of rows)
    expect([text, state]).toEqual([`picture number ${Number(key)}`, 0]);

  // Only what was under way when a kill came is done again.
  const times = (await readFile(shown, 'utf8')).trimEnd().split('\n').length;
  expect(times).toBeLessThanOrEqual(2 * PICTURES + killed * UNDER_WAY);
  // A killed job's lock is taken over, and the last one removes it.
  expect(
    (await readdir(workspace)).filter((name) => name.endsWith('.tmp') || name.endsWith('.lock')),
  ).toEqual([]);
}, 240_000);
