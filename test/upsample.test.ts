/** Longer prompts, as a user types it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Folder, temporaryFolder } from './helpers/collection.ts';
import { jsonLines, say } from './helpers/program.ts';

let temporary: Folder;
let folder: string;
beforeAll(async () => {
  temporary = await temporaryFolder();
  folder = temporary.path;
});
afterAll(() => temporary.remove());

describe('recaption upsample', () => {
  test('makes prompts of scenes into descriptions that say all of them, the same for the same seed', async () => {
    const prompts = [
      'a small red circle',
      'two large blue stars',
      'a tiny orange moon on a white background',
    ];
    const { code, stdout } = await say('upsample', ...prompts, '--json');
    expect(code).toBe(0);
    const rows = jsonLines(stdout);
    expect(rows.map(({ prompt }) => prompt)).toEqual(prompts);
    expect(rows.filter(({ how }) => how !== 'kept').length).toBeGreaterThanOrEqual(2);
    for (const { upsampled, how } of rows) {
      const words = upsampled.split(/\s+/).length;
      if (how !== 'kept') expect(words >= 15 && words <= 80, upsampled).toBe(true);
    }
    expect((await say('upsample', ...prompts, '--json')).stdout).toBe(stdout);
  });

  test('goes on with a conversation that lies in a file', async () => {
    const history = join(folder, 'turns.jsonl');
    await say('upsample', 'a small red circle', '--history', history);
    const { stdout } = await say('upsample', 'make it blue', '--history', history, '--json');
    expect(jsonLines(stdout)[0]).toMatchObject({ asked: 'a small blue circle' });
    const turns = jsonLines(await readFile(history, 'utf8'));
    expect(turns.map(({ asked }) => asked)).toEqual(['a small red circle', 'a small blue circle']);
  });

  test('emoji and other scripts do no harm: what no description does for stays as it is', async () => {
    const { code, stdout } = await say('upsample', '🐱🚀', '一只猫', '--json');
    expect(code).toBe(0);
    for (const { prompt, upsampled, how } of jsonLines(stdout))
      if (how === 'kept') expect(upsampled).toBe(prompt);
  });

  test.each([
    [[], 'usage'],
    [['a cat', '--prompts', 'x.txt'], 'usage'],
    [['a cat', '--with', 'nobody'], 'no-prompt-writer'],
    [['--prompts', 'nowhere.txt'], 'file-not-found'],
  ])('bad input %s is told: %s', async (args, wanted) => {
    const { code, stdout } = await say('upsample', ...args, '--json');
    expect(code).toBeGreaterThan(0);
    expect(jsonLines(stdout).at(-1)?.error?.code).toBe(wanted);
  });

  test('a line that is no turn is told with its place', async () => {
    const history = join(folder, 'bad.jsonl');
    await writeFile(history, '{"prompt": "a cat"}\n');
    const { code, stdout } = await say('upsample', 'a cat', '--history', history, '--json');
    expect(code).toBe(1);
    expect(jsonLines(stdout).at(-1)?.error).toMatchObject({ code: 'bad-history', place: `${history}:1` });
  });
});
