import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Folder, temporaryFolder } from '../../test/helpers/collection.ts';
import { loadPromptWriter } from './prompt-writer.ts';
import { type Pair, type PromptWriterEvent, type TrainPromptWriterOptions, trainPromptWriter } from './train-prompt-writer.ts'; // biome-ignore format: one line

let folder: Folder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const COLOURS = ['red', 'blue', 'green', 'black'];
const THINGS = ['cat', 'dog', 'ball'];
const pairs: Pair[] = COLOURS.flatMap((colour) => THINGS.map((thing) => ({ prompt: `a ${colour} ${thing}`, description: `the ${colour} ${thing} is here` }))); // biome-ignore format: one line

const options = (out: string, changes: Partial<TrainPromptWriterOptions> = {}): TrainPromptWriterOptions => ({
  pairs: [...pairs, ...pairs, ...pairs, ...pairs, ...pairs], // so that what is validated on is known
  config: {
    model: { vocabulary: 300, width: 32, layers: 1, heads: 2, maxTokens: 16, dropout: 0 },
    training: { batch: 8, warmup: 5, learningRate: 0.01, validateEvery: 30, ema: 0.8 },
  },
  steps: 120,
  seed: 1,
  out: join(folder.path, out),
  device: 'cpu',
  resume: false,
  signal: new AbortController().signal,
  ...changes,
});

async function run(
  given: TrainPromptWriterOptions,
  stopAfter = Number.POSITIVE_INFINITY,
): Promise<PromptWriterEvent[]> {
  const abort = new AbortController();
  const events: PromptWriterEvent[] = [];
  for await (const event of trainPromptWriter({ ...given, signal: abort.signal })) {
    events.push(event);
    if (event.kind === 'step' && event.step === stopAfter) abort.abort();
  }
  return events;
}

describe('a prompt writer', () => {
  beforeAll(() => run(options('whole')));

  test('learns what follows from a prompt, and writes the same for the same seed however prompts are batched', async () => {
    const writer = await loadPromptWriter(join(folder.path, 'whole'));
    const prompts = pairs.map(({ prompt }) => prompt);
    const written = await writer.write(
      prompts,
      prompts.map(() => 1),
    );
    const right = written.filter((text, i) => text === pairs[i].description).length;
    expect(right).toBe(12);
    expect(await writer.write([prompts[5]], [1])).toEqual([written[5]]);
    await writer.close();
  });

  test('stopped and resumed is as never stopped', async () => {
    await run(options('stopped'), 50);
    await run(options('stopped', { resume: true }));
    const weights = (out: string) => readFile(join(folder.path, out, 'model.safetensors'));
    expect(await weights('stopped')).toEqual(await weights('whole'));
  });

  test('goes on only with the options that it was started with', async () => {
    await expect(run(options('whole'))).rejects.toMatchObject({ code: 'run-exists' });
    await expect(run(options('whole', { resume: true, seed: 2 }))).rejects.toMatchObject({
      code: 'run-differs',
    });
  });

  test('that is not there, or has a part missing, is told', async () => {
    await expect(loadPromptWriter('nobody')).rejects.toMatchObject({ code: 'no-prompt-writer' });
    await folder.write({ 'part/config.json': '{}' });
    await expect(loadPromptWriter(join(folder.path, 'part'))).rejects.toMatchObject({ code: 'bad-model' });
  });
});
